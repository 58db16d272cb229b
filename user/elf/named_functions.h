/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds functions by name in an ELF symbol table, in memory that does not grow with the table.
 */
#ifndef NAMED_FUNCTIONS_H
#define NAMED_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_image.h"

#define NAMED_FUNCTIONS_MAX 96 /* names, and prefixes */
#define NAMED_FUNCTIONS_NAME_MAX 127

/* A defined function: not an undefined, absolute or indirect (IFUNC) symbol. */
struct named_function {
	size_t name; /* index into the names that were asked for */
	size_t prefix; /* index into the prefixes that were asked for */
	bool local; /* STB_LOCAL */
	uint64_t file_offset; /* of its first byte */
	uint64_t nr_bytes; /* 0: unknown */
	const char *found_in; /* what who looks calls the table; not set here */
};

/* Each name with each prefix, of which "" can be one: together at most NAMED_FUNCTIONS_NAME_MAX. */
struct wanted_functions {
	const char *const *names;
	size_t nr_names;
	const char *const *prefixes;
	size_t nr_prefixes;
};

/*
 * Calls found for each function of the table that is wanted and lies in an executable segment of
 * the image, whose own table it need not be (the debug file of a stripped program has its own). A
 * version ("malloc@@GLIBC_2.2.5") is not part of the name. Stops when found returns non-zero and
 * returns that; 0 at the end; -EBADMSG when the table is damaged; -errno otherwise.
 */
int named_functions__each(const struct elf_image *image, const struct elf_symbol_table *table,
			  const struct wanted_functions *wanted,
			  int (*found)(const struct named_function *function, void *context),
			  void *context);

#endif
