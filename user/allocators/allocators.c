// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the allocators of a file by the names of allocator_names.c: in its own symbol tables, and
 * for a stripped program in the one that is kept apart. Where a static program has no names,
 * glibc's malloc is known by its code. Input: symbol tables; output: probes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/allocator_names.h"
#include "allocators/allocators.h"
#include "allocators/stripped_glibc.h"

static int has_interpreter(const struct elf_image *image, bool *answer)
{
	char *path;
	int err = elf_image__interpreter(image, &path);

	*answer = path;
	free(path);
	return err;
}

/* A static program that has no names at all may have glibc's malloc, which is known by its code. */
static int search_code(struct function_search *search)
{
	struct stripped_glibc glibc;
	bool is_dynamic = true;
	int err = 0;

	if (elf_image__is_program(search->image))
		err = has_interpreter(search->image, &is_dynamic);
	if (err || is_dynamic)
		return err;
	search->place = "code";
	err = stripped_glibc__find(search->image, &glibc);
	for (size_t i = 0; i < glibc.nr && !err; i++) {
		const struct stripped_function *code = &glibc.function[i];
		const struct named_function function = {
			.name = allocator_names__in_libc(code->function),
			.file_offset = code->file_offset,
			.nr_bytes = code->nr_bytes,
		};

		err = function_search__add(search, &function);
	}
	return err;
}

static void note_defined(const struct function_search *search, struct defined_names *defined)
{
	memset(defined, 0, sizeof(*defined));
	for (size_t i = 0; i < search->nr_found; i++)
		defined->is_defined[search->found[i].prefix][search->found[i].name] = true;
}

/* Recognises glibc's loader. musl's loader is also its libc, and has another name. */
static int is_mere_loader(const struct elf_image *image, const struct defined_names *defined,
			  bool *answer)
{
	static const char *const loaders[] = { "ld-linux", "ld64.so", "ld.so" };
	char *soname;
	int err;

	*answer = false;
	if (allocator_names__are_of_libc(defined))
		return 0;
	err = elf_image__dynamic_string(image, DT_SONAME, 0, &soname);
	if (err || !soname)
		return err;
	for (size_t i = 0; i < sizeof(loaders) / sizeof(*loaders); i++)
		*answer |= !strncmp(soname, loaders[i], strlen(loaders[i]));
	free(soname);
	return 0;
}

static int compare_found(const void *a, const void *b)
{
	const struct named_function *left = a, *right = b;

	if (left->prefix != right->prefix)
		return left->prefix < right->prefix ? -1 : 1;
	if (left->name != right->name)
		return left->name < right->name ? -1 : 1;
	return (left->file_offset > right->file_offset) - (left->file_offset < right->file_offset);
}

static bool has_function(const struct allocator_probes *probes, enum allocator_function function)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].function == function)
			return true;
	return false;
}

/*
 * A new that can't be followed to all its rets is left out: its blocks would never be seen.
 * operator delete alone would do harm: it frees blocks that nobody saw.
 */
static int add_function(const struct elf_image *image, struct allocator_probes *probes,
			const struct named_function *named)
{
	struct allocator_probe probe = { .function = allocator_names__function(named->name) };
	int err;

	probe.cookie = probe.function;
	probe.found_in = named->found_in;
	allocator_names__symbol(named->prefix, named->name, probe.symbol);
	if (allocator_probes__has(probes, named->file_offset))
		return 0;
	if (probe.function == FUNCTION_NEW) {
		err = allocator_probes__add_by_ret(probes, image, &probe, named->file_offset);
		return err == -ENOENT ? 0 : err;
	}
	if (allocator_names__is_delete(named->name) && !has_function(probes, FUNCTION_NEW))
		return 0;
	return allocator_probes__add(probes, &probe, named->file_offset);
}

static int make_probes(struct function_search *search, const struct defined_names *defined,
		       struct allocator_probes *probes)
{
	int err = 0;

	qsort(search->found, search->nr_found, sizeof(*search->found), compare_found);
	for (size_t i = 0; i < search->nr_found && !err; i++) {
		const struct named_function *named = &search->found[i];

		if (allocator_names__counts(defined, named->prefix, named->name))
			err = add_function(search->image, probes, named);
	}
	return err;
}

static int find_in_image(struct function_search *search, struct allocator_probes *probes)
{
	struct defined_names defined;
	bool mere_loader;
	int err = function_search__tables(search);

	if (err)
		return err;
	note_defined(search, &defined);
	if (!allocator_names__has_allocator(&defined)) {
		search->nr_found = 0;
		err = search_code(search);
		note_defined(search, &defined);
	}
	if (err || !search->nr_found || !allocator_names__has_allocator(&defined))
		return err;
	err = is_mere_loader(search->image, &defined, &mere_loader);
	if (err || mere_loader)
		return err;
	allocator_names__note(&defined);
	err = make_probes(search, &defined, probes);
	return err ? err : allocator_probes__place(probes, 0, search);
}

int allocators__find(int fd, struct allocator_probes *probes)
{
	struct function_search search = { .wanted = allocator_names__wanted() };
	struct elf_image *image;
	int err;

	memset(probes, 0, sizeof(*probes));
	err = elf_image__open(fd, &image);
	if (err)
		return err;
	search.image = image;
	err = find_in_image(&search, probes);
	if (err)
		memset(probes, 0, sizeof(*probes));
	elf_image__free(image);
	return err;
}
