// SPDX-License-Identifier: GPL-2.0
/* Which stacks an entry of a suppressions file hides, and the entries that are made for a stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/suppression_match.h"
#include "report/suppressions.h"
#include "suppression_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Frames of C functions in one object. */
static const struct report_frame c_stack[] = {
	{ .function = "strdup", .symbol = "strdup@@V_1", .module = "/lib/libc.so.6" },
	{ .function = "f",
	  .symbol = "f.constprop.0",
	  .module = "/bin/p",
	  .file = "/s/p.c",
	  .line = 7 },
	{ .module = "/bin/p" },
	{ .function = "jit" },
	{ .function = "main", .symbol = "main", .module = "/bin/p", .file = "p.c", .line = 9 },
};

static const struct report_frame new_stack[] = {
	{ .function = "operator new(unsigned long)",
	  .symbol = "_Znwm",
	  .module = "/l/libstdc++.so.6" },
	{ .function = "n::put<int>(char*)", .symbol = "_ZN1n3putIiEEvPc", .inlined = true },
	{ .function = "S::S(int)", .symbol = "_ZN1SC2Ei", .module = "/bin/p" },
	{ .function = "main", .symbol = "main", .module = "/bin/p" },
};

struct case_of_match {
	const char *text;
	bool is_hidden;
};

static void check_matches(const struct case_of_match *cases, size_t nr_cases,
			  const struct report_frame *frames, size_t nr)
{
	for (size_t i = 0; i < nr_cases; i++)
		if (suppression_text__hides(cases[i].text, LEAK_DEFINITE, frames, nr) !=
		    cases[i].is_hidden)
			fail_msg("expected %d:\n%s", cases[i].is_hidden, cases[i].text);
}

static void test_functions(void **state)
{
	static const struct case_of_match cases[] = {
		/* The allocator is the first. */
		{ LEAK("fun:malloc\n"), true },
		{ LEAK("fun:calloc\nfun:strdup\n"), true },
		{ LEAK("fun:*alloc\nfun:strdup\n"), true },
		{ LEAK("fun:_Znwm\nfun:strdup\n"), true },
		{ LEAK("fun:strdup\n"), false },
		{ LEAK("fun:free\nfun:strdup\n"), false },
		{ LEAK("fun:*\nfun:f*\n"), false },
		/* One that called another; a wildcard is not one of two. */
		{ LEAK("fun:memalign\nfun:posix_memalign\nfun:strdup\n"), true },
		{ LEAK("fun:calloc\nfun:calloc\nfun:strdup\n"), true },
		{ LEAK("fun:_Znwm\nfun:malloc\nfun:strdup\n"), false },
		{ LEAK("fun:*\nfun:*\nfun:strdup\n"), false },
		{ LEAK("fun:malloc\nobj:*\nfun:strdup\n"), false },
		/* Versions and clones. */
		{ LEAK("fun:malloc\nfun:strdup@@V_1\n"), true },
		{ LEAK("fun:malloc\nfun:strdup@@V_0\n"), true },
		{ LEAK("fun:malloc\nfun:strdup@*\nfun:f.constprop.0\n"), true },
		{ LEAK("fun:malloc\nfun:str*@@V_?\nfun:f.constprop.3\n"), true },
		{ LEAK("fun:malloc\nfun:strdup\nfun:f.c*.0\n"), true },
		{ LEAK("fun:malloc\nfun:strdup\nfun:f.d*.0\n"), false },
		/* Unknown names. */
		{ LEAK("fun:malloc\nfun:strdup\nfun:f\nfun:*\nfun:jit\nfun:main\n"), true },
		{ LEAK("fun:malloc\nfun:strdup\nfun:f\nfun:\\?\\?\\?\n"), false },
		{ LEAK("fun:malloc\nfun:strdup\nfun:f\nfun:???\n"), true },
		{ LEAK("fun:malloc\nfun:strdup\nfun:f\nfun:????\n"), false },
		{ LEAK("fun:malloc\nfun:strdup\nfun:f\nobj:/bin/p\nobj:*\nfun:main\n"), true },
		/* The whole stack, and more than that. */
		{ LEAK("fun:m*\nfun:*d*p\nfun:?\nfun:*\nfun:j?t\nfun:main\n"), true },
		{ LEAK("fun:m*\nfun:*d*p\nfun:?\nfun:*\nfun:j?t\nfun:main\nfun:*\n"), false },
		{ LEAK("fun:m*\nfun:*d*p\nfun:?\nfun:*\nfun:j?t\nfun:main\n...\n"), true },
	};

	(void)state;
	check_matches(cases, COUNT_OF(cases), c_stack, COUNT_OF(c_stack));
}

