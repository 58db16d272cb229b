// SPDX-License-Identifier: GPL-2.0
/*
 * Call frame instructions and expressions, one by one: the rule that each makes, and the result of
 * damaged ones.
 */
#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/cfi.h"
#include "failing_alloc.h"
#include "frame_bytes.h"

#define BEGIN 0x1000
#define BYTES 0x100
#define EMITTED_MAX 64

struct emitted {
	size_t nr;
	uint64_t address[EMITTED_MAX];
	struct unwind_rule rule[EMITTED_MAX];
};

static int keep(uint64_t address, const struct unwind_rule *rule, void *context)
{
	struct emitted *emitted = context;

	assert_true(emitted->nr < EMITTED_MAX);
	emitted->address[emitted->nr] = address;
	emitted->rule[emitted->nr++] = *rule;
	return 0;
}

static struct cfi *read_frames(const struct frame_bytes *frames)
{
	const struct cfi_section section = { .bytes = frames->bytes,
					     .nr_bytes = frames->nr,
					     .address = 0x8000 };
	struct cfi *cfi;

	assert_int_equal(cfi__read(&section, &cfi), 0);
	return cfi;
}

/* The rules of the only function. */
static void interpret(const struct frame_bytes *frames, struct emitted *emitted)
{
	struct cfi *cfi = read_frames(frames);
	const struct cfi_function *functions;
	size_t nr;

	memset(emitted, 0, sizeof(*emitted));
	functions = cfi__functions(cfi, &nr);
	assert_int_equal(nr, 1);
	assert_int_equal(cfi__interpret(cfi, functions, keep, emitted), 0);
	cfi__free(cfi);
}

static void run(const void *code, size_t code_bytes, struct emitted *emitted)
{
	struct frame_bytes frames;
	size_t cie;

	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	frame_bytes__fde(&frames, cie, BEGIN, BYTES, code, code_bytes);
	interpret(&frames, emitted);
	frame_bytes__end(&frames);
}

#define RUN(emitted, ...)                           \
	run((const unsigned char[]){ __VA_ARGS__ }, \
	    sizeof((const unsigned char[]){ __VA_ARGS__ }), emitted)

static void assert_rule(const struct emitted *emitted, size_t nth, uint64_t address,
			struct unwind_rule rule)
{
	const struct unwind_rule *got = &emitted->rule[nth];

	assert_true(nth < emitted->nr);
	assert_int_equal(emitted->address[nth], address);
	assert_int_equal(got->cfa, rule.cfa);
	assert_int_equal(got->cfa_offset, rule.cfa_offset);
	assert_int_equal(got->deref_offset, rule.deref_offset);
	assert_int_equal(got->rbp, rule.rbp);
	assert_int_equal(got->rbp_offset, rule.rbp_offset);
	assert_int_equal(got->pad, 0);
}

#define RULE(...) ((struct unwind_rule){ __VA_ARGS__ })
#define AT_ENTRY RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 8)
#define BAD RULE(.cfa = UNWIND_CFA_BAD)
#define END RULE(.cfa = UNWIND_CFA_END)

/* One rule, for the whole function. */
#define ASSERT_ONLY(wanted, ...)                      \
	do {                                          \
		struct emitted only;                  \
		RUN(&only, __VA_ARGS__);              \
		assert_int_equal(only.nr, 1);         \
		assert_rule(&only, 0, BEGIN, wanted); \
	} while (0)

