// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a rule of a state of the virtual machine. When rules can express only part of the state,
 * the result is UNWIND_CFA_BAD if the walk could not go on, and UNWIND_RBP_UNDEFINED if only the
 * caller's frame pointer is lost.
 */
#include "unwind/cfi_state.h"

static bool fits_16(int64_t number)
{
	return number >= INT16_MIN && number <= INT16_MAX;
}

static bool fits_32(int64_t number)
{
	return number >= INT32_MIN && number <= INT32_MAX;
}

static struct cfi_value cfa_of(const struct cfi_location *cfa)
{
	switch (cfa->where) {
	case CFI_IN_REGISTER:
		return (struct cfi_value){
			.kind = CFI_VALUE_REGISTER,
			.number = cfa->number,
			.offset = cfa->offset,
		};
	case CFI_IS_EXPRESSION:
		return cfi_expression__evaluate(cfa->expression, cfa->expression_bytes, NULL);
	default:
		return (struct cfi_value){ .kind = CFI_VALUE_UNKNOWN };
	}
}

/* Do two values differ by a known number? *bytes is that number. */
static bool distance(const struct cfi_value *from, const struct cfi_value *to, int64_t *bytes)
{
	return from->kind == to->kind &&
	       (from->kind == CFI_VALUE_REGISTER || from->kind == CFI_VALUE_MEMORY) &&
	       from->number == to->number && from->number != MACHINE_OTHER_REGISTER &&
	       from->inner_offset == to->inner_offset &&
	       !__builtin_sub_overflow(to->offset, from->offset, bytes);
}

/* The result of an expression whose stack begins with the cfa. */
static struct cfi_value address_of(const struct cfi_location *location, const struct cfi_value *cfa)
{
	return cfi_expression__evaluate(location->expression, location->expression_bytes, cfa);
}

/* Is a register saved at a fixed distance from the cfa? *offset is that distance. */
static bool saved_at_cfa(const struct cfi_location *location, const struct cfi_value *cfa,
			 int64_t *offset)
{
	struct cfi_value address;

	if (location->where == CFI_AT_OFFSET) {
		*offset = location->offset;
		return true;
	}
	if (location->where != CFI_AT_EXPRESSION)
		return false;
	address = address_of(location, cfa);
	return distance(cfa, &address, offset);
}

static bool make_cfa(const struct cfi_value *cfa, struct unwind_rule *rule)
{
	bool by_stack = cfa->number == MACHINE_STACK_POINTER;
	bool by_frame = cfa->number == MACHINE_FRAME_POINTER;

	if (!fits_32(cfa->offset))
		return false;
	rule->cfa_offset = (__s32)cfa->offset;
	switch (cfa->kind) {
	case CFI_VALUE_REGISTER:
		rule->cfa = by_stack ? UNWIND_CFA_RSP : UNWIND_CFA_RBP;
		return by_stack || by_frame;
	case CFI_VALUE_MEMORY:
		rule->cfa = by_stack ? UNWIND_CFA_RSP_DEREF : UNWIND_CFA_RBP_DEREF;
		rule->deref_offset = (__s16)cfa->inner_offset;
		return (by_stack || by_frame) && fits_16(cfa->inner_offset);
	case CFI_VALUE_PLT:
		rule->cfa = UNWIND_CFA_PLT;
		return true;
	default:
		return false;
	}
}

static void make_frame_pointer(const struct cfi_location *location, const struct cfi_value *cfa,
			       struct unwind_rule *rule)
{
	struct cfi_value address = { .kind = CFI_VALUE_UNKNOWN };
	int64_t offset;

