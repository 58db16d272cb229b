// SPDX-License-Identifier: GPL-2.0
/* See allocator_names.h. Used by allocators.c. The meanings are those of each allocator's manual. */
#include "allocators/allocator_names.h"

#include <stdio.h>
#include <string.h>

/* A program can use an allocator beside libc's if that is built with names of its own. */
enum prefix {
	NO_PREFIX, /* the names that take libc's place */
	JEMALLOC,
	RUST_JEMALLOC, /* tikv-jemalloc-sys */
	OLD_RUST_JEMALLOC,
	TCMALLOC,
	MIMALLOC,
	RPMALLOC,
	TBB,
	DLMALLOC,
	NR_PREFIXES
};

static const char *prefixes[ALLOCATOR_PREFIXES_MAX] = {
	[NO_PREFIX] = "",	    [JEMALLOC] = "je_",
	[RUST_JEMALLOC] = "_rjem_", [OLD_RUST_JEMALLOC] = "rjem_",
	[TCMALLOC] = "tc_",	    [MIMALLOC] = "mi_",
	[RPMALLOC] = "rp",	    [TBB] = "scalable_",
	[DLMALLOC] = "dl",
};
static size_t nr_prefixes = NR_PREFIXES; /* with those of the user */

static bool noted[ALLOCATOR_PREFIXES_MAX];

/* Some names mean what we take them for only beside others, or with one prefix. */
enum scope {
	EVERYWHERE,
	OF_JEMALLOC, /* with any prefix, where "mallctl" is defined too */
	OF_TCMALLOC, /* these only with the allocator's own prefix */
	OF_MIMALLOC,
	OF_TBB,
	OF_CXX, /* without any prefix */
	NOWHERE, /* not of the family: a mark of the file's kind */
};

struct allocator_name {
	const char *text;
	enum scope scope;
	enum allocator_function function;
};

/*
 * If several names share an address, the probe takes the first of them. A function whose size is
 * its second argument is read like memalign, whatever the first one is.
 */
