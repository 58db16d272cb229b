// SPDX-License-Identifier: GPL-2.0
/*
 * Evaluates DWARF expressions (DWARF 5, section 2.5) as compilers, linkers and assembly programmers
 * use them in call frame information: a register or a word of the stack, plus a number. Any other
 * result is unknown. Jumps are refused, and the number of operations is bounded.
 */
#include <dwarf.h>

#include "unwind/cfi_state.h"

#define STACK_VALUES 4
#define OPERATIONS_MAX 12

struct evaluation {
	struct byte_cursor code;
	struct cfi_value stack[STACK_VALUES];
	size_t depth;
	bool failed;
};

static void push(struct evaluation *evaluation, struct cfi_value value)
{
	if (evaluation->depth == STACK_VALUES)
		evaluation->failed = true;
	else
		evaluation->stack[evaluation->depth++] = value;
}

static struct cfi_value pop(struct evaluation *evaluation)
{
	if (evaluation->depth)
		return evaluation->stack[--evaluation->depth];
	evaluation->failed = true;
	return (struct cfi_value){ 0 };
}

static void push_constant(struct evaluation *evaluation, int64_t number)
{
	push(evaluation, (struct cfi_value){ .kind = CFI_VALUE_CONSTANT, .offset = number });
}

static void push_register(struct evaluation *evaluation, uint64_t dwarf_number, int64_t offset)
{
	push(evaluation, (struct cfi_value){
				 .kind = CFI_VALUE_REGISTER,
				 .number = machine__register(dwarf_number),
				 .offset = offset,
			 });
}

/* DWARF's numbers wrap around. A rule can't hold one that did: the evaluation fails. */
static void push_sum(struct evaluation *evaluation, struct cfi_value value, int64_t number)
{
	if (value.kind == CFI_VALUE_PLT ||
	    __builtin_add_overflow(value.offset, number, &value.offset))
		evaluation->failed = true;
	push(evaluation, value);
}

static void add(struct evaluation *evaluation)
{
	struct cfi_value right = pop(evaluation), left = pop(evaluation);

	if (right.kind == CFI_VALUE_CONSTANT)
		push_sum(evaluation, left, right.offset);
	else if (left.kind == CFI_VALUE_CONSTANT)
		push_sum(evaluation, right, left.offset);
	else
		evaluation->failed = true;
}

static void subtract(struct evaluation *evaluation)
{
	struct cfi_value right = pop(evaluation), left = pop(evaluation);

	if (right.kind == CFI_VALUE_CONSTANT && right.offset != INT64_MIN)
		push_sum(evaluation, left, -right.offset);
	else
		evaluation->failed = true;
}

static void dereference(struct evaluation *evaluation)
{
	struct cfi_value value = pop(evaluation);

	if (value.kind != CFI_VALUE_REGISTER)
		evaluation->failed = true;
	push(evaluation, (struct cfi_value){
				 .kind = CFI_VALUE_MEMORY,
				 .number = value.number,
				 .inner_offset = value.offset,
			 });
}

/* DW_OP_const1u to DW_OP_const8s: unsigned and signed in turn, of 1, 2, 4 and 8 bytes. */
static void push_fixed_constant(struct evaluation *evaluation, uint8_t operation)
{
	unsigned int nth = operation - DW_OP_const1u;
	size_t width = (size_t)1 << (nth / 2);

	push_constant(evaluation, nth & 1 ?
					  byte_cursor__signed(&evaluation->code, width) :
					  (int64_t)byte_cursor__unsigned(&evaluation->code, width));
}

static void operate(struct evaluation *evaluation, uint8_t operation)
{
	struct byte_cursor *code = &evaluation->code;
	uint64_t number;

	switch (operation) {
	case DW_OP_lit0 ... DW_OP_lit31:
		push_constant(evaluation, operation - DW_OP_lit0);
		break;
	case DW_OP_const1u ... DW_OP_const8s:
		push_fixed_constant(evaluation, operation);
		break;
	case DW_OP_constu:
		push_constant(evaluation, (int64_t)byte_cursor__uleb128(code));
		break;
	case DW_OP_consts:
		push_constant(evaluation, byte_cursor__sleb128(code));
		break;
	case DW_OP_breg0 ... DW_OP_breg31:
		push_register(evaluation, operation - DW_OP_breg0, byte_cursor__sleb128(code));
		break;
	case DW_OP_bregx:
		number = byte_cursor__uleb128(code);
		push_register(evaluation, number, byte_cursor__sleb128(code));
		break;
	case DW_OP_plus_uconst:
		push_sum(evaluation, pop(evaluation), (int64_t)byte_cursor__uleb128(code));
		break;
	case DW_OP_plus:
		add(evaluation);
		break;
	case DW_OP_minus:
		subtract(evaluation);
		break;
	case DW_OP_deref:
		dereference(evaluation);
		break;
	case DW_OP_nop:
		break;
	default:
		evaluation->failed = true;
	}
}

struct cfi_value cfi_expression__evaluate(const uint8_t *bytes, size_t nr_bytes,
					  const struct cfi_value *initial)
{
	struct evaluation evaluation = { .code = byte_cursor__over(bytes, nr_bytes) };
	struct cfi_value plt = { .kind = CFI_VALUE_PLT };

	if (machine__is_stub_expression(bytes, nr_bytes, &plt.offset))
		return plt;
	if (initial)
		push(&evaluation, *initial);
	for (int nr = 0; evaluation.code.at < evaluation.code.end && !evaluation.failed; nr++) {
		if (nr == OPERATIONS_MAX)
			evaluation.failed = true;
		else
			operate(&evaluation, byte_cursor__byte(&evaluation.code));
	}
	if (evaluation.failed || evaluation.code.failed || !evaluation.depth)
		return (struct cfi_value){ .kind = CFI_VALUE_UNKNOWN };
	return evaluation.stack[evaluation.depth - 1];
}
