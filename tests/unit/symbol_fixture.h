/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs with known lines, compiled into a folder that lasts as long as the test program, for the
 * tests of symbolize.h. All functions fail the running test rather than return an error.
 */
#ifndef SYMBOL_FIXTURE_H
#define SYMBOL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names/symbolize.h"

/* Where symbol_fixture__map puts a file. */
#define SYMBOL_FIXTURE_BASE 0x7f0000000000
/* The expected answer for the symbol mark_inner of leak64. */
#define SYMBOL_FIXTURE_INNER "inner leak64.c:6 < middle leak64.c:11 < outer leak64.c:15"

/*
 * Set-up and tear-down of a group: a folder with the sources leak64.c (C, inlined functions) and
 * names.cc (C++), and the programs leak64 and names made of them with -g -O2.
 */
int symbol_fixture__begin(void **state);
int symbol_fixture__end(void **state);

/* Runs a shell command in the folder, which must succeed. */
void symbol_fixture__run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The path of a name in the folder; good until the fourth call after this one. */
char *symbol_fixture__path(const char *name);
void symbol_fixture__write(const char *name, const char *text, size_t length);

/* A mapping of the whole file, so that an address is SYMBOL_FIXTURE_BASE + file offset. */
struct mapping symbol_fixture__map(const char *name);
/* Where a symbol is in that mapping. The file must have a symbol table. */
uint64_t symbol_fixture__address(const char *file_name, const char *symbol);

/* The answer for an address: "inlined file:line < function file:line"; good until the next call. */
const char *symbol_fixture__frames(struct symbolizer *symbolizer, const struct mapping *map,
				   uint64_t address, bool is_return_address);
/* Asks a symbolizer of its own about one file, twice: the second answer comes from the cache. */
void symbol_fixture__check(const char *file_name, uint64_t address, const char *expected);

#endif