static const struct allocator_name names[] = {
	{ "malloc", EVERYWHERE, FUNCTION_MALLOC },
	{ "free", EVERYWHERE, FUNCTION_FREE },
	{ "calloc", EVERYWHERE, FUNCTION_CALLOC },
	{ "realloc", EVERYWHERE, FUNCTION_REALLOC },
	{ "reallocarray", EVERYWHERE, FUNCTION_REALLOCARRAY },
	{ "memalign", EVERYWHERE, FUNCTION_MEMALIGN },
	{ "aligned_alloc", EVERYWHERE, FUNCTION_MEMALIGN },
	{ "posix_memalign", EVERYWHERE, FUNCTION_POSIX_MEMALIGN },
	{ "valloc", EVERYWHERE, FUNCTION_MALLOC },
	{ "pvalloc", EVERYWHERE, FUNCTION_MALLOC },
	{ "cfree", EVERYWHERE, FUNCTION_FREE },
	{ "free_sized", EVERYWHERE, FUNCTION_FREE }, /* this and the next: C23 */
	{ "free_aligned_sized", EVERYWHERE, FUNCTION_FREE },
	{ "mallocx", OF_JEMALLOC, FUNCTION_MALLOC },
	{ "rallocx", OF_JEMALLOC, FUNCTION_REALLOC },
	{ "xallocx", OF_JEMALLOC, FUNCTION_XALLOCX },
	{ "dallocx", OF_JEMALLOC, FUNCTION_FREE },
	{ "sdallocx", OF_JEMALLOC, FUNCTION_FREE },
	{ "malloc_skip_new_handler", OF_TCMALLOC, FUNCTION_MALLOC },
	{ "zalloc", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "malloc_small", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "zalloc_small", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "mallocn", OF_MIMALLOC, FUNCTION_CALLOC },
	{ "reallocn", OF_MIMALLOC, FUNCTION_REALLOCARRAY },
	{ "reallocf", OF_MIMALLOC, FUNCTION_REALLOC },
	{ "rezalloc", OF_MIMALLOC, FUNCTION_REALLOC },
	{ "expand", OF_MIMALLOC, FUNCTION_REALLOC }, /* or returns NULL */
	{ "recalloc", OF_MIMALLOC, FUNCTION_REALLOCARRAY },
	{ "malloc_aligned", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "malloc_aligned_at", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "zalloc_aligned", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "zalloc_aligned_at", OF_MIMALLOC, FUNCTION_MALLOC },
	{ "calloc_aligned", OF_MIMALLOC, FUNCTION_CALLOC },
	{ "calloc_aligned_at", OF_MIMALLOC, FUNCTION_CALLOC },
	{ "realloc_aligned", OF_MIMALLOC, FUNCTION_REALLOC },
	{ "realloc_aligned_at", OF_MIMALLOC, FUNCTION_REALLOC },
	{ "rezalloc_aligned", OF_MIMALLOC, FUNCTION_REALLOC },
	{ "recalloc_aligned", OF_MIMALLOC, FUNCTION_REALLOCARRAY },
	{ "heap_malloc", OF_MIMALLOC, FUNCTION_MEMALIGN },
	{ "heap_zalloc", OF_MIMALLOC, FUNCTION_MEMALIGN },
	{ "heap_malloc_small", OF_MIMALLOC, FUNCTION_MEMALIGN },
	{ "heap_malloc_aligned", OF_MIMALLOC, FUNCTION_MEMALIGN },
	{ "heap_zalloc_aligned", OF_MIMALLOC, FUNCTION_MEMALIGN },
	{ "new", OF_MIMALLOC, FUNCTION_NEW },
	{ "new_aligned", OF_MIMALLOC, FUNCTION_NEW },
	{ "new_nothrow", OF_MIMALLOC, FUNCTION_NEW },
	{ "new_aligned_nothrow", OF_MIMALLOC, FUNCTION_NEW },
	{ "free_size", OF_MIMALLOC, FUNCTION_FREE },
	{ "free_size_aligned", OF_MIMALLOC, FUNCTION_FREE },
	{ "free_aligned", OF_MIMALLOC, FUNCTION_FREE },
	{ "aligned_malloc", OF_TBB, FUNCTION_MALLOC },
	{ "aligned_realloc", OF_TBB, FUNCTION_REALLOC },
	{ "aligned_free", OF_TBB, FUNCTION_FREE },
	/* new, new[], delete, delete[]; then nothrow, aligned and sized forms (Itanium C++ ABI). */
	{ "_Znwm", OF_CXX, FUNCTION_NEW },
	{ "_Znam", OF_CXX, FUNCTION_NEW },
	{ "_ZnwmRKSt9nothrow_t", OF_CXX, FUNCTION_NEW },
	{ "_ZnamRKSt9nothrow_t", OF_CXX, FUNCTION_NEW },
	{ "_ZnwmSt11align_val_t", OF_CXX, FUNCTION_NEW },
	{ "_ZnamSt11align_val_t", OF_CXX, FUNCTION_NEW },
	{ "_ZnwmSt11align_val_tRKSt9nothrow_t", OF_CXX, FUNCTION_NEW },
	{ "_ZnamSt11align_val_tRKSt9nothrow_t", OF_CXX, FUNCTION_NEW },
	{ "_ZdlPv", OF_CXX, FUNCTION_FREE },
	{ "_ZdaPv", OF_CXX, FUNCTION_FREE },
	{ "_ZdlPvm", OF_CXX, FUNCTION_FREE },
	{ "_ZdaPvm", OF_CXX, FUNCTION_FREE },
	{ "_ZdlPvRKSt9nothrow_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdaPvRKSt9nothrow_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdlPvSt11align_val_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdaPvSt11align_val_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdlPvmSt11align_val_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdaPvmSt11align_val_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdlPvSt11align_val_tRKSt9nothrow_t", OF_CXX, FUNCTION_FREE },
	{ "_ZdaPvSt11align_val_tRKSt9nothrow_t", OF_CXX, FUNCTION_FREE },
	{ "mallctl", NOWHERE, NR_ALLOCATOR_FUNCTIONS }, /* only jemalloc defines it */
	{ "__libc_start_main", NOWHERE, NR_ALLOCATOR_FUNCTIONS }, /* only a libc does */
};

