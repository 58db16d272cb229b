// SPDX-License-Identifier: GPL-2.0
/*
 * Runs call frame instructions (DWARF 5, sections 6.4.2 and 7.24, and those of GNU). Only the
 * registers that a walk follows are kept; others are read and ignored. Each instruction runs once,
 * and none can make the program go back.
 */
#include <dwarf.h>

#include "unwind/cfi_state.h"

/* Remembered states; compilers nest two at most. */
#define REMEMBERED_MAX 16

struct program {
	const struct cfi_entry *entry;
	const struct pointer_bases *bases; /* NULL: the instructions of an entry */
	struct byte_cursor code;
	struct cfi_state state;
	struct cfi_state remembered[REMEMBERED_MAX];
	size_t nr_remembered;
	uint64_t location;
	uint64_t end;
	struct cfi_state emitted_state;
	struct unwind_rule emitted;
	bool has_emitted;
	cfi_emit emit;
	void *context;
	int result;
};

static void emit_rule(struct program *program, struct unwind_rule rule)
{
	if (program->has_emitted && !memcmp(&rule, &program->emitted, sizeof(rule)))
		return;
	program->emitted = rule;
	program->has_emitted = true;
	program->result = program->emit(program->location, &rule, program->context);
}

/*
 * An unchanged state makes no rule again: hostile instructions can be many, and each could have a
 * long expression evaluated.
 */
static void emit_state(struct program *program)
{
	if (program->has_emitted &&
	    !memcmp(&program->state, &program->emitted_state, sizeof(program->state)))
		return;
	program->emitted_state = program->state;
	emit_rule(program, cfi_rule__make(&program->state, program->entry->signal));
}

static void fail(struct program *program)
{
	byte_cursor__fail(&program->code);
}

/* The state so far holds from the current location up to the next one. */
static void move_to(struct program *program, uint64_t location)
{
	if (!program->bases || location < program->location) {
		fail(program);
		return;
	}
	if (location == program->location)
		return;
	emit_state(program);
	program->location = location;
}

static void advance(struct program *program, uint64_t units)
{
	uint64_t bytes, location;

	if (program->code.failed)
		return;
	if (__builtin_mul_overflow(units, program->entry->code_factor, &bytes) ||
	    __builtin_add_overflow(program->location, bytes, &location))
		location = UINT64_MAX;
	move_to(program, location);
}

static struct cfi_location *slot(struct cfi_state *state, enum machine_register number)
{
	switch (number) {
	case MACHINE_FRAME_POINTER:
		return &state->frame_pointer;
	case MACHINE_STACK_POINTER:
		return &state->stack_pointer;
	case MACHINE_RETURN_ADDRESS:
		return &state->return_address;
	case MACHINE_OTHER_REGISTER:
		break;
	}
	return NULL;
}

static void set(struct program *program, enum machine_register number, struct cfi_location location)
{
	struct cfi_location *to = slot(&program->state, number);

	if (to)
		*to = location;
}

static void set_where(struct program *program, enum machine_register number, enum cfi_where where)
{
	set(program, number, (struct cfi_location){ .where = (uint16_t)where });
}

static void restore_register(struct program *program, enum machine_register number)
{
	struct cfi_state initial = program->entry->initial;
	const struct cfi_location *from = slot(&initial, number);

	if (!program->bases) /* an entry's own instructions: no initial state yet */
		fail(program);
	else if (from)
		set(program, number, *from);
}

/* An overflow gives INT64_MIN, which no rule can hold. */
static int64_t factored(const struct program *program, int64_t factor)
{
	int64_t product;

	return __builtin_mul_overflow(factor, program->entry->data_factor, &product) ? INT64_MIN :
										       product;
}

static int64_t read_unsigned_offset(struct program *program)
{
	uint64_t number = byte_cursor__uleb128(&program->code);

	return number <= INT64_MAX ? (int64_t)number : INT64_MIN;
}

static enum machine_register read_register(struct program *program)
{
	return machine__register(byte_cursor__uleb128(&program->code));
}

static void set_offset(struct program *program, enum machine_register number, enum cfi_where where,
		       int64_t factor)
{
	set(program, number,
	    (struct cfi_location){ .where = (uint16_t)where, .offset = factored(program, factor) });
}

static struct cfi_location read_expression(struct program *program, enum cfi_where where)
{
	uint64_t bytes = byte_cursor__uleb128(&program->code);
	const uint8_t *expression = byte_cursor__take(&program->code, bytes);

