/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the malloc family in an ELF file: symbol names become file offsets at which to place
 * uprobes. The probe goes after instructions that would make it expensive (placement.h). ELF bytes
 * are hostile input.
 */
#ifndef ALLOCATORS_H
#define ALLOCATORS_H

#include "allocators/allocator_probes.h"

/*
 * Finds the allocators that the ELF file of fd defines, under the names of allocator_names.h.
 * glibc's dynamic loader never counts, since its private malloc is not used once the program
 * begins. Names that share an address (memalign and aligned_alloc, free and cfree) yield one probe.
 * operator new counts if all its rets are found, and operator delete where such a new does. Returns
 * 0 with probes->nr == 0 when the file defines no allocator; -ENOEXEC when it is no ELF file of
 * this machine's class, -EBADMSG when it is damaged, or -errno.
 */
int allocators__find(int fd, struct allocator_probes *probes);

#endif