static void test_frames(void **state)
{
	static const struct case_of_match cases[] = {
		{ LEAK("...\nfun:main\n"), true },
		{ LEAK("...\nfun:malloc\n...\nfun:main\n"), true },
		{ LEAK("fun:malloc\n...\nfun:strdup\n...\nfun:f\n"), true },
		{ LEAK("fun:malloc\n...\nfun:f\n...\nfun:strdup\n"), false },
		{ LEAK("...\nfun:f\nfun:main\n"), false },
		{ LEAK("...\nfun:*\nfun:jit\nfun:main\n"), true },
		{ LEAK("...\nobj:/bin/*\nobj:/bin/p\nfun:jit\n"), true },
		{ LEAK("...\nfun:_start\n"), false },
		/* Objects and sources. */
		{ LEAK("obj:*/vgpreload_memcheck-amd64-linux.so\nobj:*/libc.so.?\n"), true },
		{ LEAK("obj:/other/vgpreload_memcheck-arm64-linux.so\nfun:strdup\n"), true },
		{ LEAK("obj:*\nobj:*/libc.so\n"), false },
		{ LEAK("obj:*/libc.so.6\n"), false },
		{ LEAK("...\nsrc:p.c\n"), true },
		{ LEAK("...\nsrc:p.c:7\n"), true },
		{ LEAK("...\nsrc:/s/p.c:7\n"), true },
		{ LEAK("...\nsrc:*.c:7\n"), true },
		{ LEAK("...\nsrc:p.c:8\n"), false },
		{ LEAK("...\nsrc:p.c:x\n"), true },
		{ LEAK("...\nsrc:c\n"), false },
		{ LEAK("src:vg_replace_malloc.c:1\nfun:strdup\n"), true },
		{ LEAK("src:vg_replace_malloc.c\nfun:strdup\n"), true },
	};

	(void)state;
	check_matches(cases, COUNT_OF(cases), c_stack, COUNT_OF(c_stack));
	assert_true(suppression_text__hides(LEAK("fun:malloc\n"), LEAK_POSSIBLE, NULL, 0));
	assert_false(suppression_text__hides(LEAK("fun:malloc\nfun:*\n"), LEAK_POSSIBLE, NULL, 0));
}

static void test_cplusplus(void **state)
{
	static const struct case_of_match cases[] = {
		{ LEAK("fun:_Znwm\nfun:put*\nfun:_ZN1SC2Ei\nfun:main\n"), true },
		/* Another constructor's symbol of the same name; the function of new[] is not seen.
		 */
		{ LEAK("fun:_Znam\nfun:put<int>\nfun:_ZN1SC1Ei\n"), true },
		{ LEAK("fun:_Zn*\nfun:_ZN1n3put*\nfun:S::S(int)\n"), true },
		{ LEAK("fun:_Zn*\nfun:n::put*\nfun:_ZN1SC?Ei\n"), true },
		{ LEAK("fun:_Znwm\nfun:*\nfun:_ZN1SC1Ev\n"), false },
		{ LEAK("fun:_Znwm\nfun:*\nfun:_ZN1SC1*\n"), false }, /* wildcards: symbol only */
		{ LEAK("fun:_Znwm\nfun:*\nfun:S\n"), false }, /* not inlined */
		{ LEAK("fun:malloc\nfun:put<int>\n"), false },
		/* As where operator new is not replaced. */
		{ LEAK("fun:malloc\nfun:_Znwm\nfun:put<int>\n"), true },
		{ LEAK("fun:malloc\nfun:operator new*\nfun:put<int>\n"), true },
		{ LEAK("fun:operator new*\nfun:put<int>\n"), true },
	};

	(void)state;
	check_matches(cases, COUNT_OF(cases), new_stack, COUNT_OF(new_stack));
}

