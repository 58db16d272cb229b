/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracer's own copy of the probed code. Probes of a file are breakpoints in every process that
 * maps it, including the tracer. Each of its own allocations would take a trap to no purpose, since
 * the BPF side ignores them. So the tracer removes the breakpoints from its own memory. The kernel
 * tolerates their absence when it removes the probes later. (The page is already private to this
 * process, since the kernel copied it to write the breakpoint.)
 */
#ifndef OWN_CODE_H
#define OWN_CODE_H

#include "allocators/allocators.h"
#include "probes/file_identity.h"

/* Restores the file's own bytes where its functions are probed, in this process. 0 or -errno. */
int own_code__restore(const struct file_identifier *identifier, int file_fd,
		      const struct allocator_probes *probes);

#endif
