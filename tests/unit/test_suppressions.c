// SPDX-License-Identifier: GPL-2.0
/* Files of suppressions: what is accepted, what is refused and why, and what entries count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "report/suppressions.h"
#include "suppression_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_accepted(void **state)
{
	static const struct {
		const char *text;
		size_t nr;
	} files[] = {
		{ "", 0 },
		{ "\n# nothing\n  \t\r\n", 0 },
		{ LEAK("fun:a\n"), 1 },
		{ "  { \r\n x\n\n#c\n Memcheck:Leak\n\tfun:a \n } ", 1 },
		{ LEAK("match-leak-kinds: definite,,possible\nobj:*\n"), 1 },
		{ LEAK("match-leak-kinds:none\n...\nsrc:a.c:12\n...\n...\n"), 1 },
		{ LEAK("fun:\n"), 1 },
		{ ENTRY("drd,Memcheck,Addrcheck:Leak\nfun:a\n"), 1 },
		{ ENTRY("Memcheck:Param\nwrite(buf)\nfun:a\n"), 0 },
		{ ENTRY("Memcheck:FishyValue\nmalloc(size)\nfun:a\n"), 0 },
		{ ENTRY("Memcheck:FishyValue\nfun:a\n"), 0 },
		{ ENTRY("Memcheck:Addr4\n...\nfun:a\n"), 0 },
		{ ENTRY("Memcheck:Cond\nobj:/a/b\n"), 0 },
		{ ENTRY("Helgrind:Race\nanything at all\n"), 0 },
		{ ENTRY("exp-sgcheck:SorG\n"), 0 },
		{ ENTRY("CoreError:FdNotClosed\nfun:a\n"), 0 },
		{ "leak:a\n# c\n" LEAK("fun:a\n") "  leak:^b$\n" ENTRY("drd:x\n"), 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++)
		if (suppression_text__nr_entries(files[i].text) != files[i].nr)
			fail_msg("%zu: %s", suppression_text__nr_entries(files[i].text),
				 files[i].text);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} files[] = {
		{ "x\n", "1: expected '{' or \"leak:PATTERN\"" },
		{ "\n#\n}\n", "3: expected '{' or \"leak:PATTERN\"" },
		{ "leak:a\nrace:b\n", "2: expected '{' or \"leak:PATTERN\"" },
		{ "leak:\n", "1: the pattern is empty" },
		{ "leak:^$\n", "1: the pattern is empty" },
		{ "{", "1: the file ends within an entry" },
		{ "{\n}\n", "2: expected the name of the entry" },
		{ ENTRY("Memcheck\nfun:a\n"), "3: expected TOOL:KIND, such as Memcheck:Leak" },
		{ ENTRY("Memcheck:leak\nfun:a\n"), "3: Memcheck has no errors of that kind" },
		{ LEAK("fun:a\n") "{\n", "6: the file ends within an entry" },
		{ LEAK(""), "4: the stack is missing" },
		{ LEAK("...\n...\n"), "6: a stack of nothing but \"...\" matches everything" },
		{ LEAK("func:a\n"), "4: expected match-leak-kinds:, fun:, obj:, src: or \"...\"" },
		{ LEAK("fun:a\nx\n"), "5: expected fun:, obj:, src:, \"...\" or '}'" },
		{ LEAK("fun:a\n{\n"), "5: expected fun:, obj:, src:, \"...\" or '}'" },
		{ "{\nn\nMemcheck:Leak\nfun:a\n}x",
		  "5: expected fun:, obj:, src:, \"...\" or '}'" },
		{ LEAK("match-leak-kinds: lost\nfun:a\n"),
		  "4: expected all, none, or some of definite, indirect, possible, reachable" },
		{ LEAK("match-leak-kinds: definite, possible\nfun:a\n"),
		  "4: expected all, none, or some of definite, indirect, possible, reachable" },
		{ LEAK("match-leak-kinds: all,none\nfun:a\n"),
		  "4: expected all, none, or some of definite, indirect, possible, reachable" },
		{ LEAK("match-leak-kinds: ,\nfun:a\n"),
		  "4: expected all, none, or some of definite, indirect, possible, reachable" },
		{ LEAK("match-leak-kinds: all\nmatch-leak-kinds: all\nfun:a\n"),
		  "5: expected fun:, obj:, src:, \"...\" or '}'" },
		{ ENTRY("Memcheck:Param\nfun:a\n"),
		  "4: the parameter of the system call is missing" },
		{ ENTRY("Memcheck:FishyValue\nsize\nfun:a\n"), "4: expected FUNCTION(ARGUMENT)" },
		{ ENTRY("Memcheck:Cond\nx\n"), "4: expected fun:, obj:, src:, \"...\" or '}'" },
		{ "{\nn\ndrd:x\nfun:a\n", "4: the file ends within an entry" },
	};
	struct suppressions *suppressions = suppressions__new();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *error;
		int err = suppression_text__read(suppressions, files[i].text, &error);

		if (err != -EINVAL || strncmp(error, "file.supp:", strlen("file.supp:")) != 0 ||
		    strcmp(error + strlen("file.supp:"), files[i].error) != 0)
			fail_msg("%d %s:\n%s", err, error, files[i].text);
	}
	/* Of the files with entries before the mistake too. */
	assert_int_equal(suppressions__nr(suppressions), 0);
	assert_int_equal(suppression_text__read(suppressions, LEAK("fun:a\n"), NULL), 0);
	assert_int_equal(suppression_text__read(suppressions, "leak:a\nx", NULL), -EINVAL);
	assert_int_equal(suppressions__nr(suppressions), 1);
	suppressions__free(suppressions);
}

