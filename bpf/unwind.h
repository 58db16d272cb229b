/* SPDX-License-Identifier: GPL-2.0 */
/* The walk up a user stack by tables made of .eh_frame. Linux 5.17 and later; x86-64. */
#ifndef UNWIND_H
#define UNWIND_H

#include "maps.h"

/*
 * Walks from a function that is about to return to its caller (ctx: registers as the caller will
 * see them), the caller being the innermost frame. Fills stack; thread is the caller's own.
 */
__hidden int unwind(struct pt_regs *ctx, struct thread *thread, const struct space *space,
		    __u64 return_address);

#endif
