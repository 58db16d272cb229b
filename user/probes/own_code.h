/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracer's own copy of what it probes. Probes of a file are breakpoints in every process that
 * maps it, also in this one, which would take a trap for each block of its own, to no purpose: the
 * BPF side ignores them. So the breakpoints are taken out of this process again; the kernel does
 * not mind when it removes them later. (Its page is this process's own since the breakpoint was
 * written.)
 */
#ifndef OWN_CODE_H
#define OWN_CODE_H

#include "allocators/allocators.h"
#include "probes/file_identity.h"

/* Puts back what the file has where its functions are probed, in this process. 0 or -errno. */
int own_code__restore(const struct file_identifier *identifier, int file_fd,
		      const struct allocator_probes *probes);

#endif
