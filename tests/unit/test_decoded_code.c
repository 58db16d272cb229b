// SPDX-License-Identifier: GPL-2.0
/* What instructions refer to: code made for each rule, and hostile code. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/decoded_code.h"

#define ADDRESS 0x401000
#define CODE(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1

struct facts {
	char text[256];
};

static int note(enum code_fact fact, uint64_t address, void *context)
{
	static const char *const words[] = {
		[CODE_CALLS] = "call",
		[CODE_JUMPS] = "jump",
		[CODE_REFERS] = "refer",
		[CODE_MULTIPLIES] = "multiply",
	};
	struct facts *facts = context;
	size_t length = strlen(facts->text);

	snprintf(facts->text + length, sizeof(facts->text) - length, "%s %lx;", words[fact],
		 address);
	return 0;
}

static void assert_facts(const uint8_t *bytes, size_t nr_bytes, bool fixed, int expected,
			 const char *text)
{
	const struct code_bytes code = { bytes, nr_bytes, ADDRESS, fixed };
	struct facts facts = { "" };

	assert_int_equal(decoded_code__each(&code, note, &facts), expected);
	assert_string_equal(facts.text, text);
}

static void test_facts(void **state)
{
	(void)state;
	assert_facts(CODE("\xe8\x10\x00\x00\x00\x74\xf9\xc3"), true, 0, "call 401015;jump 401000;");
	assert_facts(CODE("\xe9\xfb\xff\xff\xff\x0f\x84\x00\x01\x00\x00"), true, 0,
		     "jump 401000;jump 40110b;");
	/* lea of RIP + 9, and others that are not relative to RIP */
	assert_facts(CODE("\x48\x8d\x3d\x09\x00\x00\x00\x48\x8d\x7f\x09"), true, 0,
		     "refer 401010;");
	/* mov edi, imm32; mov rdi, imm32 */
	assert_facts(CODE("\xbf\x10\x20\x40\x00\x48\xc7\xc7\x20\x20\x40\x00"), true, 0,
		     "refer 402010;refer 402020;");
	assert_facts(CODE("\xbf\x10\x20\x40\x00"), false, 0, "");
	/* mul rsi; imul rax, rdi; not rsi */
	assert_facts(CODE("\x48\xf7\xe6\x48\x0f\xaf\xc7\x48\xf7\xd6"), true, 0,
		     "multiply 0;multiply 0;");
	/* by a register or by memory */
	assert_facts(CODE("\xff\xd0\xff\x25\x00\x00\x00\x00"), true, 0, "");
}

static void test_undecodable(void **state)
{
	(void)state;
	assert_facts(CODE("\xe8\x10\x00\x00\x00\x06"), true, -EILSEQ, "call 401015;");
	assert_facts(CODE("\xe8\x10\x00"), true, -EILSEQ, "");
	assert_facts(NULL, 0, true, 0, "");
}

static bool passes(const uint8_t *bytes, size_t nr_bytes)
{
	const struct code_bytes code = { bytes, nr_bytes, ADDRESS, true };

	return decoded_code__passes_arguments_to(&code, ADDRESS - 0x100);
}

static void test_passed_arguments(void **state)
{
	(void)state;
	assert_true(passes(CODE("\xe9\xfb\xfe\xff\xff")));
	/* cmp byte [rip], 0; je; jmp */
	assert_true(passes(CODE("\x80\x3d\x00\x00\x00\x00\x00\x74\x05\xe9\xf2\xfe\xff\xff")));
	/* mov rdx, [rsp]; jmp */
	assert_true(passes(CODE("\x48\x8b\x14\x24\xe9\xf7\xfe\xff\xff")));
	/* mov rsi, rdi; jmp */
	assert_false(passes(CODE("\x48\x89\xfe\xe9\xf8\xfe\xff\xff")));
	/* mov esi, edi; jmp */
	assert_false(passes(CODE("\x89\xfe\xe9\xf9\xfe\xff\xff")));
	/* push rbx; jmp: the arguments are kept, but not the stack */
	assert_false(passes(CODE("\x53\xe9\xfa\xfe\xff\xff")));
	/* a call; a jump elsewhere; a conditional jump; a call before the jump */
	assert_false(passes(CODE("\xe8\xfb\xfe\xff\xff\xc3")));
	assert_false(passes(CODE("\xe9\xfc\xfe\xff\xff")));
	assert_false(passes(CODE("\x0f\x84\xfa\xfe\xff\xff\xc3")));
	assert_false(passes(CODE("\xe8\x00\x00\x00\x00\xe9\xf6\xfe\xff\xff")));
	assert_false(passes(CODE("\x06")));
}

static int note_place(uint64_t place, void *context)
{
	struct facts *facts = context;

	return note(CODE_REFERS, place, facts);
}

static void assert_places(const uint8_t *bytes, size_t nr_bytes, bool fixed, const char *text)
{
	uint8_t *exact = malloc(nr_bytes);
	const struct code_bytes code = { exact, nr_bytes, ADDRESS, fixed };
	struct facts facts = { "" };

	/* In memory of its own, so that a sanitizer sees reads beyond its end. */
	memcpy(exact, bytes, nr_bytes);
	assert_int_equal(decoded_code__search(&code, 0x401010, note_place, &facts), 0);
	assert_string_equal(facts.text, text);
	free(exact);
}

static void test_search(void **state)
{
	(void)state;
	assert_places(CODE("\x90\x48\x8d\x3d\x08\x00\x00\x00"), true, "refer 401002;");
	assert_places(CODE("\x90\x48\x8d\x3d\x09\x00\x00\x00"), true, "");
	assert_places(CODE("\x48\x8d\x3d\x09\x00\x00"), true, "");
	assert_places(CODE("\xbf\x10\x10\x40\x00"), true, "refer 401001;");
	assert_places(CODE("\xbf\x10\x10\x40\x00"), false, "");
	assert_places(CODE("\x8d"), true, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_undecodable),
		cmocka_unit_test(test_passed_arguments),
		cmocka_unit_test(test_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
