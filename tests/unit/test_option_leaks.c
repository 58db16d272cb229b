// SPDX-License-Identifier: GPL-2.0
/* The options of leak checks: how they land in the struct, and what they refuse of each other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "command_line.h"
#include "leaks/leak_kind.h"
#include "options.h"

#define DEFINITE LEAK_KIND_BIT(LEAK_DEFINITE)
#define INDIRECT LEAK_KIND_BIT(LEAK_INDIRECT)
#define POSSIBLE LEAK_KIND_BIT(LEAK_POSSIBLE)
#define REACHABLE LEAK_KIND_BIT(LEAK_REACHABLE)

static void test_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(command_line__parse(&options, (const char *const[]){ NULL }), 0);
	assert_int_equal(options.leak_check, LEAK_CHECK_NO);
	assert_int_equal(options.show_leak_kinds, DEFINITE | POSSIBLE);
	assert_int_equal(options.error_leak_kinds, DEFINITE | POSSIBLE);
	assert_int_equal(options.leak_heuristics, LEAK_HEURISTICS_ALL);
	assert_int_equal(options.nr_suppressions, 0);
	assert_int_equal(options.error_exitcode, 0);
	assert_false(options.gen_suppressions || options.xml || options.once);
	assert_null(options.xml_path);
}

static void test_leak_check(void **state)
{
	static const struct {
		const char *word;
		enum leak_check check;
	} words[] = {
		{ "--leak-check=no", LEAK_CHECK_NO },
		{ "--leak-check=summary", LEAK_CHECK_SUMMARY },
		{ "--leak-check=full", LEAK_CHECK_FULL },
		{ "--leak-check=yes", LEAK_CHECK_FULL },
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(PARSE(&options, words[i].word, "--", "ls"), 0);
		assert_int_equal(options.leak_check, words[i].check);
		assert_int_equal(options.mode, MODE_COMMAND);
	}
	/* The value can be a word of its own; the last of several counts. */
	assert_int_equal(PARSE(&options, "--leak-check", "full", "-p", "1"), 0);
	assert_int_equal(options.leak_check, LEAK_CHECK_FULL);
	assert_int_equal(options.mode, MODE_PID);
	assert_int_equal(PARSE(&options, "--leak-check=full", "--leak-check=no"), 0);
	assert_int_equal(options.leak_check, LEAK_CHECK_NO);
	assert_int_equal(PARSE(&options, "--leak-check=full", "-f", "-c", "ls", "5", "2"), 0);
	assert_true(options.follow_children);
	assert_true(options.interval_s == 5);
	options__free(&options);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *value;
		unsigned int kinds;
	} sets[] = {
		{ "definite", DEFINITE },
		{ "indirect", INDIRECT },
		{ "possible", POSSIBLE },
		{ "reachable", REACHABLE },
		{ "reachable,definite", DEFINITE | REACHABLE },
		{ "indirect,indirect", INDIRECT },
		{ "definite,indirect,possible,reachable", LEAK_KINDS_ALL },
		{ "all", LEAK_KINDS_ALL },
		{ "none", 0 },
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		assert_int_equal(PARSE(&options, "--leak-check=full", "--show-leak-kinds",
				       sets[i].value, "-p", "1"),
				 0);
		assert_int_equal(options.show_leak_kinds, sets[i].kinds);
		assert_int_equal(options.error_leak_kinds, LEAK_KINDS_LOST);
		assert_int_equal(PARSE(&options, "--leak-check=full", "--error-exitcode=1",
				       "--errors-for-leak-kinds", sets[i].value, "-p", "1"),
				 0);
		assert_int_equal(options.error_leak_kinds, sets[i].kinds);
		assert_int_equal(options.show_leak_kinds, LEAK_KINDS_LOST);
	}
}

