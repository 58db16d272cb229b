// SPDX-License-Identifier: GPL-2.0
/* libresource_pool.so: functions that give and take back blocks and handles, each in its own way. */
#include <stddef.h>

#define POOL_BYTES (1 << 20)
#define UNIT 16
#define EXPORT __attribute__((visibility("default"), noinline))

static char pool[POOL_BYTES] __attribute__((aligned(UNIT)));
static size_t used;
static int last_handle;

void *pool_get(size_t size);
void *pool_array(size_t count, size_t size);
int pool_place(int kind, int zone, void **place, int flags, size_t size);
int pool_open(int fails);
void pool_put(void *block);
void pool_put_into(int kind, int zone, int flags, void *block);
void pool_close(int handle);

static void *take(size_t size)
{
	void *block = pool + used;

	used += (size + UNIT - 1) / UNIT * UNIT;
	return used <= POOL_BYTES ? block : NULL;
}

EXPORT void *pool_get(size_t size)
{
	return take(size);
}

EXPORT void *pool_array(size_t count, size_t size)
{
	return take(count * size);
}

/* An error leaves the place as it is. */
EXPORT int pool_place(int kind, int zone, void **place, int flags, size_t size)
{
	if (kind || zone || flags || !size)
		return 12;
	*place = take(size);
	return 0;
}

EXPORT int pool_open(int fails)
{
	return fails ? -1 : ++last_handle;
}

EXPORT void pool_put(void *block)
{
	__asm__ volatile("" : : "r"(block) : "memory");
}

EXPORT void pool_put_into(int kind, int zone, int flags, void *block)
{
	__asm__ volatile("" : : "r"(kind), "r"(zone), "r"(flags), "r"(block) : "memory");
}

EXPORT void pool_close(int handle)
{
	__asm__ volatile("" : : "r"(handle) : "memory");
}
