/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which functions of an ELF file are the malloc family, and where: symbol names become file
 * offsets that a uprobe can be put on, after what would make it expensive (placement.h). ELF bytes
 * are hostile input.
 */
#ifndef ALLOCATORS_H
#define ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

struct allocator_probe {
	const char *symbol; /* static string, "malloc" */
	enum allocator_function function; /* what it does with its arguments */
	uint64_t file_offset; /* of the function's first byte */
	uint64_t probe_offset; /* where the probe goes: there, or some instructions on */
	bool emulated; /* a hit costs no single step */
};

#define ALLOCATOR_PROBES_MAX 32

struct allocator_probes {
	struct allocator_probe probe[ALLOCATOR_PROBES_MAX];
	size_t nr;
};

/*
 * Finds the malloc family in the ELF file of fd. A file counts as an allocator only when it
 * defines both malloc and free; glibc's dynamic loader never does (its private malloc ends before
 * the program begins). Names that share an address (memalign and aligned_alloc, free and cfree)
 * yield one probe. Returns 0 with probes->nr == 0 when the file defines no allocator; -ENOEXEC when
 * it is no ELF file of this machine's class, -EBADMSG when it is damaged, or -errno.
 */
int allocators__find(int fd, struct allocator_probes *probes);

#endif