	if (location->where == CFI_UNSPECIFIED || location->where == CFI_SAME_VALUE ||
	    (location->where == CFI_IN_REGISTER && location->number == MACHINE_FRAME_POINTER)) {
		rule->rbp = UNWIND_RBP_SAME;
		return;
	}
	if (location->where == CFI_AT_EXPRESSION)
		address = address_of(location, cfa);
	if (address.kind == CFI_VALUE_REGISTER && address.number == MACHINE_FRAME_POINTER &&
	    fits_16(address.offset)) {
		rule->rbp = UNWIND_RBP_AT_RBP;
		rule->rbp_offset = (__s16)address.offset;
	} else if (saved_at_cfa(location, cfa, &offset) && fits_16(offset)) {
		rule->rbp = UNWIND_RBP_AT_CFA;
		rule->rbp_offset = (__s16)offset;
	} else {
		rule->rbp = UNWIND_RBP_UNDEFINED;
	}
}

/* The caller's stack pointer is the cfa, unless the CFI says otherwise. */
static bool stack_pointer_is_cfa(const struct cfi_location *location, const struct cfi_value *cfa)
{
	struct cfi_value value;
	int64_t bytes;

	switch (location->where) {
	case CFI_UNSPECIFIED:
		return true;
	case CFI_IS_OFFSET:
		return !location->offset;
	case CFI_IS_EXPRESSION:
		value = address_of(location, cfa);
		return distance(cfa, &value, &bytes) && !bytes;
	default:
		return false;
	}
}

/* Did the kernel save the register above the stack pointer when it delivered a signal? */
static bool saved_at_stack_pointer(const struct cfi_location *location, const struct cfi_value *cfa,
				   int64_t *offset)
{
	struct cfi_value address;

	if (location->where != CFI_AT_EXPRESSION)
		return false;
	address = address_of(location, cfa);
	*offset = address.offset;
	return address.kind == CFI_VALUE_REGISTER && address.number == MACHINE_STACK_POINTER;
}

/*
 * The frame that returns from a signal handler. Its CFI, which glibc's __restore_rt has, tells
 * where the kernel has saved the registers.
 */
static bool make_signal(const struct cfi_state *state, const struct cfi_value *cfa,
			struct unwind_rule *rule)
{
	int64_t return_address, frame_pointer, stack_pointer = cfa->inner_offset;

	if (cfa->kind != CFI_VALUE_MEMORY || cfa->number != MACHINE_STACK_POINTER || cfa->offset)
		return false;
	if (state->stack_pointer.where != CFI_UNSPECIFIED &&
	    (!saved_at_stack_pointer(&state->stack_pointer, cfa, &stack_pointer) ||
	     stack_pointer != cfa->inner_offset))
		return false;
	if (!saved_at_stack_pointer(&state->return_address, cfa, &return_address) ||
	    !saved_at_stack_pointer(&state->frame_pointer, cfa, &frame_pointer))
		return false;
	*rule = (struct unwind_rule){
		.cfa = UNWIND_CFA_SIGNAL,
		.rbp_offset = (__s16)frame_pointer,
		.deref_offset = (__s16)return_address,
		.cfa_offset = (__s32)stack_pointer,
	};
	return fits_16(frame_pointer) && fits_16(return_address) && fits_32(stack_pointer);
}

/* A frame that a call made, or that assembly code made in the same form. */
static bool make_plain(const struct cfi_state *state, const struct cfi_value *cfa,
		       struct unwind_rule *rule)
{
	int64_t return_address;

	if (!saved_at_cfa(&state->return_address, cfa, &return_address) ||
	    return_address != machine.return_address_offset ||
	    !stack_pointer_is_cfa(&state->stack_pointer, cfa) || !make_cfa(cfa, rule))
		return false;
	make_frame_pointer(&state->frame_pointer, cfa, rule);
	return true;
}

struct unwind_rule cfi_rule__make(const struct cfi_state *state, bool signal)
{
	struct unwind_rule rule = { 0 };
	struct cfi_value cfa;

	if (state->return_address.where == CFI_UNDEFINED)
		return (struct unwind_rule){ .cfa = UNWIND_CFA_END };
	cfa = cfa_of(&state->cfa);
	if (signal && make_signal(state, &cfa, &rule))
		return rule;
	rule = (struct unwind_rule){ 0 };
	if (make_plain(state, &cfa, &rule))
		return rule;
	return (struct unwind_rule){ .cfa = UNWIND_CFA_BAD };
}
