/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wanted functions in all symbol tables of a file: in its own and, for a program that was stripped,
 * in the one that is kept apart.
 */
#ifndef FUNCTION_SEARCH_H
#define FUNCTION_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/allocator_names.h"
#include "elf/elf_image.h"
#include "elf/named_functions.h"

/* Enough for several versions of every name. A file with more is not an allocator but an attack. */
#define FUNCTION_SEARCH_MAX 256

struct function_search {
	const struct elf_image *image;
	const struct wanted_functions *wanted;
	const char *place; /* where is being looked: ".dynsym" */
	bool has_global[ALLOCATOR_PREFIXES_MAX][NAMED_FUNCTIONS_MAX]; /* names of global symbols */
	struct named_function found[FUNCTION_SEARCH_MAX]; /* no two alike */
	size_t nr_found;
};

/*
 * Fills found from the tables. A local symbol counts where no global one has its name. Returns 0,
 * -EBADMSG for a damaged file, or -errno.
 */
int function_search__tables(struct function_search *search);

/* Adds a function that was found otherwise. Returns 0, or -EBADMSG when there are too many. */
int function_search__add(struct function_search *search, const struct named_function *function);

#endif
