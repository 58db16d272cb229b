/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A function of the user's that gives a block, or any resource, or takes one back:
 *
 *   libpool.so:pool_get(size=1) -> ret         the first argument is the size; the block is returned
 *   libpool.so:pool_array(count=1, size=2) -> ret
 *   libcuda.so:cuMemAlloc_v2(size=2) -> *1     the block goes to where the first argument points
 *   libpool.so:pool_handle() -> ret            it has no size: it counts as 0 bytes
 *   libpool.so:pool_put(1)                     the first argument is the block that is given back
 *
 * Spaces may stand between words. Pure.
 */
#ifndef DEFINITION_H
#define DEFINITION_H

#include <stdbool.h>
#include <stddef.h>

#include "elf/named_functions.h"

#define DEFINITION_OBJECT_MAX 127 /* characters */
#define DEFINITION_FUNCTION_MAX NAMED_FUNCTIONS_NAME_MAX
#define DEFINITION_ARGUMENTS 6 /* that are passed in registers */

struct definition {
	char object[DEFINITION_OBJECT_MAX + 1]; /* see object_name.h */
	char function[DEFINITION_FUNCTION_MAX + 1]; /* as in its symbol table */
	bool frees;
	/* Numbers of arguments, from 1; 0: there is none. */
	unsigned char size, count;
	unsigned char block; /* frees: the block. Else: where its address goes; 0: it is returned */
};

/*
 * Parses one. Returns NULL, or what is wrong with the text, for a message that has the text too.
 */
const char *definition__parse_alloc(const char *text, struct definition *definition);
const char *definition__parse_free(const char *text, struct definition *definition);

/*
 * Parses a line of a file of definitions: one after the word alloc or free. A comment, after #, and
 * an empty line have no function: "".
 */
const char *definition__parse_line(const char *line, struct definition *definition);

#endif