static void test_bare_names(void **state)
{
	static const struct {
		const char *function, *bare; /* NULL: none */
	} names[] = {
		{ "f", "f" },
		{ "f(int)", "f" },
		{ "a::b<c::d>::f(e::g, h) const", "f" },
		{ "void a::f<int, (b)1>(char* (*)(int))", "f<int, (b)1>" },
		{ "(anonymous namespace)::f(int)", "f" },
		{ "a::S::~S()", "~S" },
		{ "f[abi:cxx11](int)", "f" },
		{ "f(int)::g", "g" },
		{ "core::fmt::Write::write_fmt", "write_fmt" },
		{ "<a::B as c::D>::f", "f" },
		{ "S::operator()(int) const", NULL },
		{ "a::", NULL },
		{ "", NULL },
	};
	char bare[32];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		bool found = suppression__bare_name(names[i].function, bare, sizeof(bare));

		if (found != !!names[i].bare || (found && strcmp(bare, names[i].bare) != 0))
			fail_msg("%s: %s", names[i].function, found ? bare : "none");
	}
	assert_false(suppression__bare_name("a::f(int)", bare, 1));
	assert_true(suppression__bare_name("a::f(int)", bare, 2));
}

static void test_sanitizer_patterns(void **state)
{
	static const struct case_of_match cases[] = {
		{ "leak:strdup", true },  { "leak:trdu", true },    { "leak:^strdup$", true },
		{ "leak:^trdup", false }, { "leak:strdu$", false }, { "leak:s*p$", true },
		{ "leak:^s*d$", false },  { "leak:str?up", false }, { "leak:libc.so", true },
		{ "leak:/s/p.c", true },  { "leak:*", true },	    { "leak:malloc", false },
		{ "leak:???", false },
	};

	(void)state;
	check_matches(cases, COUNT_OF(cases), c_stack, COUNT_OF(c_stack));
}

/* A pattern for which trying all ways would take for ever. */
static void test_time(void **state)
{
	char *frames_pattern = suppression_text__repeat("{\na\nMemcheck:Leak\n", "...\nfun:a\n",
							200, "fun:b\n}\n");
	char *text_pattern = suppression_text__repeat("leak:^", "*a", 2000, "b$\n");
	char *name = suppression_text__repeat("", "a", 4000, "");
	struct report_frame *frames = calloc(1000, sizeof(*frames));
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		frames[i].function = "a";
	assert_false(suppression_text__hides(frames_pattern, LEAK_DEFINITE, frames, 1000));
	frames[0].function = name;
	assert_false(suppression_text__hides(text_pattern, LEAK_DEFINITE, frames, 1));
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	free(frames);
	free(name);
	free(text_pattern);
	free(frames_pattern);
}

/* The entry for a stack; good until the next call. */
static const char *printed(enum leak_kind kind, const struct report_frame *frames, size_t nr)
{
	static char text[16384];
	FILE *out = fmemopen(text, sizeof(text), "w");

	*text = '\0';
	suppressions__print_entry(out, kind, frames, nr);
	fclose(out);
	return text;
}

