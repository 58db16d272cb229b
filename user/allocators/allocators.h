/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the malloc family in an ELF file: symbol names become file offsets at which to place
 * uprobes. The probe goes after instructions that would make it expensive (placement.h). ELF bytes
 * are hostile input.
 */
#ifndef ALLOCATORS_H
#define ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/allocator_names.h"
#include "bpf/wire.h"

struct allocator_probe {
	char symbol[ALLOCATOR_SYMBOL_BYTES]; /* "malloc", "je_malloc" */
	enum allocator_function function; /* decides how the arguments are read */
	uint64_t file_offset; /* of the function's first byte; of the ret of FUNCTION_NEW_RETURN */
	uint64_t probe_offset; /* the probe's place: file_offset, or some instructions after it */
	bool emulated; /* a hit needs no single step */
};

#define ALLOCATOR_PROBES_MAX 192

struct allocator_probes {
	struct allocator_probe probe[ALLOCATOR_PROBES_MAX];
	size_t nr;
};

/*
 * Finds the allocators that the ELF file of fd defines, under the names of allocator_names.h.
 * glibc's dynamic loader never counts, since its private malloc is not used once the program
 * begins. Names that share an address (memalign and aligned_alloc, free and cfree) yield one probe.
 * operator new counts if all its rets are found, and operator delete where such a new does. Returns
 * 0 with probes->nr == 0 when the file defines no allocator; -ENOEXEC when it is no ELF file of
 * this machine's class, -EBADMSG when it is damaged, or -errno.
 */
int allocators__find(int fd, struct allocator_probes *probes);

/* How many functions these are: a function that returns by several rets is one. */
unsigned int allocator_probes__nr_functions(const struct allocator_probes *probes);

#endif
