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
#include "allocators/function_returns.h"
#include "allocators/placement.h"
#include "allocators/stripped_glibc.h"
#include "elf/elf_image.h"
#include "elf/named_functions.h"
#include "elf/separate_symbols.h"

/* The number of arguments read at the entry; see read_arguments in bpf/blocks.bpf.c. */
static const unsigned int nr_arguments[NR_ALLOCATOR_FUNCTIONS] = {
	[FUNCTION_MALLOC] = 1,	     [FUNCTION_CALLOC] = 2,   [FUNCTION_REALLOC] = 2,
	[FUNCTION_REALLOCARRAY] = 3, [FUNCTION_MEMALIGN] = 2, [FUNCTION_POSIX_MEMALIGN] = 3,
	[FUNCTION_FREE] = 1,	     [FUNCTION_NEW] = 1,
};

/* Enough for several versions of every name. A file with more is not an allocator but an attack. */
#define FOUND_MAX 256

/* Ten times the largest known function. */
#define FUNCTION_BYTES_MAX (128 << 10)

struct search {
	const struct elf_image *image;
	bool has_global[ALLOCATOR_PREFIXES_MAX][NAMED_FUNCTIONS_MAX]; /* names of global symbols */
	struct named_function found[FOUND_MAX];
	size_t nr_found;
};

static bool is_same_name(const struct named_function *one, const struct named_function *other)
{
	return one->name == other->name && one->prefix == other->prefix;
}

static int take_function(const struct named_function *function, void *context)
{
	struct search *search = context;

	if (!function->local)
		search->has_global[function->prefix][function->name] = true;
	for (size_t i = 0; i < search->nr_found; i++) {
		struct named_function *known = &search->found[i];

		if (is_same_name(known, function) && known->file_offset == function->file_offset) {
			known->local = known->local && function->local;
			return 0;
		}
	}
	if (search->nr_found == FOUND_MAX)
		return -EBADMSG;
	search->found[search->nr_found++] = *function;
	return 0;
}

static int search_table(struct search *search, const struct elf_symbol_table *table)
{
	return named_functions__each(search->image, table, allocator_names__wanted(), take_function,
				     search);
}

static int search_separate_table(struct search *search)
{
	struct elf_symbol_table table;
	struct elf_file file;
	int err = separate_symbols__open(&file, elf_image__headers(search->image));

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
static int search_tables(struct search *search)
{
	struct elf_symbol_table table;
	int err = elf_image__dynamic_symbols(search->image, &table);

	if (!err)
		err = search_table(search, &table);
	if (err)
		return err;
	elf_image__static_symbols(search->image, &table);
	if (table.nr_symbols)
		return search_table(search, &table);
	return elf_image__is_program(search->image) ? search_separate_table(search) : 0;
}

/* If a global symbol has the name, local ones are helpers of some source file. */
static void drop_shadowed_locals(struct search *search)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->nr_found; i++) {
		const struct named_function *function = &search->found[i];

		if (!function->local || !search->has_global[function->prefix][function->name])
			search->found[kept++] = *function;
	}
	search->nr_found = kept;
}

static int has_interpreter(const struct elf_image *image, bool *answer)
{
	char *path;
	int err = elf_image__interpreter(image, &path);

	*answer = path;
	free(path);
	return err;
}

/* A static program that has no names at all may have glibc's malloc, which is known by its code. */
static int search_code(struct search *search)
{
	struct stripped_glibc glibc;
	bool is_dynamic = true;
	int err = 0;

	if (elf_image__is_program(search->image))
		err = has_interpreter(search->image, &is_dynamic);
	if (err || is_dynamic)
		return err;
	err = stripped_glibc__find(search->image, &glibc);
	for (size_t i = 0; i < glibc.nr && !err; i++) {
		const struct stripped_function *code = &glibc.function[i];
		const struct named_function function = {
			.name = allocator_names__in_libc(code->function),
			.file_offset = code->file_offset,
			.nr_bytes = code->nr_bytes,
		};

		err = take_function(&function, search);
	}
	return err;
}

static void note_defined(const struct search *search, struct defined_names *defined)
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

static bool is_return(enum allocator_function function)
{
	return function == FUNCTION_NEW_RETURN;
}

static bool has_probe(const struct allocator_probes *probes, enum allocator_function function,
		      uint64_t file_offset)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].file_offset == file_offset &&
		    is_return(probes->probe[i].function) == is_return(function))
			return true;
	return false;
}

/* Names can share an address. Returns the largest size that their symbols claim. */
static uint64_t function_bytes(const struct search *search, uint64_t file_offset)
{
	uint64_t nr_bytes = 0;

	for (size_t i = 0; i < search->nr_found; i++)
		if (search->found[i].file_offset == file_offset &&
		    search->found[i].nr_bytes > nr_bytes)
			nr_bytes = search->found[i].nr_bytes;
	return nr_bytes;
}