static void test_a_usual_function(void **state)
{
	struct emitted emitted;

	(void)state;
	/* push %rbp; mov %rsp, %rbp; ...; leave; ret; and a second part after the return. */
	RUN(&emitted, DW_CFA_advance_loc + 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset + 6, 2,
	    DW_CFA_advance_loc + 3, DW_CFA_def_cfa_register, 6, DW_CFA_advance_loc1, 0x30,
	    DW_CFA_remember_state, DW_CFA_def_cfa, 7, 8, DW_CFA_advance_loc + 1,
	    DW_CFA_restore_state, DW_CFA_nop, DW_CFA_nop);
	assert_int_equal(emitted.nr, 5);
	assert_rule(&emitted, 0, BEGIN, AT_ENTRY);
	assert_rule(&emitted, 1, BEGIN + 1,
		    RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA,
			 .rbp_offset = -16));
	assert_rule(&emitted, 2, BEGIN + 4,
		    RULE(.cfa = UNWIND_CFA_RBP, .cfa_offset = 16, .rbp = UNWIND_RBP_AT_CFA,
			 .rbp_offset = -16));
	assert_rule(&emitted, 3, BEGIN + 0x34,
		    RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 8, .rbp = UNWIND_RBP_AT_CFA,
			 .rbp_offset = -16));
	assert_rule(&emitted, 4, BEGIN + 0x35, emitted.rule[2]);
}

static void test_every_advance(void **state)
{
	struct emitted emitted;

	(void)state;
	RUN(&emitted, DW_CFA_def_cfa_offset, 16, DW_CFA_advance_loc + 0x3f, /* no change: */
	    DW_CFA_def_cfa_offset, 16, DW_CFA_advance_loc1, 1, DW_CFA_def_cfa_offset, 24,
	    DW_CFA_advance_loc2, 2, 0, DW_CFA_def_cfa_offset, 32, DW_CFA_advance_loc4, 4, 0, 0, 0,
	    DW_CFA_def_cfa_offset, 40, DW_CFA_MIPS_advance_loc8, 8, 0, 0, 0, 0, 0, 0, 0,
	    DW_CFA_def_cfa_offset, 48, DW_CFA_set_loc, 0x80, 0x10, 0, 0, 0, 0, 0, 0,
	    DW_CFA_def_cfa_offset, 56);
	assert_int_equal(emitted.nr, 6);
	assert_int_equal(emitted.rule[0].cfa_offset, 16);
	assert_int_equal(emitted.address[1], BEGIN + 0x40);
	assert_int_equal(emitted.address[2], BEGIN + 0x42);
	assert_int_equal(emitted.address[3], BEGIN + 0x46);
	assert_int_equal(emitted.address[4], BEGIN + 0x4e);
	assert_int_equal(emitted.address[5], BEGIN + 0x80);
	assert_int_equal(emitted.rule[5].cfa_offset, 56);
}

static void test_what_lies_beyond_the_end_is_dropped(void **state)
{
	(void)state;
	ASSERT_ONLY(AT_ENTRY, DW_CFA_advance_loc2, 0, 1, DW_CFA_def_cfa_offset, 16);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_advance_loc4, 0xff, 0xff, 0xff, 0xff, DW_CFA_low_user);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_MIPS_advance_loc8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, DW_CFA_def_cfa_offset, 16);
}

static void test_every_way_to_define_the_cfa(void **state)
{
	(void)state;
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RBP, .cfa_offset = 300), DW_CFA_def_cfa, 6, 0xac, 2);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = -16), DW_CFA_def_cfa_sf, 7, 2);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 32), DW_CFA_def_cfa_offset_sf, 0x7c);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RBP, .cfa_offset = 8), DW_CFA_def_cfa_register, 6);
	/* Registers that the walk doesn't have, and numbers that the rule can't hold. */
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_register, 10);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_register, 0x86, 0x80, 0x80, 4);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = INT32_MAX), DW_CFA_def_cfa_offset,
		    0xff, 0xff, 0xff, 0xff, 7);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 8);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_offset, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 1);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_offset_sf, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		    0x80, 0x7f);
}

#define SAVED(how, offset)                                                    \
	RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 8, .rbp = UNWIND_RBP_##how, \
	     .rbp_offset = (offset))

