/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names of allocator functions: libc's malloc family, the prefixes that allocators are built
 * with, and what jemalloc, tcmalloc, mimalloc and oneTBB have beside the family. Which of a file's
 * functions count depends on what else the file defines.
 */
#ifndef ALLOCATOR_NAMES_H
#define ALLOCATOR_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"
#include "elf/named_functions.h"

#define ALLOCATOR_PREFIXES_MAX 16
#define ALLOCATOR_PREFIX_MAX 16 /* characters */
#define ALLOCATOR_SYMBOL_BYTES (NAMED_FUNCTIONS_NAME_MAX + 1)

/* What a file defines: by index into the wanted prefixes and names. */
struct defined_names {
	bool is_defined[ALLOCATOR_PREFIXES_MAX][NAMED_FUNCTIONS_MAX];
};

/*
 * The names of the family count under that prefix too, from now on. The prefix must outlive all
 * searches, and have at most ALLOCATOR_PREFIX_MAX characters. More prefixes than there is room for,
 * and those that are there already, are ignored.
 */
void allocator_names__add_prefix(const char *prefix);

/* All names, the indices that the functions below take. It lives as long as the program. */
const struct wanted_functions *allocator_names__wanted(void);

/* Whether these are the names of a libc, rather than of an allocator or of a mere loader. */
bool allocator_names__are_of_libc(const struct defined_names *defined);

/*
 * Whether the file has a whole allocator, under any prefix. A helper that happens to be called
 * malloc, as in some debug builds, is none: free must be there too. Only a static program can lack
 * libc's free, if nothing in it frees.
 */
bool allocator_names__has_allocator(const struct defined_names *defined);

/* Notes which prefixes such a file has. */
void allocator_names__note(const struct defined_names *defined);

/* Whether a file with an allocator under that prefix was noted. */
bool allocator_names__was_noted(const char *prefix);

/* Whether the function of that name is one of an allocator that the file has. */
bool allocator_names__counts(const struct defined_names *defined, size_t prefix, size_t name);

/* How its arguments are read. Only for a name that counts. */
enum allocator_function allocator_names__function(size_t name);

/* The name in libc, without a prefix, of a function of that kind; for one that libc has. */
size_t allocator_names__in_libc(enum allocator_function function);

/* Whether it is one of C++'s operator delete. */
bool allocator_names__is_delete(size_t name);

/* Writes the whole name: "je_malloc". */
void allocator_names__symbol(size_t prefix, size_t name, char symbol[ALLOCATOR_SYMBOL_BYTES]);

#endif
