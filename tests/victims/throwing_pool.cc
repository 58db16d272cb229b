// SPDX-License-Identifier: GPL-2.0
/* libthrowing_pool.so: a function that gives blocks, or throws an exception. */
#include <cstddef>
#include <new>

extern "C" void *pool_or_throw(size_t size);

static char pool[1 << 20] __attribute__((aligned(16)));
static size_t used;

extern "C" __attribute__((visibility("default"), noinline)) void *pool_or_throw(size_t size)
{
	void *block = pool + used;

	if (size > sizeof(pool) - used)
		throw std::bad_alloc();
	used += (size + 15) / 16 * 16;
	return block;
}
