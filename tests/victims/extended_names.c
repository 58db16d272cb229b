// SPDX-License-Identifier: GPL-2.0
/*
 * Calls the functions that an allocator has beside libc's: extended_names PREFIX, with the allocator
 * preloaded. It looks each name up, calls it four times, and frees each second block, by each of
 * the allocator's ways to free in turn. A name that this version of the allocator lacks is told.
 */
#include <dlfcn.h>
#include <stdint.h>

#include "stage.h"
#include "truth.h"

#define ALIGNMENT 64

/* The order of the arguments. */
enum form {
	SIZE,
	COUNT_SIZE,
	SIZE_ALIGN,
	ALIGN_SIZE,
	COUNT_SIZE_ALIGN,
	HEAP_SIZE,
	HEAP_SIZE_ALIGN,
	PLACE_ALIGN_SIZE,
	BLOCK_SIZE_IN_PLACE,
	OLD_SIZE,
	OLD_COUNT_SIZE,
	OLD_SIZE_ALIGN,
	OLD_COUNT_SIZE_ALIGN
};

struct way {
	const char *name;
	enum form form;
};

enum free_form { BLOCK, BLOCK_SIZE, BLOCK_ALIGN, BLOCK_SIZE_ALIGN };

struct free_way {
	const char *name;
	enum free_form form;
};

#define MAX_WAYS 32
#define MAX_FREES 5

static const struct kind {
	const char *prefix;
	struct way ways[MAX_WAYS];
	struct free_way frees[MAX_FREES];
} kinds[] = {
	{ "jemalloc",
	  { { "mallocx", SIZE }, { "rallocx", OLD_SIZE }, { "xallocx", BLOCK_SIZE_IN_PLACE } },
	  { { "free", BLOCK }, { "dallocx", BLOCK }, { "sdallocx", BLOCK_SIZE } } },
	{ "tc_",
	  { { "malloc", SIZE },
	    { "malloc_skip_new_handler", SIZE },
	    { "calloc", COUNT_SIZE },
	    { "realloc", OLD_SIZE },
	    { "memalign", ALIGN_SIZE },
	    { "valloc", SIZE },
	    { "pvalloc", SIZE },
	    { "posix_memalign", PLACE_ALIGN_SIZE } },
	  { { "free", BLOCK }, { "cfree", BLOCK }, { "free_sized", BLOCK_SIZE } } },
	{ "mi_",
	  { { "malloc", SIZE },
	    { "zalloc", SIZE },
	    { "malloc_small", SIZE },
	    { "zalloc_small", SIZE },
	    { "calloc", COUNT_SIZE },
	    { "mallocn", COUNT_SIZE },
	    { "realloc", OLD_SIZE },
	    { "reallocf", OLD_SIZE },
	    { "rezalloc", OLD_SIZE },
	    { "expand", BLOCK_SIZE_IN_PLACE },
	    { "reallocn", OLD_COUNT_SIZE },
	    { "recalloc", OLD_COUNT_SIZE },
	    { "malloc_aligned", SIZE_ALIGN },
	    { "zalloc_aligned", SIZE_ALIGN },
	    { "calloc_aligned", COUNT_SIZE_ALIGN },
	    { "realloc_aligned", OLD_SIZE_ALIGN },
	    { "rezalloc_aligned", OLD_SIZE_ALIGN },
	    { "recalloc_aligned", OLD_COUNT_SIZE_ALIGN },
	    { "malloc_aligned_at", SIZE_ALIGN }, /* at an offset, here 0 */
	    { "zalloc_aligned_at", SIZE_ALIGN },
	    { "calloc_aligned_at", COUNT_SIZE_ALIGN },
	    { "realloc_aligned_at", OLD_SIZE_ALIGN },
	    { "heap_malloc", HEAP_SIZE },
	    { "heap_zalloc", HEAP_SIZE },
	    { "heap_malloc_small", HEAP_SIZE },
	    { "heap_malloc_aligned", HEAP_SIZE_ALIGN },
	    { "heap_zalloc_aligned", HEAP_SIZE_ALIGN },
	    { "memalign", ALIGN_SIZE },
	    { "aligned_alloc", ALIGN_SIZE },
	    { "posix_memalign", PLACE_ALIGN_SIZE },
	    { "valloc", SIZE },
	    { "pvalloc", SIZE } },
	  { { "free", BLOCK },
	    { "cfree", BLOCK },
	    { "free_size", BLOCK_SIZE },
	    { "free_aligned", BLOCK_ALIGN },
	    { "free_size_aligned", BLOCK_SIZE_ALIGN } } },
	{ "scalable_",
	  { { "malloc", SIZE },
	    { "calloc", COUNT_SIZE },
	    { "realloc", OLD_SIZE },
	    { "posix_memalign", PLACE_ALIGN_SIZE },
	    { "aligned_malloc", SIZE_ALIGN },
	    { "aligned_realloc", OLD_SIZE_ALIGN } },
	  { { "free", BLOCK }, { "aligned_free", BLOCK } } },
};

typedef uintptr_t (*function)(uintptr_t first, uintptr_t second, uintptr_t third, uintptr_t fourth);

static const char *prefix;