/* Takes the text. */
static void check_limit(char *text, const char *expected)
{
	struct suppressions *suppressions = suppressions__new();
	const char *error;
	int err = suppression_text__read(suppressions, text, &error);

	if (expected) {
		assert_int_equal(err, -EINVAL);
		assert_string_equal(error, expected);
	} else {
		assert_int_equal(err, 0);
	}
	suppressions__free(suppressions);
	free(text);
}

static void test_limits(void **state)
{
	struct suppressions *suppressions = suppressions__new();
	static char zero[] = "leak:a\nleak:b\0\n";
	FILE *folder = fopen("/", "r");
	const char *error;
	char message[40];

	(void)state;
	check_limit(suppression_text__repeat("leak:", "x", 8192 - 5, ""), NULL);
	check_limit(suppression_text__repeat("leak:", "x", 8193 - 5, ""),
		    "file.supp:1: a line is longer than 8 KiB");
	check_limit(suppression_text__repeat("", "leak:a\n", 100000, ""), NULL);
	check_limit(suppression_text__repeat("", "leak:a\n", 100001, ""),
		    "file.supp:100001: more than 100000 entries");
	check_limit(suppression_text__repeat("{\na\nMemcheck:Leak\n", "fun:a\n", 500, "}"), NULL);
	check_limit(suppression_text__repeat("{\na\nMemcheck:Leak\n", "fun:a\n", 501, "}"),
		    "file.supp:504: the stack has more than 500 lines");
	check_limit(suppression_text__repeat("", "#2345678901234567890123456789 \n", 16 << 15, ""),
		    NULL);
	check_limit(suppression_text__repeat("", "#2345678901234567890123456789 \n", 16 << 16, ""),
		    "file.supp: larger than 16 MiB");
	assert_int_equal(suppression_text__read_bytes(suppressions, zero, sizeof(zero) - 1, &error),
			 -EINVAL);
	assert_string_equal(error, "file.supp:2: a zero byte: this is no text");
	assert_non_null(folder);
	assert_int_equal(suppressions__read(suppressions, "a\nb", folder, message, sizeof(message)),
			 -EISDIR);
	assert_string_equal(message, "a?b: Is a directory");
	fclose(folder);
	suppressions__free(suppressions);
}

/* Files that others wrote, where they are installed. grep counts for itself. */
static void test_installed_files(void **state)
{
	static const char *const paths[] = {
		"/usr/libexec/valgrind/default.supp",	  "/usr/lib/valgrind/debian.supp",
		"/usr/lib/valgrind/ncurses.supp",	  "/usr/lib/valgrind/python3.supp",
		"/usr/share/glib-2.0/valgrind/glib.supp",
	};
	size_t nr_files = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct suppressions *suppressions = suppressions__new();
		FILE *in = fopen(paths[i], "r"), *grep;
		char command[200], error[200];
		size_t nr = 0;

		if (in) {
			if (suppressions__read(suppressions, paths[i], in, error, sizeof(error)))
				fail_msg("%s", error);
			snprintf(command, sizeof(command), "grep -c '^[ \t]*Memcheck:Leak' %s",
				 paths[i]);
			grep = popen(command, "r");
			assert_int_equal(fscanf(grep, "%zu", &nr), 1);
			pclose(grep);
			assert_int_equal(suppressions__nr(suppressions), nr);
			fclose(in);
			nr_files++;
		}
		suppressions__free(suppressions);
	}
	if (!nr_files)
		skip();
}

static const struct report_frame frames[] = {
	{ .function = "strdup", .symbol = "strdup" },
	{ .function = "f", .symbol = "f" },
	{ .function = "main", .symbol = "main" },
};

