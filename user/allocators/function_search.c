// SPDX-License-Identifier: GPL-2.0
/* See function_search.h. Called by allocators.c and defined_functions.c. */
#include "allocators/function_search.h"

#include <errno.h>

#include "elf/separate_symbols.h"

static bool is_same_name(const struct named_function *one, const struct named_function *other)
{
	return one->name == other->name && one->prefix == other->prefix;
}

int function_search__add(struct function_search *search, const struct named_function *function)
{
	if (!function->local)
		search->has_global[function->prefix][function->name] = true;
	for (size_t i = 0; i < search->nr_found; i++) {
		struct named_function *known = &search->found[i];

		if (is_same_name(known, function) && known->file_offset == function->file_offset) {
			known->local = known->local && function->local;
			return 0;
		}
	}
	if (search->nr_found == FUNCTION_SEARCH_MAX)
		return -EBADMSG;
	search->found[search->nr_found] = *function;
	search->found[search->nr_found++].found_in = search->place;
	return 0;
}

static int take_function(const struct named_function *function, void *search)
{
	return function_search__add(search, function);
}

static int search_table(struct function_search *search, const struct elf_symbol_table *table)
{
	return named_functions__each(search->image, table, search->wanted, take_function, search);
}

static int search_separate_table(struct function_search *search)
{
	struct elf_symbol_table table;
	struct elf_file file;
	int err = separate_symbols__open(&file, elf_image__headers(search->image), &search->place);

	if (err)
		return err == -ENOMEM ? err : 0;
	elf_symbol_table__of_headers(&file.headers, &table);
	err = search_table(search, &table);
	elf_file__close(&file);
	return err == -EBADMSG ? 0 : err; /* the program itself is sound */
}

/*
 * .dynsym has what ld.so can see. A function that was linked in and is not exported, so that the
 * file alone calls it, is in .symtab.
 */
static int search_all(struct function_search *search)
{
	struct elf_symbol_table table;
	int err = elf_image__dynamic_symbols(search->image, &table);

	search->place = ".dynsym";
	if (!err)
		err = search_table(search, &table);
	if (err)
		return err;
	elf_image__static_symbols(search->image, &table);
	search->place = ".symtab";
	if (table.nr_symbols)
		return search_table(search, &table);
	return elf_image__is_program(search->image) ? search_separate_table(search) : 0;
}

/* If a global symbol has the name, local ones are helpers of some source file. */
static void drop_shadowed_locals(struct function_search *search)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->nr_found; i++) {
		const struct named_function *function = &search->found[i];

		if (!function->local || !search->has_global[function->prefix][function->name])
			search->found[kept++] = *function;
	}
	search->nr_found = kept;
}

int function_search__tables(struct function_search *search)
{
	int err = search_all(search);

	if (!err)
		drop_shadowed_locals(search);
	return err;
}