static void test_every_way_to_save_rbp(void **state)
{
	(void)state;
	ASSERT_ONLY(SAVED(AT_CFA, -24), DW_CFA_offset + 6, 3);
	ASSERT_ONLY(SAVED(AT_CFA, -24), DW_CFA_offset_extended, 6, 3);
	ASSERT_ONLY(SAVED(AT_CFA, 16), DW_CFA_offset_extended_sf, 6, 0x7e);
	ASSERT_ONLY(SAVED(AT_CFA, 16), DW_CFA_GNU_negative_offset_extended, 6, 2);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_undefined, 6);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_offset + 6, 3, DW_CFA_same_value, 6);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_offset + 6, 3, DW_CFA_restore + 6);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_offset + 6, 3, DW_CFA_restore_extended, 6);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_register, 6, 6);
	/* Instructions that the rules can't follow. */
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_register, 6, 0);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_val_offset, 6, 2);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_val_offset_sf, 6, 2);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_val_expression, 6, 2, DW_OP_breg7, 8);
	ASSERT_ONLY(SAVED(AT_CFA, -32768), DW_CFA_offset + 6, 0x80, 0x20);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_offset + 6, 0x81, 0x20);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_offset + 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff, 1);
	/* Rules for other registers are skipped. */
	ASSERT_ONLY(AT_ENTRY, DW_CFA_offset + 3, 3, DW_CFA_undefined, 0x80, 1, DW_CFA_restore + 3,
		    DW_CFA_expression, 12, 1, 0xff, DW_CFA_val_expression, 12, 0,
		    DW_CFA_GNU_args_size, 0x90, 1, DW_CFA_val_offset, 3, 1);
}

static void test_rbp_by_expression(void **state)
{
	(void)state;
	ASSERT_ONLY(SAVED(AT_RBP, -16), DW_CFA_expression, 6, 2, DW_OP_breg6, 0x70);
	/* rsp + 16 is cfa + 8 here; and the cfa is on the stack already. */
	ASSERT_ONLY(SAVED(AT_CFA, 8), DW_CFA_expression, 6, 2, DW_OP_breg7, 16);
	ASSERT_ONLY(SAVED(AT_CFA, -16), DW_CFA_expression, 6, 2, DW_OP_lit16, DW_OP_minus);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_expression, 6, 2, DW_OP_breg3, 16);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_expression, 6, 3, DW_OP_breg7, 16, DW_OP_deref);
	ASSERT_ONLY(SAVED(UNDEFINED, 0), DW_CFA_expression, 6, 1, DW_OP_swap);
}

static void test_cfa_by_expression(void **state)
{
	(void)state;
	/* DRAP, as gcc realigns a stack. */
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RBP_DEREF, .deref_offset = -8, .rbp = UNWIND_RBP_AT_RBP),
		    DW_CFA_expression, 6, 2, DW_OP_breg6, 0, DW_CFA_def_cfa_expression, 3,
		    DW_OP_breg6, 0x78, DW_OP_deref);
	/* As OpenSSL's assembly code keeps its caller's stack pointer. */
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP_DEREF, .deref_offset = 104, .cfa_offset = 8),
		    DW_CFA_def_cfa_expression, 6, DW_OP_breg7, 0xe8, 0, DW_OP_deref,
		    DW_OP_plus_uconst, 8);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 24), DW_CFA_def_cfa_expression, 5,
		    DW_OP_lit8, DW_OP_breg7, 16, DW_OP_plus, DW_OP_nop);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RBP, .cfa_offset = 0x110), DW_CFA_def_cfa_expression, 7,
		    DW_OP_bregx, 6, 16, DW_OP_const2u, 0, 1, DW_OP_plus);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 1), DW_CFA_def_cfa_expression, 6,
		    DW_OP_breg7, 0, DW_OP_const1s, 0xff, DW_OP_minus, DW_OP_nop);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = -2), DW_CFA_def_cfa_expression, 5,
		    DW_OP_breg7, 0, DW_OP_consts, 0x7e, DW_OP_plus);
}

