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

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK "cd \"$FOLDER\" && python3 \"$HERE/tools/check_links.py\" docs/page.md"

static char folder[] = "/tmp/memleak-unit.XXXXXX";

static const char other_page[] = "# One page\n"
				 "## The same, `twice`: 1\n"
				 "## The same, `twice`: 1\n";

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
	char here[4096], path[256];

	(void)state;
	if (!mkdtemp(folder) || !getcwd(here, sizeof(here)) || setenv("FOLDER", folder, 1) ||
	    setenv("HERE", here, 1))
		return -1;
	snprintf(path, sizeof(path), "%s/docs", folder);
	if (mkdir(path, 0755))
		return -1;
	snprintf(path, sizeof(path), "%s/user", folder);
	if (mkdir(path, 0755))
		return -1;
	write_file("user/there.c", "");
	write_file("other.md", other_page);
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Checks docs/page.md with that text. Returns the exit status; what is printed is in output. */
static int check(const char *text, char *output, size_t size)
{
	FILE *pipe;
	size_t length;

	write_file("docs/page.md", text);
	pipe = popen(CHECK, "r");
	assert_non_null(pipe);
	length = fread(output, 1, size - 1, pipe);
	output[length] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void test_good(void **state)
{
	static const char *const texts[] = {
		"[a](../other.md) [b](../other.md#one-page) [c](https://example.org/none) `user/there.c`",
		"[over two\nlines](../other.md#the-same-twice-1) [d](../other.md#the-same-twice-1-1)",
		"# Here\n[here](#here) `user/*.c` `user/NAME.c` `[code](none.md)` `build/none` `/none/x`",
		"```\n[output](none.md) `user/none.c`\n# not a heading\n```\n",
	};
	char output[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(check(texts[i], output, sizeof(output)), 0);
		assert_string_equal(output, "");
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
	char output[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(check(cases[i].text, output, sizeof(output)), 1);
		assert_string_equal(output, cases[i].fault);
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