	return (struct cfi_location){
		.where = (uint16_t)where,
		.expression_bytes = expression ? (uint32_t)bytes : 0,
		.expression = expression,
	};
}

static struct cfi_location in_register(enum machine_register number, int64_t offset)
{
	return (struct cfi_location){
		.where = CFI_IN_REGISTER,
		.number = (uint16_t)number,
		.offset = offset,
	};
}

static void do_nop(struct program *program)
{
	(void)program;
}

static void do_set_loc(struct program *program)
{
	uint64_t location;

	if (!program->bases) {
		fail(program);
		return;
	}
	location = encoded_pointer__read(&program->code, program->entry->pointer_encoding,
					 program->bases);
	if (!program->code.failed)
		move_to(program, location);
}

static void do_advance_loc1(struct program *program)
{
	advance(program, byte_cursor__unsigned(&program->code, 1));
}

static void do_advance_loc2(struct program *program)
{
	advance(program, byte_cursor__unsigned(&program->code, 2));
}

static void do_advance_loc4(struct program *program)
{
	advance(program, byte_cursor__unsigned(&program->code, 4));
}

static void do_advance_loc8(struct program *program)
{
	advance(program, byte_cursor__unsigned(&program->code, 8));
}

static void do_offset_extended(struct program *program)
{
	enum machine_register number = read_register(program);

	set_offset(program, number, CFI_AT_OFFSET, read_unsigned_offset(program));
}

static void do_offset_extended_sf(struct program *program)
{
	enum machine_register number = read_register(program);

	set_offset(program, number, CFI_AT_OFFSET, byte_cursor__sleb128(&program->code));
}

static void do_negative_offset_extended(struct program *program)
{
	enum machine_register number = read_register(program);
	int64_t factor = read_unsigned_offset(program);

	set_offset(program, number, CFI_AT_OFFSET, factor == INT64_MIN ? factor : -factor);
}

static void do_val_offset(struct program *program)
{
	enum machine_register number = read_register(program);

	set_offset(program, number, CFI_IS_OFFSET, read_unsigned_offset(program));
}

static void do_val_offset_sf(struct program *program)
{
	enum machine_register number = read_register(program);

	set_offset(program, number, CFI_IS_OFFSET, byte_cursor__sleb128(&program->code));
}

static void do_restore_extended(struct program *program)
{
	restore_register(program, read_register(program));
}

static void do_undefined(struct program *program)
{
	set_where(program, read_register(program), CFI_UNDEFINED);
}

static void do_same_value(struct program *program)
{
	set_where(program, read_register(program), CFI_SAME_VALUE);
}

static void do_register(struct program *program)
{
	enum machine_register number = read_register(program);

	set(program, number, in_register(read_register(program), 0));
}

static void do_expression(struct program *program)
{
	enum machine_register number = read_register(program);

	set(program, number, read_expression(program, CFI_AT_EXPRESSION));
}

static void do_val_expression(struct program *program)
{
	enum machine_register number = read_register(program);

	set(program, number, read_expression(program, CFI_IS_EXPRESSION));
}

static void do_remember_state(struct program *program)
{
	if (program->nr_remembered == REMEMBERED_MAX)
		fail(program);
	else
		program->remembered[program->nr_remembered++] = program->state;
}

static void do_restore_state(struct program *program)
{
	if (!program->nr_remembered)
		fail(program);
	else
		program->state = program->remembered[--program->nr_remembered];
}

static void do_def_cfa(struct program *program)
{
	enum machine_register number = read_register(program);

	program->state.cfa = in_register(number, read_unsigned_offset(program));
}

static void do_def_cfa_sf(struct program *program)
{
	enum machine_register number = read_register(program);
	int64_t offset = factored(program, byte_cursor__sleb128(&program->code));

	program->state.cfa = in_register(number, offset);
}

/*
 * This and set_cfa_offset change one half of the cfa, which must already be a register and an
 * offset, not an expression.
 */
static void do_def_cfa_register(struct program *program)
{
	enum machine_register number = read_register(program);

	if (program->state.cfa.where != CFI_IN_REGISTER)
		fail(program);
	else
		program->state.cfa = in_register(number, program->state.cfa.offset);
}

static void set_cfa_offset(struct program *program, int64_t offset)
{
	if (program->state.cfa.where != CFI_IN_REGISTER)
		fail(program);
	else
		program->state.cfa.offset = offset;
}