static void test_the_stubs_of_lazy_binding(void **state)
{
	(void)state;
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_PLT, .cfa_offset = 11), DW_CFA_def_cfa_expression, 11,
		    DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		    DW_OP_lit3, DW_OP_shl, DW_OP_plus);
	ASSERT_ONLY(RULE(.cfa = UNWIND_CFA_PLT, .cfa_offset = 9), DW_CFA_def_cfa_expression, 11,
		    DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit9, DW_OP_ge,
		    DW_OP_lit3, DW_OP_shl, DW_OP_plus);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8, DW_OP_breg16, 0,
		    DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge, DW_OP_lit4, DW_OP_shl,
		    DW_OP_plus);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 16, DW_OP_breg16, 0,
		    DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge, DW_OP_lit3, DW_OP_shl,
		    DW_OP_plus);
}

static void test_expressions_that_no_rule_has(void **state)
{
	unsigned char code[] = { DW_CFA_def_cfa_expression, 0, [2 ... 99] = DW_OP_nop };
	struct emitted emitted;

	(void)state;
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 0);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 1, DW_OP_lit8);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 1, DW_OP_deref);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 1, DW_OP_plus);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 1, DW_OP_breg7); /* its number is missing */
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 2, DW_OP_breg3, 8);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 8, DW_OP_deref, DW_OP_deref);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 5, DW_OP_breg7, 8, DW_OP_breg9, 8, DW_OP_plus);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 4, DW_OP_breg7, 8, DW_OP_lit8, DW_OP_mul);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 5, DW_OP_breg7, 0x80, 0x80, 2, DW_OP_deref);
	/* Sums that overflow. */
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 13, DW_OP_breg7, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff, 0xff, 0, DW_OP_plus_uconst, 1);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 12, DW_OP_breg7, 0, DW_OP_const8s, 0, 0, 0, 0,
		    0, 0, 0, 0x80, DW_OP_minus);
	/* Too deep, and too long. */
	code[1] = 10;
	memcpy(code + 2, (const unsigned char[]){ DW_OP_breg7, 8 }, 2);
	memset(code + 4, DW_OP_lit1, 4);
	memset(code + 8, DW_OP_plus, 4);
	run(code, 12, &emitted);
	assert_int_equal(emitted.rule[0].cfa, UNWIND_CFA_BAD);
	code[1] = 13;
	memset(code + 2, DW_OP_nop, 13);
	memcpy(code + 2, (const unsigned char[]){ DW_OP_breg7, 8 }, 2);
	run(code, 15, &emitted);
	assert_int_equal(emitted.rule[0].cfa, UNWIND_CFA_RSP);
	code[1] = 14;
	code[15] = DW_OP_nop;
	run(code, 16, &emitted);
	assert_int_equal(emitted.rule[0].cfa, UNWIND_CFA_BAD);
}

static void test_where_the_return_address_is(void **state)
{
	(void)state;
	ASSERT_ONLY(END, DW_CFA_undefined, 16);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_expression, 16, 2, DW_OP_breg7, 0);
	ASSERT_ONLY(BAD, DW_CFA_expression, 16, 2, DW_OP_breg7, 8);
	ASSERT_ONLY(BAD, DW_CFA_offset + 16, 2);
	ASSERT_ONLY(BAD, DW_CFA_same_value, 16);
	ASSERT_ONLY(BAD, DW_CFA_register, 16, 11);
	/* The stack pointer, too, can be somewhere else than the cfa. */
	ASSERT_ONLY(AT_ENTRY, DW_CFA_val_offset, 7, 0);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_val_expression, 7, 2, DW_OP_breg7, 8);
	ASSERT_ONLY(BAD, DW_CFA_val_offset, 7, 1);
	ASSERT_ONLY(BAD, DW_CFA_val_expression, 7, 2, DW_OP_breg7, 16);
	ASSERT_ONLY(BAD, DW_CFA_offset + 7, 1);
	ASSERT_ONLY(BAD, DW_CFA_undefined, 7);
}

