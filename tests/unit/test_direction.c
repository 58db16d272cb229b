// SPDX-License-Identifier: GPL-2.0
/*
 * tools/lint-direction, on user/ as it is and on a folder with one wrong include at a time: it
 * finds each, and nothing where there is none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

/* Runs the checker, on a folder in which one file has one line. */
static int check(const char *file, const char *line)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "folder=$(mktemp -d) && mkdir -p \"$folder/$(dirname %s)\" &&"
		 " printf '%%s\\n' '%s' >\"$folder/%s\" && tools/lint-direction \"$folder\" 2>&1;"
		 " status=$?; rm -r \"$folder\"; exit $status",
		 file, line, file);
	return shell__run(command);
}

static int find_checker(void **state)
{
	(void)state;
	return access("tools/lint-direction", X_OK);
}

static void test_the_code_keeps_the_direction(void **state)
{
	(void)state;
	assert_int_equal(shell__run("tools/lint-direction 2>&1"), 0);
	assert_string_equal(shell__output, "");
}

static const struct {
	const char *file, *line;
} wrong_includes[] = {
	{ "base/log.c", "#include \"report/report.h\"" },
	{ "base/log.c", "# include \"elf/elf_file.h\"" },
	{ "names/lines.c", "#include \"unwind/cfi.h\"" },
	{ "elf/elf_file.c", "#include \"bpf/wire.h\"" },
	{ "output/text_rows.c", "#include \"names/frame.h\"" },
	{ "report/losses.c", "#include \"output/output.h\"" },
	{ "processes/command.c", "#include \"names/symbolize.h\"" },
	{ "books/snapshot.c", "#include \"probes/shield.h\"" },
	{ "probes/guard/breakpoints.c", "#include \"books/snapshot.h\"" },
	{ "probes/shield.c", "#include \"options.h\"" },
	{ "probes/shield.c", "#include \"memleak.skel.h\"" },
	{ "main.c", "#include \"memleak.skel.h\"" },
	{ "main.c", "#include \"attic/log.h\"" },
	{ "stays/holders.c", "#include <bpf/libbpf.h>" },
	{ "base/log.h", "#include \"../options.h\"" },
	{ "attic/log.c", "#include <stdio.h>" },
};

static void test_a_wrong_include_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_includes) / sizeof(*wrong_includes); i++) {
		if (check(wrong_includes[i].file, wrong_includes[i].line) != 1)
			fail_msg("%s: %s: not found", wrong_includes[i].file,
				 wrong_includes[i].line);
		assert_non_null(strstr(shell__output, wrong_includes[i].file));
	}
}

static const struct {
	const char *file, *line;
} right_includes[] = {
	{ "base/log.c", "#include \"base/log.h\"" },
	{ "processes/command.c", "#include \"names/perf_map_file.h\"" },
	{ "probes/probed_files.c", "#include \"probes/guard/translators.h\"" },
	{ "probes/guard/breakpoints.c", "#include \"probes/uprobe_link.h\"" },
	{ "probes/tracer.c", "#include \"memleak.skel.h\"" },
	{ "stays/holder_scan.c", "#include <bpf/libbpf.h>" },
	{ "main.c", "#include \"options.h\"" },
	{ "main.c", "#include \"output/output.h\"" },
};

static void test_a_right_include_is_let_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(right_includes) / sizeof(*right_includes); i++) {
		assert_int_equal(check(right_includes[i].file, right_includes[i].line), 0);
		assert_string_equal(shell__output, "");
	}
}

static void test_nothing_to_check_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(shell__run("tools/lint-direction /nonexistent 2>&1"), 2);
	assert_int_equal(check("README", "no code"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_code_keeps_the_direction),
		cmocka_unit_test(test_a_wrong_include_is_found),
		cmocka_unit_test(test_a_right_include_is_let_through),
		cmocka_unit_test(test_nothing_to_check_is_an_error),
	};

	return cmocka_run_group_tests(tests, find_checker, NULL);
}