static void test_kinds(void **state)
{
	static const char *const kinds[NR_LEAK_KINDS] = {
		[LEAK_DEFINITE] = "definite",
		[LEAK_INDIRECT] = "indirect",
		[LEAK_POSSIBLE] = "possible",
		[LEAK_REACHABLE] = "reachable",
	};
	char text[200];

	(void)state;
	for (enum leak_kind kind = LEAK_UNCLASSIFIED; kind < NR_LEAK_KINDS; kind++) {
		bool known = kind != LEAK_UNCLASSIFIED;

		assert_int_equal(suppression_text__hides(LEAK("fun:malloc\n"), kind, frames, 1),
				 known);
		assert_int_equal(suppression_text__hides("leak:strdup\n", kind, frames, 1), known);
		assert_int_equal(suppression_text__hides(LEAK("match-leak-kinds: all\nfun:*\n"),
							 kind, frames, 1),
				 known);
		assert_false(suppression_text__hides(LEAK("match-leak-kinds: none\nfun:*\n"), kind,
						     frames, 1));
		for (enum leak_kind other = LEAK_DEFINITE; other < NR_LEAK_KINDS; other++) {
			snprintf(text, sizeof(text), LEAK("match-leak-kinds: %s\nfun:*\n"),
				 kinds[other]);
			assert_int_equal(suppression_text__hides(text, kind, frames, 1),
					 kind == other);
		}
	}
	assert_true(suppression_text__hides(LEAK("match-leak-kinds: possible,definite\nfun:*\n"),
					    LEAK_DEFINITE, frames, 1));
}

/* The first entry that matches hides, and counts. */
static void test_counts(void **state)
{
	struct suppressions *suppressions = suppressions__new();
	struct report_suppression list[3] = { 0 };
	const struct leak_sum more = { 100, 2 };

	(void)state;
	assert_int_equal(suppression_text__read(suppressions,
						"\n" LEAK("...\nfun:no\n") LEAK("...\nfun:f\n"),
						NULL),
			 0);
	assert_int_equal(suppression_text__read(suppressions, "leak:^f$\nleak:main\n", NULL), 0);
	assert_int_equal(suppressions__used(suppressions, NULL, 0), 0);
	assert_true(suppressions__match(suppressions, LEAK_DEFINITE, frames, 3,
					&suppression_text__one_block));
	assert_true(suppressions__match(suppressions, LEAK_POSSIBLE, frames, 3, &more));
	assert_true(suppressions__match(suppressions, LEAK_POSSIBLE, frames + 2, 1,
					&suppression_text__one_block));
	assert_false(suppressions__match(suppressions, LEAK_POSSIBLE, frames, 1,
					 &suppression_text__one_block));
	assert_int_equal(suppressions__used(suppressions, list, 1), 2);
	assert_null(list[1].name);
	assert_int_equal(suppressions__used(suppressions, list, 3), 2);
	assert_string_equal(list[0].name, "name");
	assert_string_equal(list[0].file, "file.supp");
	assert_int_equal(list[0].line, 9);
	assert_int_equal(list[0].hidden.bytes, 110);
	assert_int_equal(list[0].hidden.blocks, 3);
	assert_string_equal(list[1].name, "leak:main");
	assert_int_equal(list[1].line, 2);
	suppressions__reset_counts(suppressions);
	assert_int_equal(suppressions__used(suppressions, list, 3), 0);
	assert_true(suppressions__match(suppressions, LEAK_DEFINITE, frames, 3,
					&suppression_text__one_block));
	assert_int_equal(suppressions__used(suppressions, list, 3), 1);
	assert_int_equal(list[0].hidden.blocks, 1);
	suppressions__free(suppressions);
}

static void test_no_memory(void **state)
{
	static const char text[] = LEAK("fun:_ZN1aC1Ev\n") "leak:a\n";
	int err = -ENOMEM;
	long nr = 0;

	(void)state;
	failing_alloc__after(0);
	assert_null(suppressions__new());
	failing_alloc__never();
	for (; err; nr++) {
		struct suppressions *suppressions = suppressions__new();
		FILE *in = fmemopen((void *)text, strlen(text), "r");
		char error[80];

		failing_alloc__after(nr);
		err = suppressions__read(suppressions, "f", in, error, sizeof(error));
		failing_alloc__never();
		fclose(in);
		assert_true(!err || err == -ENOMEM);
		if (err)
			assert_string_equal(error, "f: Cannot allocate memory");
		assert_int_equal(suppressions__nr(suppressions), err ? 0 : 2);
		suppressions__free(suppressions);
		assert_in_range(nr, 0, 100);
	}
	assert_true(nr > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_installed_files),
		cmocka_unit_test(test_kinds),	  cmocka_unit_test(test_counts),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
