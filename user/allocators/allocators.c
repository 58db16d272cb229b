// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the malloc family by name, and decides which symbols of a file count: those that ld.so can
 * see, and in a program also functions that were linked in but not exported. Input: symbol tables;
 * output: probes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/allocators.h"
#include "elf/elf_image.h"
#include "elf/named_functions.h"
#include "allocators/placement.h"

/* The number of arguments read at the entry; see read_arguments in bpf/blocks.bpf.c. */
static const unsigned int nr_arguments[NR_ALLOCATOR_FUNCTIONS] = {
	[FUNCTION_MALLOC] = 1,	     [FUNCTION_CALLOC] = 2,   [FUNCTION_REALLOC] = 2,
	[FUNCTION_REALLOCARRAY] = 3, [FUNCTION_MEMALIGN] = 2, [FUNCTION_POSIX_MEMALIGN] = 3,
	[FUNCTION_FREE] = 1,
};

/* If several names share an address, the probe takes the first of them in this list. */
static const struct {
	const char *name;
	enum allocator_function function;
} family[] = {
	{ "malloc", FUNCTION_MALLOC },
	{ "free", FUNCTION_FREE },
	{ "calloc", FUNCTION_CALLOC },
	{ "realloc", FUNCTION_REALLOC },
	{ "reallocarray", FUNCTION_REALLOCARRAY },
	{ "memalign", FUNCTION_MEMALIGN },
	{ "aligned_alloc", FUNCTION_MEMALIGN },
	{ "posix_memalign", FUNCTION_POSIX_MEMALIGN },
	{ "valloc", FUNCTION_MALLOC },
	{ "pvalloc", FUNCTION_MALLOC },
	{ "cfree", FUNCTION_FREE },
};

#define NR_FAMILY (sizeof(family) / sizeof(*family))
#define MALLOC 0
#define FREE 1
#define LIBC_START NR_FAMILY /* not in the family: only a libc defines it, never a mere loader */
#define NR_NAMES (NR_FAMILY + 1)

/* Enough for several versions of every name. A file with more is not an allocator but an attack. */
#define FOUND_MAX 256

/* Ten times the largest known function. */
#define FUNCTION_BYTES_MAX (128 << 10)

struct search {
	bool locals_count;
	bool global[NR_NAMES]; /* names that a global symbol has */
	struct named_function found[FOUND_MAX];
	size_t nr_found;
};

static int take_function(const struct named_function *function, void *context)
{
	struct search *search = context;

	if (function->local && !search->locals_count)
		return 0;
	if (!function->local)
		search->global[function->name] = true;
	for (size_t i = 0; i < search->nr_found; i++) {
		struct named_function *known = &search->found[i];

		if (known->name == function->name && known->file_offset == function->file_offset) {
			known->local = known->local && function->local;
			return 0;
		}
	}
	if (search->nr_found == FOUND_MAX)
		return -EBADMSG;
	search->found[search->nr_found++] = *function;
	return 0;
}

/*
 * .symtab matters only for programs. A library's callers reach only functions that .dynsym exports,
 * while a program may have a hidden allocator linked in, whose symbols are local.
 */
static int search_tables(const struct elf_image *image, struct search *search)
{
	const char *names[NR_NAMES];
	struct elf_symbol_table table;
	int err;

	for (size_t i = 0; i < NR_FAMILY; i++)
		names[i] = family[i].name;
	names[LIBC_START] = "__libc_start_main";

	err = elf_image__dynamic_symbols(image, &table);
	if (!err)
		err = named_functions__each(image, &table, names, NR_NAMES, take_function, search);
	if (err || !elf_image__is_program(image))
		return err;
	search->locals_count = true;
	elf_image__static_symbols(image, &table);
	return named_functions__each(image, &table, names, NR_NAMES, take_function, search);
}

/* If a global symbol has the name, local ones are helpers of some source file. */
static void drop_shadowed_locals(struct search *search)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->nr_found; i++) {
		const struct named_function *function = &search->found[i];

		if (!function->local || !search->global[function->name])
			search->found[kept++] = *function;
	}
	search->nr_found = kept;
}

static bool defines(const struct search *search, size_t name)
{
	for (size_t i = 0; i < search->nr_found; i++)
		if (search->found[i].name == name)
			return true;
	return false;
}

/* Recognises glibc's loader. musl's loader is also its libc, and has another name. */
static int is_mere_loader(const struct elf_image *image, const struct search *search, bool *answer)
{
	static const char *const prefixes[] = { "ld-linux", "ld64.so", "ld.so" };
	char *soname;
	int err;

	*answer = false;
	if (defines(search, LIBC_START))
		return 0;
	err = elf_image__dynamic_string(image, DT_SONAME, 0, &soname);
	if (err || !soname)
		return err;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		*answer |= !strncmp(soname, prefixes[i], strlen(prefixes[i]));
	free(soname);
	return 0;
}

static int compare_found(const void *a, const void *b)
{
	const struct named_function *left = a, *right = b;

	if (left->name != right->name)
		return left->name < right->name ? -1 : 1;
	return (left->file_offset > right->file_offset) - (left->file_offset < right->file_offset);
}

static bool has_probe(const struct allocator_probes *probes, uint64_t file_offset)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].file_offset == file_offset)
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
		err = place_probe(image, search, &probes->probe[i], code);
	free(code);
	return err;
}

static int make_probes(struct search *search, struct allocator_probes *probes)
{
	qsort(search->found, search->nr_found, sizeof(*search->found), compare_found);
	for (size_t i = 0; i < search->nr_found; i++) {
		const struct named_function *function = &search->found[i];

		if (function->name == LIBC_START || has_probe(probes, function->file_offset))
			continue;
		if (probes->nr == ALLOCATOR_PROBES_MAX)
			return -E2BIG;
		probes->probe[probes->nr++] = (struct allocator_probe){
			.symbol = family[function->name].name,
			.function = family[function->name].function,
			.file_offset = function->file_offset,
			.probe_offset = function->file_offset,
		};
	}
	return 0;
}

static int find_in_image(const struct elf_image *image, struct search *search,
			 struct allocator_probes *probes)
{
	bool mere_loader;
	int err = search_tables(image, search);

	if (err)
		return err;
	drop_shadowed_locals(search);
	/* A helper that happens to be called malloc, as in some debug builds, is no allocator. */
	if (!defines(search, MALLOC) || !defines(search, FREE))
		return 0;
	err = is_mere_loader(image, search, &mere_loader);
	if (err || mere_loader)
		return err;
	err = make_probes(search, probes);
	return err ? err : place_probes(image, search, probes);
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
	err = find_in_image(image, &search, probes);
	if (err)
		memset(probes, 0, sizeof(*probes));
	elf_image__free(image);
	return err;
}
