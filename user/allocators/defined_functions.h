/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions that the user defined by --alloc and --free: finds them in the files that they are
 * in. A definition is kept from the beginning to the end of the program.
 */
#ifndef DEFINED_FUNCTIONS_H
#define DEFINED_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "allocators/allocator_probes.h"
#include "allocators/definition.h"

#define DEFINED_FUNCTIONS_MAX 32

/* Returns 0; -EEXIST when the function is defined already; -E2BIG beyond DEFINED_FUNCTIONS_MAX. */
int defined_functions__add(const struct definition *definition);

/* How many there are. */
size_t defined_functions__nr(void);

/*
 * Adds the probes of the definitions whose object is the file of that path. A function that is
 * probed already, as one of an allocator, stays as it is. Returns 0 or, when the file can't be
 * read, what allocators__find returns.
 */
int defined_functions__find(int fd, const char *path, struct allocator_probes *probes);

/* Was the object of that definition among the files that were looked into? */
bool defined_functions__has_object(size_t index);

/* What there is to say of a definition at the end: NULL when it was found. */
const char *defined_functions__problem(size_t index, const struct definition **definition);

#endif
