// SPDX-License-Identifier: GPL-2.0
/*
 * tools/check_links.py on documents of this test: it names each link, heading and path that does
 * not exist, and accepts those that do.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

#define CHECK "cd \"$FOLDER\" && python3 \"$HERE/tools/check_links.py\" docs/page.md"

static const char other_page[] = "# One page\n"
				 "## The same, `twice`: 1\n"
				 "## The same, `twice`: 1\n";

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", getenv("FOLDER"), name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
	char here[4096];

	(void)state;
	if (shell__make_folder() || !getcwd(here, sizeof(here)) || setenv("HERE", here, 1) ||
	    shell__run("mkdir $FOLDER/docs $FOLDER/user"))
		return -1;
	write_file("user/there.c", "");
	write_file("other.md", other_page);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return shell__remove_folder();
}

/* Checks docs/page.md with that text. Returns the exit status. */
static int check(const char *text)
{
	write_file("docs/page.md", text);
	return shell__run(CHECK);
}

static void test_good(void **state)
{
	static const char *const texts[] = {
		"[a](../other.md) [b](../other.md#one-page) [c](https://example.org/none) `user/there.c`",
		"[over two\nlines](../other.md#the-same-twice-1) [d](../other.md#the-same-twice-1-1)",
		"# Here\n[here](#here) `user/*.c` `user/NAME.c` `[code](none.md)` `build/none` `/none/x`",
		"```\n[output](none.md) `user/none.c`\n# not a heading\n```\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(check(texts[i]), 0);
		assert_string_equal(shell__output, "");
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{ "\n[a](none.md)", "docs/page.md:2: link to none.md: there is no such file\n" },
		{ "[a](other.md)", "docs/page.md:1: link to other.md: there is no such file\n" },
		{ "```\nx\n```\n[a](../other.md#none)",
		  "docs/page.md:4: link to ../other.md#none: there is no such heading\n" },
		{ "[a](../other.md#the-same-twice-1-2)",
		  "docs/page.md:1: link to ../other.md#the-same-twice-1-2: there is no such heading\n" },
		{ "```\n# Here\n```\n[a](#here)",
		  "docs/page.md:4: link to #here: there is no such heading\n" },
		{ "`user/none.c`", "docs/page.md:1: `user/none.c`: there is no such file\n" },
		{ "`cc user/no*.c`", "docs/page.md:1: `user/no*.c`: there is no such file\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(check(cases[i].text), 1);
		assert_string_equal(shell__output, cases[i].fault);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