#define NR_NAMES (sizeof(names) / sizeof(*names))
#define MALLOC 0
#define FREE 1
#define MALLCTL (NR_NAMES - 2)
#define LIBC_START (NR_NAMES - 1)

_Static_assert(NR_NAMES <= NAMED_FUNCTIONS_MAX, "all names can be looked for");
_Static_assert(NR_PREFIXES <= ALLOCATOR_PREFIXES_MAX, "all prefixes can be noted");

void allocator_names__add_prefix(const char *prefix)
{
	for (size_t i = 0; i < nr_prefixes; i++)
		if (!strcmp(prefixes[i], prefix))
			return;
	if (nr_prefixes < ALLOCATOR_PREFIXES_MAX)
		prefixes[nr_prefixes++] = prefix;
}

const struct wanted_functions *allocator_names__wanted(void)
{
	static const char *texts[NR_NAMES];
	static struct wanted_functions wanted = {
		.names = texts,
		.nr_names = NR_NAMES,
		.prefixes = prefixes,
	};

	wanted.nr_prefixes = nr_prefixes;
	for (size_t i = 0; i < NR_NAMES; i++)
		texts[i] = names[i].text;
	return &wanted;
}

bool allocator_names__are_of_libc(const struct defined_names *defined)
{
	return defined->is_defined[NO_PREFIX][LIBC_START];
}

static bool has_allocator(const struct defined_names *defined, size_t prefix)
{
	return defined->is_defined[prefix][MALLOC] &&
	       (defined->is_defined[prefix][FREE] ||
		(prefix == NO_PREFIX && allocator_names__are_of_libc(defined)));
}

bool allocator_names__has_allocator(const struct defined_names *defined)
{
	for (size_t prefix = 0; prefix < nr_prefixes; prefix++)
		if (has_allocator(defined, prefix))
			return true;
	return false;
}

void allocator_names__note(const struct defined_names *defined)
{
	for (size_t prefix = 0; prefix < nr_prefixes; prefix++)
		noted[prefix] |= has_allocator(defined, prefix);
}

bool allocator_names__was_noted(const char *prefix)
{
	for (size_t i = 0; i < nr_prefixes; i++)
		if (!strcmp(prefixes[i], prefix))
			return noted[i];
	return false;
}

bool allocator_names__counts(const struct defined_names *defined, size_t prefix, size_t name)
{
	if (!has_allocator(defined, prefix))
		return false;
	switch (names[name].scope) {
	case EVERYWHERE:
		return true;
	case OF_JEMALLOC:
		return defined->is_defined[prefix][MALLCTL];
	case OF_TCMALLOC:
		return prefix == TCMALLOC;
	case OF_MIMALLOC:
		return prefix == MIMALLOC;
	case OF_TBB:
		return prefix == TBB;
	case OF_CXX:
		return prefix == NO_PREFIX;
	case NOWHERE:
		break;
	}
	return false;
}

enum allocator_function allocator_names__function(size_t name)
{
	return names[name].function;
}

size_t allocator_names__in_libc(enum allocator_function function)
{
	size_t name = 0;

	while (names[name].scope != EVERYWHERE || names[name].function != function)
		name++;
	return name;
}

bool allocator_names__is_delete(size_t name)
{
	return names[name].scope == OF_CXX && names[name].function == FUNCTION_FREE;
}

void allocator_names__symbol(size_t prefix, size_t name, char symbol[ALLOCATOR_SYMBOL_BYTES])
{
	snprintf(symbol, ALLOCATOR_SYMBOL_BYTES, "%s%s", prefixes[prefix], names[name].text);
}