static void test_printed(void **state)
{
	const char *text = printed(LEAK_DEFINITE, c_stack, COUNT_OF(c_stack));

	(void)state;
	assert_string_equal(text,
			    "{\n   <insert_a_suppression_name_here>\n   Memcheck:Leak\n"
			    "   match-leak-kinds: definite\n   fun:*\n   fun:strdup@@V_1\n"
			    "   fun:f.constprop.0\n   obj:/bin/p\n   obj:*\n   fun:main\n}\n");
	assert_true(suppression_text__hides(text, LEAK_DEFINITE, c_stack, COUNT_OF(c_stack)));
	assert_false(suppression_text__hides(text, LEAK_POSSIBLE, c_stack, COUNT_OF(c_stack)));
	assert_false(suppression_text__hides(text, LEAK_DEFINITE, c_stack, COUNT_OF(c_stack) - 1));
	text = printed(LEAK_REACHABLE, new_stack, COUNT_OF(new_stack));
	assert_string_equal(text, "{\n   <insert_a_suppression_name_here>\n   Memcheck:Leak\n"
				  "   match-leak-kinds: reachable\n   fun:_Zn*\n   fun:put*\n"
				  "   fun:_ZN1SC2Ei\n   fun:main\n}\n");
	assert_true(suppression_text__hides(text, LEAK_REACHABLE, new_stack, COUNT_OF(new_stack)));
	assert_string_equal(printed(LEAK_POSSIBLE, NULL, 0), "");
	assert_string_equal(printed(LEAK_POSSIBLE, c_stack + 3, 1), "");
	assert_non_null(strstr(printed(LEAK_POSSIBLE, c_stack, 1), "possible"));
	assert_null(strstr(printed(LEAK_UNCLASSIFIED, c_stack, 1), "kinds"));
}

/* Names that would end the line, the entry, or the pattern. */
static void test_hostile_names(void **state)
{
	char *longest = suppression_text__repeat("", "n", 9000, "");
	struct report_frame frames[] = {
		{ .function = "f", .symbol = "f\n}\n{\r\t\x1b[2J\x7f*?\xc2\x9b \t " },
		{ .module = "/tmp/}\n# x " },
		{ .symbol = longest },
		{ .function = "a::g\n*(int)", .symbol = "_Z", .inlined = true },
		{ .function = "operator new\n(int)", .symbol = "_Z", .inlined = true },
		{ .function = "", .symbol = "", .module = "" },
		{ .function = "main", .symbol = "main" },
		{ .function = "not printed", .symbol = "not printed" },
	};
	const char *text;

	(void)state;
	text = printed(LEAK_DEFINITE, frames, COUNT_OF(frames));
	assert_non_null(strstr(text, "\n   fun:f?}?{???[2J????? ??\n   obj:/tmp/}?# x?\n"));
	assert_non_null(strstr(text, "n*\n   fun:g??\n   fun:*\n   obj:*\n   fun:main\n}\n"));
	assert_int_equal(suppression_text__nr_entries(text), 1);
	assert_true(suppression_text__hides(text, LEAK_DEFINITE, frames, COUNT_OF(frames)));
	frames[0].symbol = "f";
	assert_false(suppression_text__hides(text, LEAK_DEFINITE, frames, COUNT_OF(frames)));
	free(longest);
}

static void test_deep_stack(void **state)
{
	struct report_frame *frames = calloc(2000, sizeof(*frames));
	const char *text;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		frames[i].function = frames[i].symbol = "deep";
	text = printed(LEAK_DEFINITE, frames, 2000);
	assert_true(suppression_text__hides(text, LEAK_DEFINITE, frames, 2000));
	assert_false(suppression_text__hides(text, LEAK_DEFINITE, frames, 400));
	free(frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),  cmocka_unit_test(test_frames),
		cmocka_unit_test(test_cplusplus),  cmocka_unit_test(test_sanitizer_patterns),
		cmocka_unit_test(test_bare_names), cmocka_unit_test(test_time),
		cmocka_unit_test(test_printed),	   cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_deep_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
