// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a rule of a state of the virtual machine. When rules can express only part of the state,
 * the result is UNWIND_CFA_BAD if the walk could not go on, and UNWIND_RBP_UNDEFINED if only the
 * caller's rbp is lost.
 */
#include "unwind/cfi_state.h"

#define RETURN_ADDRESS_OFFSET (-8) /* from the cfa: call pushes it there */

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
	       from->number == to->number && from->inner_offset == to->inner_offset &&
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
	bool rsp = cfa->number == CFI_STACK_POINTER, rbp = cfa->number == CFI_FRAME_POINTER;

	if (!fits_32(cfa->offset))
		return false;
	rule->cfa_offset = (__s32)cfa->offset;
	switch (cfa->kind) {
	case CFI_VALUE_REGISTER:
		rule->cfa = rsp ? UNWIND_CFA_RSP : UNWIND_CFA_RBP;
		return rsp || rbp;
	case CFI_VALUE_MEMORY:
		rule->cfa = rsp ? UNWIND_CFA_RSP_DEREF : UNWIND_CFA_RBP_DEREF;
		rule->deref_offset = (__s16)cfa->inner_offset;
		return (rsp || rbp) && fits_16(cfa->inner_offset);
	case CFI_VALUE_PLT:
		rule->cfa = UNWIND_CFA_PLT;
		return true;
	default:
		return false;
	}
}

static void make_rbp(const struct cfi_location *location, const struct cfi_value *cfa,
		     struct unwind_rule *rule)
{
	struct cfi_value address = { .kind = CFI_VALUE_UNKNOWN };
	int64_t offset;

	if (location->where == CFI_UNSPECIFIED || location->where == CFI_SAME_VALUE ||
	    (location->where == CFI_IN_REGISTER && location->number == CFI_FRAME_POINTER)) {
		rule->rbp = UNWIND_RBP_SAME;
		return;
	}
	if (location->where == CFI_AT_EXPRESSION)
		address = address_of(location, cfa);
	if (address.kind == CFI_VALUE_REGISTER && address.number == CFI_FRAME_POINTER &&
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

/* The caller's rsp is the cfa, unless the CFI says otherwise. */
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

/* Did the kernel save the register above rsp when it delivered a signal? */
static bool saved_at_rsp(const struct cfi_location *location, const struct cfi_value *cfa,
			 int64_t *offset)
{
	struct cfi_value address;

	if (location->where != CFI_AT_EXPRESSION)
		return false;
	address = address_of(location, cfa);
	*offset = address.offset;
	return address.kind == CFI_VALUE_REGISTER && address.number == CFI_STACK_POINTER;
}

/*
 * The frame that returns from a signal handler. In the kernel's struct rt_sigframe of x86-64, which
 * the CFI of glibc's __restore_rt describes, rbp lies at rsp + 120, rsp at 160 and rip at 168.
 */
static bool make_signal(const struct cfi_state *state, const struct cfi_value *cfa,
			struct unwind_rule *rule)
{
	int64_t rip, rbp, rsp = cfa->inner_offset;

	if (cfa->kind != CFI_VALUE_MEMORY || cfa->number != CFI_STACK_POINTER || cfa->offset)
		return false;
	if (state->stack_pointer.where != CFI_UNSPECIFIED &&
	    (!saved_at_rsp(&state->stack_pointer, cfa, &rsp) || rsp != cfa->inner_offset))
		return false;
	if (!saved_at_rsp(&state->return_address, cfa, &rip) ||
	    !saved_at_rsp(&state->frame_pointer, cfa, &rbp))
		return false;
	*rule = (struct unwind_rule){
		.cfa = UNWIND_CFA_SIGNAL,
		.rbp_offset = (__s16)rbp,
		.deref_offset = (__s16)rip,
		.cfa_offset = (__s32)rsp,
	};
	return fits_16(rbp) && fits_16(rip) && fits_32(rsp);
}

/* A frame that a call made, or that assembly code made in the same form. */
static bool make_plain(const struct cfi_state *state, const struct cfi_value *cfa,
		       struct unwind_rule *rule)
{
	int64_t return_address;

	if (!saved_at_cfa(&state->return_address, cfa, &return_address) ||
	    return_address != RETURN_ADDRESS_OFFSET ||
	    !stack_pointer_is_cfa(&state->stack_pointer, cfa) || !make_cfa(cfa, rule))
		return false;
	make_rbp(&state->frame_pointer, cfa, rule);
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
