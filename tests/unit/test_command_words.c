// SPDX-License-Identifier: GPL-2.0
/* The words of a command that are taken for programs, and the variables that they get. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "elf/command_words.h"
#include "failing_alloc.h"

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static char seen[1024];

static const char *shown(const char *value)
{
	return value ? value : "-";
}

/* Notes each as "word(preload,library path,path)". */
static int note(const char *word, const struct elf_closure_environment *environment, void *context)
{
	size_t length = strlen(seen);

	snprintf(seen + length, sizeof(seen) - length, "%s%s(%s,%s,%s)", length ? " " : "", word,
		 shown(environment->preload), shown(environment->library_path),
		 shown(environment->search_path));
	return context && !strcmp(word, context) ? 42 : 0;
}

static void check(const char *const *arguments, const char *expected)
{
	const struct elf_closure_environment environment = { .search_path = "/bin" };

	seen[0] = '\0';
	assert_int_equal(command_words__each(arguments, &environment, note, NULL), 0);
	assert_string_equal(seen, expected);
}

static void test_no_arguments(void **state)
{
	(void)state;
	check(NULL, "");
	check(ARGUMENTS(), "");
	check(ARGUMENTS(""), "");
}

static void test_options_are_passed_over(void **state)
{
	(void)state;
	check(ARGUMENTS("-n", "5", "--", "-", "prog", "--long=x"), "5(-,-,/bin) prog(-,-,/bin)");
}

static void test_assignments_are_for_what_comes_after(void **state)
{
	(void)state;
	check(ARGUMENTS("a", "LD_PRELOAD=x.so y.so", "b", "LD_LIBRARY_PATH=/l", "PATH=/p", "c"),
	      "a(-,-,/bin) b(x.so y.so,-,/bin) c(x.so y.so,/l,/p)");
	check(ARGUMENTS("LD_PRELOAD=x.so", "LD_PRELOAD=", "a"), "a(,-,/bin)");
	check(ARGUMENTS("LD_PRELOADS=x", "LD_PRE=y", "_1=z", "a"), "a(-,-,/bin)");
	/* No names of variables. */
	check(ARGUMENTS("./a=b", "1=2", "=3"), "./a=b(-,-,/bin) 1=2(-,-,/bin) =3(-,-,/bin)");
}

/* As "ld.so --library-path LIST PROGRAM". */
static void test_options_of_dynamic_loaders(void **state)
{
	(void)state;
	check(ARGUMENTS("--library-path", "/l", "a"), "a(-,/l,/bin)");
	check(ARGUMENTS("--library-path=/l", "--preload=x.so", "a"), "a(x.so,/l,/bin)");
	check(ARGUMENTS("--preload", "x.so y.so", "--argv0", "a", "b"),
	      "a(x.so y.so,-,/bin) b(x.so y.so,-,/bin)");
	check(ARGUMENTS("-c", "/ld.so --library-path /l a; b --preload", "c"),
	      "/ld.so(-,-,/bin) a(-,/l,/bin) b(-,/l,/bin) c(-,-,/bin)");
	check(ARGUMENTS("--library-paths", "/l"), "/l(-,-,/bin)");
	check(ARGUMENTS("a", "--library-path"), "a(-,-,/bin)");
}

static void test_text_of_several_words(void **state)
{
	(void)state;
	check(ARGUMENTS("-c", "LD_PRELOAD=\"./x.so\" ./a 'b c';d&&(e)", "f"),
	      "./a(./x.so,-,/bin) b(./x.so,-,/bin) c(./x.so,-,/bin) d(./x.so,-,/bin) "
	      "e(./x.so,-,/bin) f(-,-,/bin)");
	check(ARGUMENTS("-vS", "A=1 a", "b"), "a(-,-,/bin) b(-,-,/bin)");
	check(ARGUMENTS("-S LD_PRELOAD=x a"), "a(x,-,/bin)");
	check(ARGUMENTS("-SPATH=/p a"), "a(-,-,/p)");
	/* A file whose name has a blank. */
	check(ARGUMENTS("a b"), "a b(-,-,/bin)");
	check(ARGUMENTS("-c"), "");
	check(ARGUMENTS("-c", " ;\"' "), "");
}

static void test_stops(void **state)
{
	const struct elf_closure_environment environment = { 0 };

	(void)state;
	seen[0] = '\0';
	assert_int_equal(command_words__each(ARGUMENTS("a", "b", "c"), &environment, note, "b"),
			 42);
	assert_string_equal(seen, "a(-,-,-) b(-,-,-)");
	assert_int_equal(command_words__each(ARGUMENTS("-c", "a b c"), &environment, note, "b"),
			 42);
}

static void test_no_memory(void **state)
{
	const struct elf_closure_environment environment = { 0 };

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(command_words__each(ARGUMENTS("-c", "a"), &environment, note, NULL),
			 -ENOMEM);
	failing_alloc__never();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_arguments),
		cmocka_unit_test(test_options_are_passed_over),
		cmocka_unit_test(test_assignments_are_for_what_comes_after),
		cmocka_unit_test(test_options_of_dynamic_loaders),
		cmocka_unit_test(test_text_of_several_words),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
