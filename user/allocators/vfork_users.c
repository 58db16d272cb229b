// SPDX-License-Identifier: GPL-2.0
/* See vfork_users.h. Called by probed_files.c, to decide which probes to attach. */
#include "allocators/vfork_users.h"

#include <stdlib.h>
#include <string.h>

#include "elf/elf_image.h"
#include "elf/named_functions.h"

#define SYMBOLS_AT_ONCE 512
#define SYMBOLS_MAX 1000000
#define NAME_BYTES 8 /* the longest name, and its NUL */

static const char *const names[] = { "vfork", "__vfork", "clone", "__clone" };

#define NR_NAMES (sizeof(names) / sizeof(names[0]))

static bool is_name(const char name[NAME_BYTES])
{
	for (size_t i = 0; i < NR_NAMES; i++)
		if (!strncmp(name, names[i], NAME_BYTES))
			return true;
	return false;
}

static bool imports(const struct elf_image *image, const struct elf_symbol_table *table)
{
	Elf64_Sym symbols[SYMBOLS_AT_ONCE];
	uint64_t nr_all = table->nr_symbols < SYMBOLS_MAX ? table->nr_symbols : SYMBOLS_MAX;

	for (uint64_t first = 0; first < nr_all; first += SYMBOLS_AT_ONCE) {
		uint64_t nr = nr_all - first < SYMBOLS_AT_ONCE ? nr_all - first : SYMBOLS_AT_ONCE;

		if (elf_image__read(image, table->symbols_offset + first * sizeof(*symbols),
				    symbols, nr * sizeof(*symbols)))
			return false;
		for (uint64_t i = 0; i < nr; i++) {
			uint64_t at = symbols[i].st_name;
			char name[NAME_BYTES] = "";
			size_t left;

			if (symbols[i].st_shndx != SHN_UNDEF || !at || at >= table->strings_bytes)
				continue;
			left = table->strings_bytes - at;
			if (!elf_image__read(image, table->strings_offset + at, name,
					     left < sizeof(name) ? left : sizeof(name)) &&
			    is_name(name))
				return true;
		}
	}
	return false;
}

static int stop(const struct named_function *function, void *context)
{
	(void)function;
	(void)context;
	return 1;
}

static bool contains(const struct elf_image *image)
{
	static const char *const no_prefix[] = { "" };
	const struct wanted_functions wanted = {
		.names = names,
		.nr_names = NR_NAMES,
		.prefixes = no_prefix,
		.nr_prefixes = 1,
	};
	struct elf_symbol_table table;

	elf_image__static_symbols(image, &table);
	return table.nr_symbols && named_functions__each(image, &table, &wanted, stop, NULL) == 1;
}

bool vfork_users__check(int fd)
{
	struct elf_symbol_table table;
	struct elf_image *image;
	char *interpreter = NULL;
	bool uses = false;

	if (elf_image__open(fd, &image))
		return false;
	if (!elf_image__dynamic_symbols(image, &table))
		uses = imports(image, &table);
	if (!uses && elf_image__is_program(image) && !elf_image__interpreter(image, &interpreter) &&
	    !interpreter)
		uses = contains(image);
	free(interpreter);
	elf_image__free(image);
	return uses;
}
