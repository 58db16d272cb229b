// SPDX-License-Identifier: GPL-2.0
/* Which bytes and numbers of x86-64 mean something to unwinding, and that their neighbours don't. */
#include <dwarf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/machine.h"

#define ENDBR64 "\xf3\x0f\x1e\xfa"

/* By the System V ABI, AMD64 supplement: a call pushes 8 bytes, above which is the CFA. */
static void test_files_and_frames(void **state)
{
	(void)state;
	assert_int_equal(machine.elf_number, 62);
	assert_int_equal(machine.unwind_section, 0x70000001);
	assert_int_equal(machine.return_address_offset, -8);
}

static void test_registers(void **state)
{
	(void)state;
	for (uint64_t number = 0; number < 70000; number++) {
		enum machine_register expected = number == 6  ? MACHINE_FRAME_POINTER :
						 number == 7  ? MACHINE_STACK_POINTER :
						 number == 16 ? MACHINE_RETURN_ADDRESS :
								MACHINE_OTHER_REGISTER;

		assert_int_equal(machine__register(number), expected);
		/* No number is cut to fewer bits. */
		assert_int_equal(machine__register(number | 1ull << 32), MACHINE_OTHER_REGISTER);
	}
}

static void test_where_a_process_begins(void **state)
{
	static const struct {
		const char *code;
		size_t nr_bytes;
	} forms[] = {
		{ "\x31\xed", 2 },     { ENDBR64 "\x31\xed", 6 },
		{ "\x48\x31\xed", 3 }, { ENDBR64 "\x48\x31\xed", 7 },
		{ "\x48\x89\xe7", 3 }, { ENDBR64 "\x48\x89\xe7", 7 },
	};
	unsigned char code[MACHINE_ENTRY_CODE_BYTES] = { 0 };

	(void)state;
	assert_false(machine__begins_process(code));
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memset(code, 0xcc, sizeof(code));
		memcpy(code, forms[i].code, forms[i].nr_bytes);
		assert_true(machine__begins_process(code));
		for (size_t at = 0; at < forms[i].nr_bytes; at++) {
			code[at] ^= 1;
			assert_false(machine__begins_process(code));
			code[at] ^= 1;
		}
	}
	memcpy(code, ENDBR64 ENDBR64, sizeof(code));
	assert_false(machine__begins_process(code));
}

static void test_sections_of_stubs(void **state)
{
	static const char *const others[] = { ".plt.sec", ".plt.got", ".plt.bnd" };
	static const char *const none[] = { "", ".text", ".pl", ".plt.", ".plt.se", ".got.plt" };
	bool lazy = false;

	(void)state;
	assert_true(machine__holds_stubs(".plt", &lazy));
	assert_true(lazy);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		lazy = true;
		assert_true(machine__holds_stubs(others[i], &lazy));
		assert_false(lazy);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_false(machine__holds_stubs(none[i], &lazy));
}

static void assert_rule(const struct machine_stub_rule *rule, uint64_t offset, enum unwind_cfa cfa,
			int32_t cfa_offset)
{
	const struct unwind_rule expected = { .cfa = (__u8)cfa, .cfa_offset = cfa_offset };

	assert_int_equal(rule->offset, offset);
	assert_memory_equal(&rule->rule, &expected, sizeof(expected));
}

static void assert_last_rule(const unsigned char *code, int32_t n)
{
	struct machine_stub_rule rules[MACHINE_STUB_RULES_MAX];

	assert_int_equal(machine__stub_rules(code, 48, true, rules), 3);
	assert_rule(&rules[0], 0, UNWIND_CFA_RSP, 16);
	assert_rule(&rules[1], 6, UNWIND_CFA_RSP, 24);
	assert_rule(&rules[2], 16, UNWIND_CFA_PLT, n);
}

static void test_stubs_of_lazy_binding(void **state)
{
	static const struct {
		const char *code;
		size_t nr_bytes;
		size_t push_at; /* index of the push's first byte */
	} forms[] = {
		{ "\xff\x25\1\2\3\4\x68\0\0\0\0\xe9", 12, 6 },
		{ ENDBR64 "\x68\0\0\0\0\xe9", 10, 4 },
		{ "\x68\0\0\0\0\xf2\xe9", 7, 0 },
	};
	unsigned char code[MACHINE_STUBS_CODE_BYTES] = { 0 };

	(void)state;
	assert_last_rule(code, 16);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		unsigned char *second = code + 16;

		memset(code, 0, sizeof(code));
		/* The first stub has another form, which says nothing. */
		memcpy(code, forms[0].code, forms[0].nr_bytes);
		memcpy(second, forms[i].code, forms[i].nr_bytes);
		assert_last_rule(code, (int32_t)forms[i].push_at + 5);
		second[0] ^= 1;
		assert_last_rule(code, 16);
		second[0] ^= 1;
		second[forms[i].push_at] ^= 1;
		assert_last_rule(code, 16);
	}
	/* mold's: it pushes nothing. */
	memcpy(code + 16, ENDBR64 "\x41\xbb\0\0\0\0", 10);
	assert_last_rule(code, 16);
}

static void test_no_rule_lies_beyond_the_section(void **state)
{
	const unsigned char code[MACHINE_STUBS_CODE_BYTES] = { 0 };
	struct machine_stub_rule rules[MACHINE_STUB_RULES_MAX];

	(void)state;
	assert_int_equal(machine__stub_rules(code, 48, false, rules), 1);
	assert_rule(&rules[0], 0, UNWIND_CFA_RSP, 8);
	/* Too short for a first stub: of the other kind. */
	assert_int_equal(machine__stub_rules(code, 15, true, rules), 1);
	assert_rule(&rules[0], 0, UNWIND_CFA_RSP, 8);
	assert_int_equal(machine__stub_rules(code, 16, true, rules), 2);
	assert_rule(&rules[1], 6, UNWIND_CFA_RSP, 24);
	assert_int_equal(machine__stub_rules(code, 17, true, rules), 3);
}

static void test_the_expression_of_stubs(void **state)
{
	uint8_t form[] = {
		DW_OP_breg7, 8,	       DW_OP_breg16, 0,		DW_OP_lit15, DW_OP_and,
		DW_OP_lit0,  DW_OP_ge, DW_OP_lit3,   DW_OP_shl, DW_OP_plus,  DW_OP_nop,
	};
	const size_t nr = sizeof(form) - 1, at_n = 6;
	int64_t n;

	(void)state;
	for (uint8_t expected = 0; expected < 16; expected++) {
		form[at_n] = (uint8_t)(DW_OP_lit0 + expected);
		assert_true(machine__is_stub_expression(form, nr, &n));
		assert_int_equal(n, expected);
	}
	assert_false(machine__is_stub_expression(form, nr + 1, &n));
	assert_false(machine__is_stub_expression(form, nr - 1, &n));
	for (size_t at = 0; at < nr; at++) {
		form[at] ^= 0x40; /* makes no DW_OP_lit of N */
		assert_false(machine__is_stub_expression(form, nr, &n));
		form[at] ^= 0x40;
	}
	form[at_n] = DW_OP_lit16;
	assert_false(machine__is_stub_expression(form, nr, &n));
	form[at_n] = DW_OP_lit0 - 1;
	assert_false(machine__is_stub_expression(form, nr, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_and_frames),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_where_a_process_begins),
		cmocka_unit_test(test_sections_of_stubs),
		cmocka_unit_test(test_stubs_of_lazy_binding),
		cmocka_unit_test(test_no_rule_lies_beyond_the_section),
		cmocka_unit_test(test_the_expression_of_stubs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