static void test_damaged_instructions(void **state)
{
	struct emitted emitted;

	(void)state;
	/* Rules from before the damage hold. */
	RUN(&emitted, DW_CFA_advance_loc + 4, DW_CFA_def_cfa_offset, 16, DW_CFA_advance_loc + 4,
	    DW_CFA_high_user);
	assert_int_equal(emitted.nr, 3);
	assert_rule(&emitted, 1, BEGIN + 4, RULE(.cfa = UNWIND_CFA_RSP, .cfa_offset = 16));
	assert_rule(&emitted, 2, BEGIN + 8, BAD);
	/* Unknown ones. */
	for (unsigned char code = 0x17; code < 0x40; code++)
		if (code != DW_CFA_MIPS_advance_loc8 && code != DW_CFA_GNU_args_size &&
		    code != DW_CFA_GNU_negative_offset_extended)
			ASSERT_ONLY(BAD, code, 0, 0, 0);
	/* Cut off. */
	ASSERT_ONLY(BAD, DW_CFA_advance_loc1);
	ASSERT_ONLY(BAD, DW_CFA_advance_loc2, 1);
	ASSERT_ONLY(BAD, DW_CFA_advance_loc4, 1, 0, 0);
	ASSERT_ONLY(BAD, DW_CFA_set_loc, 1, 0, 0);
	ASSERT_ONLY(BAD, DW_CFA_offset + 6);
	ASSERT_ONLY(BAD, DW_CFA_offset + 6, 0x80);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa, 7);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 5, DW_OP_breg7, 8);
	ASSERT_ONLY(BAD, DW_CFA_expression, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    1);
	/* Numbers of more than 64 bits, or of more than ten bytes. */
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		    0x80, 2);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_offset, 0x88, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		    0x80, 0x80, 0);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_offset_sf, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		    0x80, 1);
	/* Backwards. */
	ASSERT_ONLY(BAD, DW_CFA_set_loc, 0xff, 0x0f, 0, 0, 0, 0, 0, 0);
	/* Half a definition of a cfa is none. */
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 2, DW_OP_breg7, 8, DW_CFA_def_cfa_offset, 8);
	ASSERT_ONLY(BAD, DW_CFA_def_cfa_expression, 2, DW_OP_breg7, 8, DW_CFA_def_cfa_register, 7);
}

static void test_remembered_states(void **state)
{
	unsigned char code[200];
	struct emitted emitted;
	size_t nr;

	(void)state;
	ASSERT_ONLY(BAD, DW_CFA_restore_state);
	ASSERT_ONLY(AT_ENTRY, DW_CFA_remember_state, DW_CFA_def_cfa, 6, 16, DW_CFA_offset + 6, 2,
		    DW_CFA_undefined, 16, DW_CFA_restore_state);
	for (nr = 0; nr < 16; nr++)
		code[nr] = DW_CFA_remember_state;
	run(code, nr, &emitted);
	assert_rule(&emitted, 0, BEGIN, AT_ENTRY);
	code[nr++] = DW_CFA_remember_state;
	run(code, nr, &emitted);
	assert_rule(&emitted, 0, BEGIN, BAD);
}

/*
 * As the CFI of glibc's __restore_rt describes the kernel's struct rt_sigframe of x86-64: rbp lies
 * at rsp + 120, rsp at 160 and rip at 168.
 */
static void put_signal(struct frame_bytes *frames, const char *augmentation, unsigned char rsp)
{
	const unsigned char code[] = {
		DW_CFA_def_cfa_expression, 4,  DW_OP_breg7, 0xa0,	 1,    DW_OP_deref,
		DW_CFA_expression,	   6,  3,	    DW_OP_breg7, 0xf8, 0,
		DW_CFA_expression,	   7,  3,	    DW_OP_breg7, rsp,  1,
		DW_CFA_expression,	   16, 3,	    DW_OP_breg7, 0xa8, 1,
	};
	size_t cie = frame_bytes__cie_of(frames, augmentation, NULL, 0, NULL, 0);
	size_t record = frame_bytes__open(frames);

	frame_bytes__number(frames, frames->nr - cie, 4);
	frame_bytes__number(frames, BEGIN, 8);
	frame_bytes__number(frames, BYTES, 8);
	if (augmentation[0])
		frame_bytes__number(frames, 0, 1);
	frame_bytes__put(frames, code, sizeof(code));
	frame_bytes__close(frames, record);
}

