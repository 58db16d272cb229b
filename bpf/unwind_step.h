/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a frame to its caller, by the rule for its code. The BPF side walks stacks by this, and the
 * user side finishes by it the walks that the BPF side could not. The including file defines
 * unwind_read_word, which reads a word of the stack.
 */
#ifndef UNWIND_STEP_H
#define UNWIND_STEP_H

#include "wire.h"
#include "wire_unwind.h"

#define WALK_WINDOW_BYTES 2048

/* A stack walk under way. */
struct walk {
	__u64 ip, sp, bp; /* of the frame that the walk has reached */
	__u64 tag; /* names the address space as it is mapped now, in the keys of caches */
	__u64 window_start; /* the address that window is a copy from */
	__u32 window_bytes;
	__u32 exact; /* ip is an instruction, not a return address */
	__u32 frame_pointers; /* frames that were passed by frame pointer */
	__u32 tgid;
	struct unwind_rule rule;
	__u32 pad;
	/* The file without a table, and the address of its first byte. */
	struct unwind_file_key missing_file;
	__u64 missing_base;
	__u64 window[WALK_WINDOW_BYTES / 8];
};

/* Sets *word to the one at that address of the stack. Returns 0 when that can't be done, else 1. */
int unwind_read_word(struct walk *walk, __u64 address, __u64 *word);

static inline int walk__step_by_frame_pointer(struct walk *walk)
{
	__u64 ip = 0, bp = 0;

	if (walk->bp < walk->sp || !unwind_read_word(walk, walk->bp, &bp) ||
	    !unwind_read_word(walk, walk->bp + 8, &ip))
		return STACK_FRAME_POINTERS;
	walk->frame_pointers++;
	walk->sp = walk->bp + 16;
	walk->bp = bp;
	walk->ip = ip;
	walk->exact = 0;
	return STACK_COMPLETE;
}

static inline int walk__step_over_signal(struct walk *walk)
{
	const struct unwind_rule *rule = &walk->rule;
	__u64 sp = walk->sp, ip = 0, bp = 0, caller_sp = 0;

	if (!unwind_read_word(walk, sp + rule->rbp_offset, &bp) ||
	    !unwind_read_word(walk, sp + rule->cfa_offset, &caller_sp) ||
	    !unwind_read_word(walk, sp + rule->deref_offset, &ip))
		return STACK_UNREADABLE;
	walk->ip = ip;
	walk->sp = caller_sp;
	walk->bp = bp;
	walk->exact = 1;
	return STACK_COMPLETE;
}

/* The canonical frame address; 0 when it can't be had. */
static inline __u64 walk__frame_address(struct walk *walk)
{
	const struct unwind_rule *rule = &walk->rule;
	__u64 word = 0;

	switch (rule->cfa) {
	case UNWIND_CFA_RSP:
		return walk->sp + rule->cfa_offset;
	case UNWIND_CFA_RBP:
		return walk->bp + rule->cfa_offset;
	case UNWIND_CFA_PLT:
		return walk->sp + 8 + ((walk->ip & 15) >= (__u32)rule->cfa_offset ? 8 : 0);
	case UNWIND_CFA_RBP_DEREF:
		return unwind_read_word(walk, walk->bp + rule->deref_offset, &word) ?
			       word + rule->cfa_offset :
			       0;
	case UNWIND_CFA_RSP_DEREF:
		return unwind_read_word(walk, walk->sp + rule->deref_offset, &word) ?
			       word + rule->cfa_offset :
			       0;
	}
	return 0;
}

/* Goes to the caller. Returns STACK_COMPLETE, or why the walk ends here. */
static inline int walk__step(struct walk *walk)
{
	__u64 cfa, ip = 0, bp = walk->bp;

	if (walk->rule.cfa == UNWIND_CFA_FRAME_POINTER)
		return walk__step_by_frame_pointer(walk);
	if (walk->rule.cfa == UNWIND_CFA_SIGNAL)
		return walk__step_over_signal(walk);
	if (walk->rule.cfa == UNWIND_CFA_BAD)
		return STACK_BAD_RULE;
	cfa = walk__frame_address(walk);
	/* Each frame lies above the one it has called. */
	if (cfa <= walk->sp)
		return STACK_BAD_RULE;
	if (walk->rule.rbp == UNWIND_RBP_AT_CFA &&
	    !unwind_read_word(walk, cfa + walk->rule.rbp_offset, &bp))
		return STACK_UNREADABLE;
	if (walk->rule.rbp == UNWIND_RBP_AT_RBP &&
	    !unwind_read_word(walk, walk->bp + walk->rule.rbp_offset, &bp))
		return STACK_UNREADABLE;
	if (!unwind_read_word(walk, cfa - 8, &ip))
		return STACK_UNREADABLE;
	walk->ip = ip;
	walk->sp = cfa;
	walk->bp = bp;
	walk->exact = 0;
	return STACK_COMPLETE;
}

#endif