/* Calls of another function that begins in this range would hit the probe too. */
static bool begins_within(const struct search *search, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < search->nr_found; i++)
		if (search->found[i].file_offset > first && search->found[i].file_offset <= last)
			return true;
	return false;
}

static int place_probe(const struct elf_image *image, const struct search *search,
		       struct allocator_probe *probe, uint8_t *code)
{
	uint64_t nr_bytes = function_bytes(search, probe->file_offset);
	uint64_t room = elf_image__code_bytes(image, probe->file_offset);
	bool whole = nr_bytes && nr_bytes <= room && nr_bytes <= FUNCTION_BYTES_MAX;
	struct placement placement;
	int err;

	if (!whole)
		nr_bytes = room < PLACEMENT_PROLOGUE_BYTES ? room : PLACEMENT_PROLOGUE_BYTES;
	err = elf_image__read(image, probe->file_offset, code, (size_t)nr_bytes);
	if (err)
		return err;
	placement = placement__choose(code, (size_t)nr_bytes, whole, nr_arguments[probe->function]);
	if (begins_within(search, probe->file_offset, probe->file_offset + placement.behind))
		return 0;
	probe->probe_offset += placement.behind;
	probe->emulated = placement.emulated;
	return 0;
}

static int place_probes(const struct elf_image *image, const struct search *search,
			struct allocator_probes *probes)
{
	uint8_t *code;
	int err;

	if (ELF_IMAGE_MACHINE != EM_X86_64) /* only x86-64 instructions are known */
		return 0;
	code = malloc(FUNCTION_BYTES_MAX);
	err = code ? 0 : -ENOMEM;
	for (size_t i = 0; i < probes->nr && !err; i++)
		if (!is_return(probes->probe[i].function))
			err = place_probe(image, search, &probes->probe[i], code);
	free(code);
	return err;
}

static int add_probe(struct allocator_probes *probes, const struct named_function *named,
		     enum allocator_function function, uint64_t file_offset)
{
	struct allocator_probe *probe = &probes->probe[probes->nr];

	if (has_probe(probes, function, file_offset))
		return 0;
	if (probes->nr == ALLOCATOR_PROBES_MAX)
		return -E2BIG;
	probes->nr++;
	*probe = (struct allocator_probe){
		.function = function,
		.file_offset = file_offset,
		.probe_offset = file_offset,
	};
	allocator_names__symbol(named->prefix, named->name, probe->symbol);
	return 0;
}

/* A function that can't be followed to all its rets is left out: its blocks would never be seen. */
static int add_new(const struct elf_image *image, struct allocator_probes *probes,
		   const struct named_function *named)
{
	struct function_returns returns;
	int err = function_returns__find(image, named->file_offset, &returns);

	if (err == -ENOMEM)
		return err;
	if (err || probes->nr + returns.nr >= ALLOCATOR_PROBES_MAX)
		return 0;
	for (size_t i = 0; i < returns.nr && !err; i++)
		err = add_probe(probes, named, FUNCTION_NEW_RETURN, returns.file_offset[i]);
	return err ? err : add_probe(probes, named, FUNCTION_NEW, named->file_offset);
}

static bool has_function(const struct allocator_probes *probes, enum allocator_function function)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].function == function)
			return true;
	return false;
}

/* operator delete alone would do harm: it frees blocks that nobody saw. */
static int add_function(const struct elf_image *image, struct allocator_probes *probes,
			const struct named_function *named)
{
	enum allocator_function function = allocator_names__function(named->name);

	if (has_probe(probes, function, named->file_offset))
		return 0;
	if (function == FUNCTION_NEW)
		return add_new(image, probes, named);
	if (allocator_names__is_delete(named->name) && !has_function(probes, FUNCTION_NEW))
		return 0;
	return add_probe(probes, named, function, named->file_offset);
}

static int make_probes(struct search *search, const struct defined_names *defined,
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

static int find_in_image(struct search *search, struct allocator_probes *probes)
{
	struct defined_names defined;
	bool mere_loader;
	int err = search_tables(search);

	if (err)
		return err;
	drop_shadowed_locals(search);
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
	return err ? err : place_probes(search->image, search, probes);
}

int allocators__find(int fd, struct allocator_probes *probes)
{
	struct search search = { .nr_found = 0 };
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

unsigned int allocator_probes__nr_functions(const struct allocator_probes *probes)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < probes->nr; i++)
		nr += !is_return(probes->probe[i].function);
	return nr;
}