static void test_signal_frames(void **state)
{
	struct frame_bytes frames;
	struct emitted emitted;

	(void)state;
	frame_bytes__begin(&frames);
	put_signal(&frames, "zS", 0xa0);
	interpret(&frames, &emitted);
	assert_int_equal(emitted.nr, 1);
	assert_rule(&emitted, 0, BEGIN,
		    RULE(.cfa = UNWIND_CFA_SIGNAL, .cfa_offset = 160, .deref_offset = 168,
			 .rbp_offset = 120));
	/* Another place for rsp than the cfa's. */
	frames.nr = 0;
	put_signal(&frames, "zS", 0xb0);
	interpret(&frames, &emitted);
	assert_rule(&emitted, 0, BEGIN, BAD);
	/* Not marked as a signal frame. */
	frames.nr = 0;
	put_signal(&frames, "", 0xa0);
	interpret(&frames, &emitted);
	assert_rule(&emitted, 0, BEGIN, BAD);
	frame_bytes__end(&frames);
}

static int stop(uint64_t address, const struct unwind_rule *rule, void *context)
{
	(void)address;
	(void)rule;
	return ++*(int *)context == 2 ? -E2BIG : 0;
}

static void test_the_caller_can_stop(void **state)
{
	const unsigned char code[] = { DW_CFA_advance_loc + 1, DW_CFA_def_cfa_offset, 16,
				       DW_CFA_advance_loc + 1, DW_CFA_def_cfa_offset, 24,
				       DW_CFA_advance_loc + 1 };
	struct frame_bytes frames;
	struct cfi *cfi;
	int nr_calls = 0;
	size_t cie, nr;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	frame_bytes__fde(&frames, cie, BEGIN, BYTES, code, sizeof(code));
	cfi = read_frames(&frames);
	assert_int_equal(cfi__interpret(cfi, cfi__functions(cfi, &nr), stop, &nr_calls), -E2BIG);
	assert_int_equal(nr_calls, 2);
	cfi__free(cfi);
	frame_bytes__end(&frames);
}

static void test_no_memory(void **state)
{
	struct cfi_section section = { 0 };
	struct frame_bytes frames;
	struct cfi *cfi;

	(void)state;
	frame_bytes__begin(&frames);
	frame_bytes__fde(&frames, frame_bytes__cie(&frames), BEGIN, BYTES, NULL, 0);
	section.bytes = frames.bytes;
	section.nr_bytes = frames.nr;
	for (long nr = 0; nr < 3; nr++) {
		failing_alloc__after(nr);
		assert_int_equal(cfi__read(&section, &cfi), -ENOMEM);
		failing_alloc__never();
		assert_null(cfi);
	}
	section.nr_bytes = CFI_SECTION_BYTES_MAX + 1;
	assert_int_equal(cfi__read(&section, &cfi), -E2BIG);
	cfi__free(NULL);
	frame_bytes__end(&frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_usual_function),
		cmocka_unit_test(test_every_advance),
		cmocka_unit_test(test_what_lies_beyond_the_end_is_dropped),
		cmocka_unit_test(test_every_way_to_define_the_cfa),
		cmocka_unit_test(test_every_way_to_save_rbp),
		cmocka_unit_test(test_rbp_by_expression),
		cmocka_unit_test(test_cfa_by_expression),
		cmocka_unit_test(test_the_stubs_of_lazy_binding),
		cmocka_unit_test(test_expressions_that_no_rule_has),
		cmocka_unit_test(test_where_the_return_address_is),
		cmocka_unit_test(test_damaged_instructions),
		cmocka_unit_test(test_remembered_states),
		cmocka_unit_test(test_signal_frames),
		cmocka_unit_test(test_the_caller_can_stop),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