static void do_def_cfa_offset(struct program *program)
{
	set_cfa_offset(program, read_unsigned_offset(program));
}

static void do_def_cfa_offset_sf(struct program *program)
{
	set_cfa_offset(program, factored(program, byte_cursor__sleb128(&program->code)));
}

static void do_def_cfa_expression(struct program *program)
{
	program->state.cfa = read_expression(program, CFI_IS_EXPRESSION);
}

/* How much the callers of a function pushed for it: of use to C++ exceptions only. */
static void do_args_size(struct program *program)
{
	byte_cursor__uleb128(&program->code);
}

/*
 * Those whose operands are all in what follows. 0x2d is left out: it is another machine's,
 * DW_CFA_GNU_window_save of SPARC and DW_CFA_AARCH64_negate_ra_state of aarch64.
 */
static void (*const instructions[])(struct program *program) = {
	[DW_CFA_nop] = do_nop,
	[DW_CFA_set_loc] = do_set_loc,
	[DW_CFA_advance_loc1] = do_advance_loc1,
	[DW_CFA_advance_loc2] = do_advance_loc2,
	[DW_CFA_advance_loc4] = do_advance_loc4,
	[DW_CFA_offset_extended] = do_offset_extended,
	[DW_CFA_restore_extended] = do_restore_extended,
	[DW_CFA_undefined] = do_undefined,
	[DW_CFA_same_value] = do_same_value,
	[DW_CFA_register] = do_register,
	[DW_CFA_remember_state] = do_remember_state,
	[DW_CFA_restore_state] = do_restore_state,
	[DW_CFA_def_cfa] = do_def_cfa,
	[DW_CFA_def_cfa_register] = do_def_cfa_register,
	[DW_CFA_def_cfa_offset] = do_def_cfa_offset,
	[DW_CFA_def_cfa_expression] = do_def_cfa_expression,
	[DW_CFA_expression] = do_expression,
	[DW_CFA_offset_extended_sf] = do_offset_extended_sf,
	[DW_CFA_def_cfa_sf] = do_def_cfa_sf,
	[DW_CFA_def_cfa_offset_sf] = do_def_cfa_offset_sf,
	[DW_CFA_val_offset] = do_val_offset,
	[DW_CFA_val_offset_sf] = do_val_offset_sf,
	[DW_CFA_val_expression] = do_val_expression,
	[DW_CFA_MIPS_advance_loc8] = do_advance_loc8,
	[DW_CFA_GNU_args_size] = do_args_size,
	[DW_CFA_GNU_negative_offset_extended] = do_negative_offset_extended,
	[DW_CFA_high_user] = NULL,
};

static void step(struct program *program)
{
	uint8_t code = byte_cursor__byte(&program->code);
	uint8_t operand = code & 0x3f;

	switch (code & 0xc0) {
	case DW_CFA_advance_loc:
		advance(program, operand);
		break;
	case DW_CFA_offset:
		set_offset(program, machine__register(operand), CFI_AT_OFFSET,
			   read_unsigned_offset(program));
		break;
	case DW_CFA_restore:
		restore_register(program, machine__register(operand));
		break;
	default:
		if (instructions[operand])
			instructions[operand](program);
		else
			fail(program);
	}
}

static void run(struct program *program)
{
	while (program->code.at < program->code.end && !program->result &&
	       program->location < program->end)
		step(program);
}

bool cfi_program__initialize(struct cfi_entry *entry, struct byte_cursor code)
{
	struct program program = { .entry = entry, .code = code, .end = UINT64_MAX };

	run(&program);
	entry->initial = program.state;
	return !program.code.failed;
}

int cfi_program__run(const struct cfi_entry *entry, struct byte_cursor code,
		     const struct pointer_bases *bases, uint64_t end, cfi_emit emit, void *context)
{
	struct program program = {
		.entry = entry,
		.bases = bases,
		.code = code,
		.state = entry->initial,
		.location = bases->function,
		.end = end,
		.emit = emit,
		.context = context,
	};

	if (entry->usable)
		run(&program);
	if (program.result || program.location >= end)
		return program.result;
	if (entry->usable && !program.code.failed)
		emit_state(&program);
	else
		emit_rule(&program, (struct unwind_rule){ .cfa = UNWIND_CFA_BAD });
	return program.result;
}