static function find(const char *name)
{
	char whole[64], line[128];
	function found;

	snprintf(whole, sizeof(whole), "%s%s", prefix, name);
	found = (function)(uintptr_t)dlsym(RTLD_DEFAULT, whole);
	if (found)
		return found;
	snprintf(line, sizeof(line), "no %s\n", whole);
	say(line);
	return NULL;
}

static void *default_heap(void)
{
	function get = find("heap_get_default");

	return get ? (void *)get(0, 0, 0, 0) : NULL;
}

/* A first block of half the size, for calls that resize one. */
static uintptr_t make_old(function make, size_t size)
{
	uintptr_t block = make(size / 2, 0, 0, 0);

	truth_allocated((void *)block, size / 2);
	truth_freed(size / 2);
	return block;
}

/*
 * Resizes a block where it is: once in vain, once with success. Such a call returns the block's
 * size, which stays, or NULL.
 */
static uintptr_t resize(function call, function make, size_t size)
{
	size_t old_size = size - 3;
	uintptr_t block = make(old_size, 0, 0, 0);

	truth_allocated((void *)block, old_size);
	if (call(block, size * 1000, 0, 0) > size)
		die("a block grew a thousand times where it was");
	truth_allocated(NULL, size * 1000);
	if (call(block, size, 0, 0) < size)
		die("a block can't use its last bytes");
	truth_freed(old_size);
	return block;
}

/* The size must be a multiple of four times the alignment. */
static NOINLINE void *keep(function call, enum form form, function make, size_t size)
{
	uintptr_t heap = form == HEAP_SIZE || form == HEAP_SIZE_ALIGN ? (uintptr_t)default_heap() :
									0;
	uintptr_t old = form >= OLD_SIZE ? make_old(make, size) : 0, block = 0;

	switch (form) {
	case SIZE:
		block = call(size, 0, 0, 0);
		break;
	case COUNT_SIZE:
		block = call(4, size / 4, 0, 0);
		break;
	case SIZE_ALIGN:
		block = call(size, ALIGNMENT, 0, 0);
		break;
	case ALIGN_SIZE:
		block = call(ALIGNMENT, size, 0, 0);
		break;
	case COUNT_SIZE_ALIGN:
		block = call(4, size / 4, ALIGNMENT, 0);
		break;
	case HEAP_SIZE:
		block = call(heap, size, 0, 0);
		break;
	case HEAP_SIZE_ALIGN:
		block = call(heap, size, ALIGNMENT, 0);
		break;
	case PLACE_ALIGN_SIZE:
		if ((int)call((uintptr_t)&block, ALIGNMENT, size, 0))
			die("posix_memalign");
		break;
	case OLD_SIZE:
		block = call(old, size, 0, 0);
		break;
	case BLOCK_SIZE_IN_PLACE:
		block = resize(call, make, size);
		break;
	case OLD_COUNT_SIZE:
		block = call(old, 4, size / 4, 0);
		break;
	case OLD_SIZE_ALIGN:
		block = call(old, size, ALIGNMENT, 0);
		break;
	case OLD_COUNT_SIZE_ALIGN:
		block = call(old, 4, size / 4, ALIGNMENT);
		break;
	}
	truth_allocated((void *)block, size);
	return (void *)block;
}

/* As in most programs, each call instruction has one function that it calls. */
#define CALL_SITE(number)                            \
	case number:                                 \
		call(at, second, third, 0);          \
		__asm__ volatile("# site " #number); \
		break

static void give_back(const struct kind *kind, size_t number, void *block, size_t size)
{
	const struct free_way *way = &kind->frees[number];
	bool has_size = way->form == BLOCK_SIZE || way->form == BLOCK_SIZE_ALIGN;
	uintptr_t at = (uintptr_t)block, second = has_size ? size : 0;
	uintptr_t third = way->form == BLOCK_SIZE_ALIGN ? ALIGNMENT : 0;
	function call = find(way->name);

	if (way->form == BLOCK_ALIGN)
		second = ALIGNMENT;
	if (!call)
		return;
	switch (number) {
		CALL_SITE(0);
		CALL_SITE(1);
		CALL_SITE(2);
		CALL_SITE(3);
		CALL_SITE(4);
	}
	truth_freed(size);
}

static void use(const struct kind *kind)
{
	function make = find(!*prefix ? "mallocx" : "malloc");
	size_t nr_frees = 0, next_free = 0;

	while (nr_frees < MAX_FREES && kind->frees[nr_frees].name)
		nr_frees++;
	for (size_t i = 0; i < MAX_WAYS && kind->ways[i].name && make; i++) {
		function call = find(kind->ways[i].name);

		for (size_t j = 0; call && j < 4; j++) {
			size_t size = (1 + (i + j) % 4) * 256;
			void *block = keep(call, kind->ways[i].form, make, size);

			if (j % 2)
				give_back(kind, next_free++ % nr_frees, block, size);
		}
	}
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].prefix) != 0)
			continue;
		prefix = strcmp(argv[1], "jemalloc") ? kinds[i].prefix : "";
		if (stage__begin(malloc, free))
			use(&kinds[i]);
		truth_print();
		return 0;
	}
	die("which allocator");
	return 1;
}
