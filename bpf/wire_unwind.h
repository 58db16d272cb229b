/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How to get from a function to its caller: one rule for a stretch of code. Made by the user side
 * from .eh_frame, followed by the BPF side. Fixed width, explicit padding, size asserted.
 */
#ifndef WIRE_UNWIND_H
#define WIRE_UNWIND_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/*
 * Where the canonical frame address is: what rsp was before the call. The return address lies
 * below it, at cfa - 8, except where said otherwise; the caller's rsp is the cfa.
 */
enum unwind_cfa {
	UNWIND_CFA_FRAME_POINTER, /* no table here: walk by frame pointer */
	UNWIND_CFA_RSP, /* rsp + cfa_offset */
	UNWIND_CFA_RBP, /* rbp + cfa_offset */
	UNWIND_CFA_PLT, /* rsp + 8 + (((rip & 15) >= N) << 3), N in cfa_offset */
	UNWIND_CFA_RBP_DEREF, /* *(rbp + deref_offset) + cfa_offset: DRAP */
	UNWIND_CFA_RSP_DEREF, /* *(rsp + deref_offset) + cfa_offset */
	/*
	 * A signal frame, all of it relative to rsp: the interrupted rip is *(rsp + deref_offset),
	 * its rsp *(rsp + cfa_offset), its rbp *(rsp + rbp_offset); rbp says nothing. That rip is
	 * no return address: it is looked up as it is, not minus one.
	 */
	UNWIND_CFA_SIGNAL,
	UNWIND_CFA_END, /* outermost frame */
	UNWIND_CFA_BAD, /* CFI that the rules can't express */
};

/* Where the caller's rbp is. */
enum unwind_rbp {
	UNWIND_RBP_SAME,
	UNWIND_RBP_AT_CFA, /* *(cfa + rbp_offset) */
	UNWIND_RBP_AT_RBP, /* *(rbp + rbp_offset), by expression with DRAP */
	UNWIND_RBP_UNDEFINED, /* lost, or where the rules can't say: only rsp leads further up */
};

/* What a rule does not use is 0, so that equal rules are equal bytes. */
struct unwind_rule {
	__u8 cfa; /* enum unwind_cfa */
	__u8 rbp; /* enum unwind_rbp */
	__s16 rbp_offset;
	__s16 deref_offset;
	__u16 pad;
	__s32 cfa_offset;
};

_Static_assert(sizeof(struct unwind_rule) == 12, "unwind_rule");

#endif