static void test_heuristics(void **state)
{
	static const struct {
		const char *value;
		unsigned int heuristics;
	} sets[] = {
		{ "stdstring", LEAK_HEURISTIC_BIT(HEURISTIC_STDSTRING) },
		{ "length64", LEAK_HEURISTIC_BIT(HEURISTIC_LENGTH64) },
		{ "newarray", LEAK_HEURISTIC_BIT(HEURISTIC_NEWARRAY) },
		{ "multipleinheritance", LEAK_HEURISTIC_BIT(HEURISTIC_MULTIPLE_INHERITANCE) },
		{ "newarray,stdstring", LEAK_HEURISTIC_BIT(HEURISTIC_NEWARRAY) |
						LEAK_HEURISTIC_BIT(HEURISTIC_STDSTRING) },
		{ "all", LEAK_HEURISTICS_ALL },
		{ "none", 0 },
	};
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		assert_int_equal(PARSE(&options, "--leak-check=summary", "--leak-check-heuristics",
				       sets[i].value, "-p", "1"),
				 0);
		assert_int_equal(options.leak_heuristics, sets[i].heuristics);
	}
}

static void test_suppressions(void **state)
{
	char *argv[OPTIONS_MAX_SUPPRESSIONS + 6] = { (char *)"memleak-bpf" };
	struct options options;
	int argc = 1;

	(void)state;
	assert_int_equal(PARSE(&options, "--leak-check=full", "--suppressions=a", "--suppressions",
			       "b", "--gen-suppressions=all", "-p", "1"),
			 0);
	assert_int_equal(options.nr_suppressions, 2);
	assert_string_equal(options.suppressions[0], "a");
	assert_string_equal(options.suppressions[1], "b");
	assert_true(options.gen_suppressions);

	argv[argc++] = (char *)"--leak-check=full";
	argv[argc++] = (char *)"-p1";
	while (argc < OPTIONS_MAX_SUPPRESSIONS + 3)
		argv[argc++] = (char *)"--suppressions=same";
	assert_int_equal(options__parse(&options, argc, argv, NULL, 0), 0);
	assert_int_equal(options.nr_suppressions, OPTIONS_MAX_SUPPRESSIONS);
	argv[argc++] = (char *)"--suppressions=last";
	assert_int_equal(options__parse(&options, argc, argv, command_line__error,
					sizeof(command_line__error)),
			 -EINVAL);
	assert_string_equal(command_line__error, "--suppressions can be given at most 64 times");
}

static void test_exit_code(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "--leak-check=full", "--error-exitcode=1", "--", "a"), 0);
	assert_int_equal(options.error_exitcode, 1);
	assert_int_equal(PARSE(&options, "--leak-check=full", "--error-exitcode", "255", "-p1"), 0);
	assert_int_equal(options.error_exitcode, 255);
	/* Values that ask for nothing need no leak check. */
	assert_int_equal(PARSE(&options, "--error-exitcode=0", "--gen-suppressions=no", "--xml=no"),
			 0);
	assert_int_equal(options.error_exitcode, 0);
	assert_false(options.gen_suppressions || options.xml);
}

static void test_xml(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "--xml=yes", "--", "ls"), 0);
	assert_true(options.xml);
	assert_int_equal(options.leak_check, LEAK_CHECK_FULL);
	assert_int_equal(options.nr_outputs, 0);
	assert_int_equal(PARSE(&options, "--leak-check=summary", "--xml=yes", "-p", "1"), 0);
	assert_int_equal(options.leak_check, LEAK_CHECK_SUMMARY);
	/* With XML, what shapes a leak check needs no --leak-check. */
	assert_int_equal(PARSE(&options, "--xml=yes", "--error-exitcode=3",
			       "--errors-for-leak-kinds=all", "-p", "1"),
			 0);
	/* Its file is the file of -w under another name. */
	assert_int_equal(PARSE(&options, "--xml", "yes", "--xml-file", "x", "-p", "1"), 0);
	assert_string_equal(options.xml_path, "x");
	assert_string_equal(options.output_paths[0], "x");
	assert_int_equal(PARSE(&options, "--xml=yes", "-w", "x", "-p", "1"), 0);
	assert_null(options.xml_path);
	assert_string_equal(options.output_paths[0], "x");
}

