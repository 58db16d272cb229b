// SPDX-License-Identifier: GPL-2.0
/* See allocator_probes.h. Called by allocators.c and defined_functions.c. */
#include "allocators/allocator_probes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/function_returns.h"
#include "allocators/placement.h"

/* The number of arguments read at the entry; see read_arguments in bpf/blocks.bpf.c. */
static const unsigned int nr_arguments[NR_ALLOCATOR_FUNCTIONS] = {
	[FUNCTION_MALLOC] = 1,	     [FUNCTION_CALLOC] = 2,   [FUNCTION_REALLOC] = 2,
	[FUNCTION_REALLOCARRAY] = 3, [FUNCTION_MEMALIGN] = 2, [FUNCTION_POSIX_MEMALIGN] = 3,
	[FUNCTION_XALLOCX] = 2,	     [FUNCTION_FREE] = 1,     [FUNCTION_NEW] = 1,
};

/* Ten times the largest known function. */
#define FUNCTION_BYTES_MAX (128 << 10)

static unsigned int larger(unsigned int one, unsigned int other)
{
	return one > other ? one : other;
}

static unsigned int arguments_of(const struct allocator_probe *probe)
{
	uint64_t cookie = probe->cookie;

	return larger(nr_arguments[probe->function],
		      larger(WIRE_COOKIE_BLOCK(cookie),
			     larger(WIRE_COOKIE_SIZE(cookie), WIRE_COOKIE_COUNT(cookie))));
}

static bool is_return(enum allocator_function function)
{
	return function == FUNCTION_NEW_RETURN;
}

static bool has_probe(const struct allocator_probes *probes, uint64_t file_offset, bool at_ret)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].file_offset == file_offset &&
		    is_return(probes->probe[i].function) == at_ret)
			return true;
	return false;
}

bool allocator_probes__has(const struct allocator_probes *probes, uint64_t file_offset)
{
	return has_probe(probes, file_offset, false);
}

int allocator_probes__add(struct allocator_probes *probes, const struct allocator_probe *like,
			  uint64_t file_offset)
{
	struct allocator_probe *probe = &probes->probe[probes->nr];

	if (has_probe(probes, file_offset, is_return(like->function)))
		return 0;
	if (probes->nr == ALLOCATOR_PROBES_MAX)
		return -E2BIG;
	probes->nr++;
	*probe = *like;
	probe->file_offset = probe->probe_offset = file_offset;
	return 0;
}

int allocator_probes__add_by_ret(struct allocator_probes *probes, const struct elf_image *image,
				 const struct allocator_probe *like, uint64_t file_offset)
{
	struct allocator_probe entry = *like, at_ret = *like;
	struct function_returns returns;
	int err = function_returns__find(image, file_offset, &returns);

	if (err == -ENOMEM)
		return err;
	if (err || probes->nr + returns.nr >= ALLOCATOR_PROBES_MAX)
		return -ENOENT;
	at_ret.function = FUNCTION_NEW_RETURN;
	for (size_t i = 0; i < returns.nr && !err; i++)
		err = allocator_probes__add(probes, &at_ret, returns.file_offset[i]);
	entry.nr_rets = (unsigned int)returns.nr;
	return err ? err : allocator_probes__add(probes, &entry, file_offset);
}

/* Names can share an address. Returns the largest size that their symbols claim. */
static uint64_t function_bytes(const struct function_search *search, uint64_t file_offset)
{
	uint64_t nr_bytes = 0;

	for (size_t i = 0; i < search->nr_found; i++)
		if (search->found[i].file_offset == file_offset &&
		    search->found[i].nr_bytes > nr_bytes)
			nr_bytes = search->found[i].nr_bytes;
	return nr_bytes;
}

/* Calls of another function that begins in this range would hit the probe too. */
static bool begins_within(const struct function_search *search, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < search->nr_found; i++)
		if (search->found[i].file_offset > first && search->found[i].file_offset <= last)
			return true;
	return false;
}

static int place_probe(const struct function_search *search, struct allocator_probe *probe,
		       uint8_t *code)
{
	uint64_t nr_bytes = function_bytes(search, probe->file_offset);
	uint64_t room = elf_image__code_bytes(search->image, probe->file_offset);
	bool whole = nr_bytes && nr_bytes <= room && nr_bytes <= FUNCTION_BYTES_MAX;
	struct placement placement;
	int err;

	if (!whole)
		nr_bytes = room < PLACEMENT_PROLOGUE_BYTES ? room : PLACEMENT_PROLOGUE_BYTES;
	err = elf_image__read(search->image, probe->file_offset, code, (size_t)nr_bytes);
	if (err)
		return err;
	placement = placement__choose(code, (size_t)nr_bytes, whole, arguments_of(probe));
	if (begins_within(search, probe->file_offset, probe->file_offset + placement.behind))
		return 0;
	probe->probe_offset += placement.behind;
	probe->emulated = placement.emulated;
	return 0;
}

int allocator_probes__place(struct allocator_probes *probes, size_t first,
			    const struct function_search *search)
{
	uint8_t *code;
	int err;

	if (ELF_IMAGE_MACHINE != EM_X86_64) /* only x86-64 instructions are known */
		return 0;
	code = malloc(FUNCTION_BYTES_MAX);
	err = code ? 0 : -ENOMEM;
	for (size_t i = first; i < probes->nr && !err; i++)
		if (!is_return(probes->probe[i].function))
			err = place_probe(search, &probes->probe[i], code);
	free(code);
	return err;
}

unsigned int allocator_probes__nr_functions(const struct allocator_probes *probes)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < probes->nr; i++)
		nr += !is_return(probes->probe[i].function);
	return nr;
}
