/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probes that a file gets: which function, what is read at its entry, and at which instruction.
 */
#ifndef ALLOCATOR_PROBES_H
#define ALLOCATOR_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/allocator_names.h"
#include "allocators/function_search.h"
#include "bpf/wire.h"

struct allocator_probe {
	char symbol[ALLOCATOR_SYMBOL_BYTES]; /* "malloc", "je_malloc" */
	const char *found_in; /* ".dynsym" */
	enum allocator_function function; /* decides how the arguments are read */
	uint64_t cookie; /* what the BPF program is told: see WIRE_COOKIE */
	uint64_t file_offset; /* of the function's first byte; of the ret of FUNCTION_NEW_RETURN */
	uint64_t probe_offset; /* the probe's place: file_offset, or some instructions after it */
	bool emulated; /* a hit needs no single step */
	unsigned int nr_rets; /* of an entry whose function gets no return probe */
};

#define ALLOCATOR_PROBES_MAX 192

struct allocator_probes {
	struct allocator_probe probe[ALLOCATOR_PROBES_MAX];
	size_t nr;
};

/* Is there a probe on the entry of the function at that offset? */
bool allocator_probes__has(const struct allocator_probes *probes, uint64_t file_offset);

/*
 * Adds a probe to the entry of a function. like: its symbol, function and cookie. Returns 0 if
 * there is one already, and -E2BIG when there is no room.
 */
int allocator_probes__add(struct allocator_probes *probes, const struct allocator_probe *like,
			  uint64_t file_offset);

/*
 * The same for a function that gets no return probe: one for its entry, and one for each of its
 * rets. Returns -ENOENT, and adds none, if not all rets can be found, or -ENOMEM.
 */
int allocator_probes__add_by_ret(struct allocator_probes *probes, const struct elf_image *image,
				 const struct allocator_probe *like, uint64_t file_offset);

/*
 * Moves the probes from that index on to the cheapest safe instruction of their functions, which
 * are among those that were found. Returns 0 or -errno.
 */
int allocator_probes__place(struct allocator_probes *probes, size_t first,
			    const struct function_search *search);

/* How many functions these are: a function that returns by several rets is one. */
unsigned int allocator_probes__nr_functions(const struct allocator_probes *probes);

#endif
