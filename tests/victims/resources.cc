// SPDX-License-Identifier: GPL-2.0
/* Takes resources of libresource_pool.so and libthrowing_pool.so, and gives half of them back. */
#include <new>

#include "truth.h"

#define ROUNDS 20

extern "C" {
void *pool_get(size_t size);
void *pool_array(size_t count, size_t size);
int pool_place(int kind, int zone, void **place, int flags, size_t size);
int pool_open(int fails);
void pool_put(void *block);
void pool_put_into(int kind, int zone, int flags, void *block);
void pool_close(int handle);
void *pool_or_throw(size_t size);
}

static NOINLINE void use_get(void)
{
	for (size_t size = 1; size <= ROUNDS; size++) {
		void *block = pool_get(size);

		truth_allocated(block, size);
		if (size % 2) {
			pool_put(block);
			truth_freed(size);
		}
	}
}

static NOINLINE void use_array(void)
{
	for (size_t count = 1; count <= ROUNDS; count++) {
		void *block = pool_array(count, 3);

		truth_allocated(block, 3 * count);
		if (count % 2) {
			pool_put_into(0, 0, 0, block);
			truth_freed(3 * count);
		}
	}
}

static NOINLINE void use_place(void)
{
	for (size_t size = 0; size <= ROUNDS; size++) {
		void *block = NULL;

		pool_place(0, 0, &block, 0, size);
		truth_allocated(block, size);
		if (size % 2) {
			pool_put(block);
			truth_freed(size);
		}
	}
}

/* What has no size counts as 0 bytes. */
static NOINLINE void use_open(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		int handle = pool_open(i % 5 == 4);

		truth_allocated(handle < 0 ? NULL : &handle, 0);
		if (handle < 0)
			continue;
		if (i % 2) {
			pool_close(handle);
			truth_freed(0);
		}
	}
}

static NOINLINE void use_or_throw(void)
{
	for (size_t size = 1; size <= ROUNDS; size++) {
		void *block = NULL;

		try {
			block = pool_or_throw(size % 5 ? size : 2 << 20);
			truth_allocated(block, size);
		} catch (const std::bad_alloc &) {
			truth_allocated(NULL, 0);
		}
		if (block && size % 2) {
			pool_put(block);
			truth_freed(size);
		}
	}
}

int main(void)
{
	use_get();
	use_array();
	use_place();
	use_open();
	use_or_throw();
	truth_print();
	return 0;
}