static void test_one_check_at_once(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "-p", "1", "--leak-check=full", "0", "1"), 0);
	assert_true(options.once);
	assert_true(options.interval_s == 0);
	assert_int_equal(options.count, 1);
	assert_int_equal(PARSE(&options, "-p", "1", "--xml=yes", "0.0", "1"), 0);
	assert_true(options.once);
	assert_int_equal(PARSE(&options, "-p", "1", "--leak-check=full", "1", "1"), 0);
	assert_false(options.once);
}

#define ADD_CHECK " is for leak checks: add --leak-check=full"
#define KINDS_ARE " takes all, none, or some of definite,indirect,possible,reachable, not "
#define HEURISTICS_ARE                                                                     \
	"--leak-check-heuristics takes all, none, or some of stdstring,length64,newarray," \
	"multipleinheritance, not "
#define NO_FORM "XML has no form for the whole system: -p PID or -- COMMAND with --xml=yes"
#define LEFT_OUT                                                                                \
	"-z and -Z don't go with --leak-check: a block that is not recorded can hold the only " \
	"pointer to one that is"
#define NOT_ZERO                                                                                       \
	"INTERVAL takes seconds from 0.001 to 31536000 such as 5, 0.5 or 2m, not '0'; one leak check " \
	"at once: -p PID --leak-check=full 0 1"
#define FULL "--leak-check=full"

