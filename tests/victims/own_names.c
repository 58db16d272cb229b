// SPDX-License-Identifier: GPL-2.0
/*
 * A program that has an allocator of its own beside libc's, with the names of a jemalloc that is
 * built with a prefix, as in Rust programs. It calls each of them, frees half of the blocks, and
 * ends. The allocator gives no memory back.
 */
#include "stage.h"
#include "truth.h"

#define POOL_BYTES (1 << 20)
#define UNIT 16

void *je_malloc(size_t size);
void *je_calloc(size_t nr, size_t size);
void *je_mallocx(size_t size, int flags);
void *je_rallocx(void *block, size_t size, int flags);
size_t je_xallocx(void *block, size_t size, size_t extra, int flags);
void je_free(void *block);
void je_dallocx(void *block, int flags);
void je_sdallocx(void *block, size_t size, int flags);
int je_mallctl(const char *name);

static char pool[POOL_BYTES] __attribute__((aligned(UNIT)));
static size_t used;

static void *take(size_t size)
{
	void *block = pool + used;

	used += (size + UNIT - 1) / UNIT * UNIT;
	return used <= POOL_BYTES ? block : NULL;
}

NOINLINE void *je_malloc(size_t size)
{
	return take(size);
}

NOINLINE void *je_calloc(size_t nr, size_t size)
{
	return take(nr * size);
}

NOINLINE void *je_mallocx(size_t size, int flags)
{
	return flags ? NULL : take(size);
}

/* Its blocks never move down, so the old contents are read past the old end. */
NOINLINE void *je_rallocx(void *block, size_t size, int flags)
{
	void *grown = flags ? NULL : take(size);

	if (grown)
		memmove(grown, block, size);
	return grown;
}

NOINLINE void je_free(void *block)
{
	__asm__ volatile("" : : "r"(block) : "memory");
}

/* Has room for 1000 bytes, wherever. */
NOINLINE size_t je_xallocx(void *block, size_t size, size_t extra, int flags)
{
	__asm__ volatile("" : : "r"(block), "r"(flags) : "memory");
	return size + extra <= 1000 ? size + extra : 1000;
}

NOINLINE void je_dallocx(void *block, int flags)
{
	__asm__ volatile("" : : "r"(block), "r"(flags) : "memory");
}

NOINLINE void je_sdallocx(void *block, size_t size, int flags)
{
	__asm__ volatile("" : : "r"(block), "r"(size), "r"(flags) : "memory");
}

int je_mallctl(const char *name)
{
	return !name;
}

static NOINLINE void *use_malloc(size_t size)
{
	void *block = je_malloc(size);

	truth_allocated(block, size);
	return block;
}

static NOINLINE void *use_mallocx(size_t size)
{
	void *block = je_mallocx(size, 0);

	truth_allocated(block, size);
	return block;
}

static NOINLINE void use_rallocx(void *block, size_t old_size, size_t size)
{
	void *grown = je_rallocx(block, size, 0);

	truth_freed(old_size);
	truth_allocated(grown, size);
}

/* Succeeds up to 1000 bytes. */
static NOINLINE void use_xallocx(void *block, size_t old_size, size_t size)
{
	if (je_xallocx(block, size, 5, 0) >= size) {
		truth_freed(old_size);
		truth_allocated(block, size);
	} else {
		truth_allocated(NULL, size);
	}
}

int main(void)
{
	if (!stage__begin(je_malloc, je_free))
		return 0;
	for (size_t i = 1; i <= 20; i++) {
		void *block;

		use_malloc(100 + i);
		je_free(use_malloc(200 + i));
		truth_freed(200 + i);
		use_mallocx(300 + i);
		je_dallocx(use_mallocx(400 + i), 0);
		truth_freed(400 + i);
		je_sdallocx(use_mallocx(500 + i), 500 + i, 0);
		truth_freed(500 + i);
		use_rallocx(use_mallocx(600 + i), 600 + i, 700 + i);
		use_xallocx(use_mallocx(800 + i), 800 + i, 900 + 10 * i);
		block = je_calloc(3, 10 * i);
		truth_allocated(block, 30 * i);
		block = malloc(i); /* libc's */
		truth_allocated(block, i);
	}
	truth_print();
	return je_mallctl("");
}