static const struct refusal refusals[] = {
	/* Values. */
	{ { "--leak-check" }, "option '--leak-check' needs a value" },
	{ { "--leak-check=" }, "--leak-check takes no, summary, full or yes, not ''" },
	{ { "--leak-check=Full" }, "--leak-check takes no, summary, full or yes, not 'Full'" },
	{ { "--show-leak-kinds=" }, "--show-leak-kinds" KINDS_ARE "''" },
	{ { "--show-leak-kinds=definite," }, "--show-leak-kinds" KINDS_ARE "'definite,'" },
	{ { "--show-leak-kinds=,definite" }, "--show-leak-kinds" KINDS_ARE "',definite'" },
	{ { "--show-leak-kinds=definite,all" }, "--show-leak-kinds" KINDS_ARE "'definite,all'" },
	{ { "--show-leak-kinds=none,all" }, "--show-leak-kinds" KINDS_ARE "'none,all'" },
	{ { "--show-leak-kinds=definit" }, "--show-leak-kinds" KINDS_ARE "'definit'" },
	{ { "--show-leak-kinds=definitely" }, "--show-leak-kinds" KINDS_ARE "'definitely'" },
	{ { "--errors-for-leak-kinds=stdstring" },
	  "--errors-for-leak-kinds" KINDS_ARE "'stdstring'" },
	{ { "--leak-check-heuristics=definite" }, HEURISTICS_ARE "'definite'" },
	{ { "--leak-check-heuristics", "" }, HEURISTICS_ARE "''" },
	{ { "--suppressions=" }, "--suppressions takes a FILE, not ''" },
	{ { "--gen-suppressions=yes" }, "--gen-suppressions takes no or all, not 'yes'" },
	{ { "--error-exitcode=256" },
	  "--error-exitcode takes an exit status from 0 to 255, not '256'" },
	{ { "--error-exitcode=-1" },
	  "--error-exitcode takes an exit status from 0 to 255, not '-1'" },
	{ { "--error-exitcode", "" },
	  "--error-exitcode takes an exit status from 0 to 255, not ''" },
	{ { "--xml" }, "option '--xml' needs a value" },
	{ { "--xml=full" }, "--xml takes yes or no, not 'full'" },
	{ { "--xml-file=" }, "--xml-file takes a FILE, not ''" },
	/* Without a leak check. */
	{ { "--show-leak-kinds=all", "--", "ls" }, "--show-leak-kinds" ADD_CHECK },
	{ { "--leak-check=no", "--show-leak-kinds=all", "-p", "1" },
	  "--show-leak-kinds" ADD_CHECK },
	{ { "--errors-for-leak-kinds=all", "--", "ls" }, "--errors-for-leak-kinds" ADD_CHECK },
	{ { "--leak-check-heuristics=all", "--", "ls" }, "--leak-check-heuristics" ADD_CHECK },
	{ { "--suppressions=x", "--", "ls" }, "--suppressions" ADD_CHECK },
	{ { "--gen-suppressions=all", "--", "ls" }, "--gen-suppressions" ADD_CHECK },
	{ { "--error-exitcode=1", "--", "ls" }, "--error-exitcode" ADD_CHECK },
	{ { "--suppressions=x", "--error-exitcode=1", "--", "ls" }, "--error-exitcode" ADD_CHECK },
	/* What a leak check does not go with. */
	{ { "--xml=yes" }, NO_FORM },
	{ { FULL, "0", "1" }, NOT_ZERO },
	{ { FULL, "--features" }, "--features traces nothing: no leak check with it" },
	{ { "--features", "0", "1" },
	  "--features traces nothing: no -p, command or INTERVAL with it" },
	{ { FULL, "-z", "1", "-p", "1" }, LEFT_OUT },
	{ { FULL, "-Z", "16G", "-p", "1" }, LEFT_OUT },
	{ { FULL, "-o", "1", "-p", "1" },
	  "-o does not go with --leak-check, which classifies blocks of every age" },
	{ { "--leak-check=summary", "--gen-suppressions=all", "-p", "1" },
	  "--gen-suppressions writes one for each stack that is shown: it needs "
	  "--leak-check=full" },
	{ { FULL, "--errors-for-leak-kinds=all", "-p", "1" },
	  "--errors-for-leak-kinds says what --error-exitcode is for: add --error-exitcode=1" },
	/* XML. */
	{ { "--xml=yes", "--leak-check=no", "-p", "1" },
	  "--xml=yes reports a leak check: not with --leak-check=no" },
	{ { "--xml=yes", "--json", "-p", "1" }, "--xml=yes and --json exclude each other" },
	{ { "--xml=yes", "-t", "-p", "1" }, "-t has no form in XML: not with --xml=yes" },
	{ { "--xml=yes", "-w", "x", "--append", "-p", "1" },
	  "--append would put two XML documents into one file: not with --xml=yes" },
	{ { "--xml=yes", "--xml-file=x", "-w", "y", "-p", "1" },
	  "-w and --xml-file exclude each other: both say where reports go" },
	{ { FULL, "--xml-file=x", "-p", "1" }, "--xml-file goes with --xml=yes only" },
	{ { "--xml=no", "--xml-file=x", "-p", "1" }, "--xml-file goes with --xml=yes only" },
	/* One check at once. */
	{ { "0" }, NOT_ZERO },
	{ { "0", "1" }, NOT_ZERO },
	{ { "-p", "1", "0", "1" }, NOT_ZERO },
	{ { "-p", "1", FULL, "0" }, NOT_ZERO },
	{ { "-p", "1", FULL, "0.000", "2" }, NOT_ZERO },
	{ { FULL, "0", "1", "--", "ls" }, NOT_ZERO },
	{ { FULL, "-c", "ls", "0", "1" }, NOT_ZERO },
};

static void test_refusals(void **state)
{
	(void)state;
	command_line__assert_refused(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_leak_check),
		cmocka_unit_test(test_kinds),	     cmocka_unit_test(test_heuristics),
		cmocka_unit_test(test_suppressions), cmocka_unit_test(test_exit_code),
		cmocka_unit_test(test_xml),	     cmocka_unit_test(test_one_check_at_once),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
