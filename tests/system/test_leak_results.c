// SPDX-License-Identifier: GPL-2.0
/*
 * What follows from a leak check: the exit status, suppressions, the answer for programs whose
 * allocator or whose processes can't be looked through, and refusals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "leak_oracle.h"
#include "leak_truth.h"
#include "options.h"
#include "valgrind.h"

/* ---- the exit status ---- */

static void test_exit_status(void **state)
{
	static const struct {
		const char *victim, *name, *kinds;
		int status;
	} runs[] = {
		{ "leak_kinds", "in_global", NULL, 0 },
		{ "leak_kinds", "definite", NULL, 9 },
		{ "leak_kinds", "interior", NULL, 9 },
		{ "leak_kinds", "interior", "--errors-for-leak-kinds=definite", 0 },
		{ "leak_kinds", "in_global", "--errors-for-leak-kinds=reachable", 9 },
		{ "leak_kinds", "definite", "--errors-for-leak-kinds=none", 0 },
		/* The command's own failure counts more, and its death too. */
		{ "leak_ends", "exit_below_main", NULL, 4 },
		{ "leak_ends", "terminated", NULL, 143 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct run *run =
			trace(ARGS("--leak-check=full", "--error-exitcode=9", runs[i].kinds),
			      ARGS(victim(runs[i].victim), runs[i].name));

		if (run->exit_status != runs[i].status) {
			run__print(run);
			fail_msg("%s %s %s: status %d", runs[i].victim, runs[i].name,
				 runs[i].kinds ? runs[i].kinds : "", run->exit_status);
		}
		run__free(run);
	}
}

/* Without --error-exitcode leaks change no status, and a summary is enough for one. */
static void test_exit_status_of_a_summary(void **state)
{
	struct run *run = trace(ARGS("--leak-check=full"), ARGS(victim("leak_kinds"), "list"));
	(void)state;

	assert_int_equal(run->exit_status, 0);
	run__free(run);
	run = trace(ARGS("--leak-check=summary", "--error-exitcode=77"),
		    ARGS(victim("leak_kinds"), "list"));
	assert_int_equal(run->exit_status, 77);
	assert_int_equal(number(final_exit_record(run), "leaks.definite.blocks"), 1);
	run__free(run);
}

/* ---- Valgrind's XML ---- */

/* The same errors, told of by the same elements. */
static void compare_xml(const char *const *command)
{
	struct child_options program = { .argv = command };
	const char *ours = scratch("ours.xml"), *valgrinds = scratch("valgrinds.xml");
	const char *argv[16] = { NULL };
	struct child_options options = { .argv = argv };
	size_t n = tracer_words(argv);
	struct run *run;

	argv[n++] = "--leak-check=full";
	argv[n++] = "--show-leak-kinds=all";
	argv[n++] = "--xml=yes";
	argv[n++] = words("--xml-file=%s", ours);
	argv[n++] = "--";
	for (size_t i = 0; command[i]; i++)
		argv[n++] = command[i];
	run = run_with(&options, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	run__free(valgrind__run(&program, scratch("valgrind.log"),
				ARGS("--leak-check=full", "--show-leak-kinds=all", "--xml=yes",
				     words("--xml-file=%s", valgrinds))));
	run = run_plain(ARGS("/usr/bin/python3", "tests/same_leaks.py", ours, valgrinds));
	if (run->exit_status != 0) {
		print_whole(run->out);
		print_whole(run->err);
		fail_msg("the XML of %s is not as Valgrind's", command[0]);
	}
	run__free(run);
}

static void test_xml_is_as_valgrinds(void **state)
{
	(void)state;
	if (!have_program("valgrind") || !have_program("python3"))
		SKIP("there is no valgrind or no python3 here");
	compare_xml(ARGS(victim("leaky_cache")));
	compare_xml(ARGS(victim("leak_kinds"), "list"));
	compare_xml(ARGS(victim("leak_kinds"), "interior"));
	compare_xml(ARGS(victim("leak_kinds"), "ring"));
}

/* ---- old words ---- */

/*
 * The frames of exit() cover what older calls have left, at another place in each run: the stack
 * begins at random.
 */
static void find_all(const char *how)
{
	for (int i = 0; i < 8; i++) {
		struct run *run =
			trace(ARGS("--leak-check=full"), ARGS(victim("leak_old_words"), how));
		const json_t *record = final_exit_record(run);

		assert_int_equal(number(record, "leaks.definite.blocks"), 40);
		assert_int_equal(number(record, "leaks.definite.bytes"), 1180);
		run__free(run);
	}
}

static void test_old_words_below_main(void **state)
{
	(void)state;
	find_all(NULL);
}

static void test_old_words_below_exit(void **state)
{
	(void)state;
	find_all("exit");
}

/* ---- suppressions ---- */

static const char *write_file(const char *name, const char *content)
{
	const char *path = scratch(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static struct run *trace_suppressed(const char *path, const char *name)
{
	return trace(ARGS("--leak-check=full", "--show-leak-kinds=all", "--error-exitcode=9",
			  words("--suppressions=%s", path)),
		     ARGS(victim("leak_kinds"), name));
}

static void test_suppression(void **state)
{
	const char *path = write_file("known.supp", "# A comment.\n"
						    "{\n"
						    "   the list of the example\n"
						    "   Memcheck:Leak\n"
						    "   match-leak-kinds: definite,indirect\n"
						    "   fun:malloc\n"
						    "   ...\n"
						    "   fun:make_list\n"
						    "   fun:list\n"
						    "   ...\n"
						    "}\n");
	const json_t *record;
	struct run *run;
	(void)state;

	run = trace_suppressed(path, "list");
	record = final_exit_record(run);
	assert_int_equal(run->exit_status, 0);
	assert_int_equal(number(record, "leaks.definite.blocks"), 0);
	assert_int_equal(number(record, "leaks.suppressed.bytes"), 320);
	assert_int_equal(number(record, "leaks.suppressed.blocks"), 10);
	run__free(run);
	/* It says nothing of another function's. */
	run = trace_suppressed(path, "definite");
	assert_int_equal(run->exit_status, 9);
	assert_int_equal(number(final_exit_record(run), "leaks.suppressed.blocks"), 0);
	run__free(run);
}

/* A suppression is what a report has between two lines of one brace. */
static void copy_suppressions(const char *report, FILE *to)
{
	bool inside = false;

	while (*report) {
		size_t length = strcspn(report, "\n");

		inside = inside || (length == 1 && *report == '{');
		if (inside)
			fprintf(to, "%.*s\n", (int)length, report);
		inside = inside && !(length == 1 && *report == '}');
		report += length + (report[length] == '\n');
	}
}

static char *generated_suppressions(const char *name)
{
	struct run *run = run_tracer(ARGS("--leak-check=full", "--gen-suppressions=all", "--",
					  victim("leak_kinds"), name));
	char *content = NULL;
	size_t size;
	FILE *file = open_memstream(&content, &size);

	assert_non_null(file);
	copy_suppressions(run->err, file);
	fclose(file);
	if (!size) {
		run__print(run);
		fail_msg("no suppression was printed");
	}
	run__free(run);
	return content;
}

/* What the tracer prints hides what it was printed for, and nothing else. */
static void test_generated_suppressions(void **state)
{
	static const char *const names[] = { "definite", "list", "aligned", "reallocated" };
	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *content = generated_suppressions(names[i]);
		const char *path = write_file("generated.supp", content);
		struct run *run = trace_suppressed(path, names[i]);

		if (run->exit_status != 0) {
			print_whole(content);
			run__print(run);
			fail_msg("%s is not hidden", names[i]);
		}
		assert_true(number(final_exit_record(run), "leaks.suppressed.blocks") > 0);
		run__free(run);
		run = trace_suppressed(path, "unaligned");
		assert_int_equal(run->exit_status, 9);
		run__free(run);
		free(content);
	}
}

/* Refused before the command runs, with the place in the file. */
static void test_broken_suppressions(void **state)
{
	const char *path =
		write_file("broken.supp", "{\n   a name\n   Memcheck:Leak\n   nonsense\n}\n");
	struct run *run = run_tracer(ARGS("--leak-check=full", words("--suppressions=%s", path),
					  "--", "/bin/echo", "it ran"));
	(void)state;

	assert_true(run->exit_status >= STATUS_USAGE);
	assert_contains(run->err, words("%s:4", path));
	assert_one_line(run->err);
	assert_string_equal(run->out, "");
	run__free(run);
	run = run_tracer(ARGS("--leak-check=full", "--suppressions=/nonexistent/file", "--",
			      "/bin/echo", "it ran"));
	assert_true(run->exit_status >= STATUS_USAGE);
	assert_contains(run->err, "/nonexistent/file");
	assert_string_equal(run->out, "");
	run__free(run);
}

/* ---- what can't be looked through ---- */

/*
 * Nothing is called lost that is not. What is lost is found, or the report says that some may be
 * missing.
 */
static void compare_variant(const char *variant, const char *name)
{
	const struct leak_truth *truth = leak_truth__find("leak_kinds", name);
	struct child_options options = { .argv = ARGS(optional_victim(variant), name) };
	struct run *run = trace_leaks(&options);
	const json_t *record = final_exit_record(run);
	struct leak_counts counts = leak_counts__of(record);
	bool found = counts.of[LEAK_DEFINITE].bytes == truth->definite.bytes &&
		     counts.of[LEAK_INDIRECT].bytes == truth->indirect.bytes;

	leak_counts__print(&counts, words("%s %s", variant, name));
	if (counts.of[LEAK_DEFINITE].bytes > truth->definite.bytes ||
	    counts.of[LEAK_INDIRECT].bytes > truth->indirect.bytes ||
	    (!found && !truth_value(record, "leaks.lower_bound"))) {
		run__print(run);
		fail_msg("%s %s is wrong", variant, name);
	}
	run__free(run);
}

static void compare_variants(const char *variant)
{
	static const char *const names[] = { "definite",  "list",      "ring",	   "interior",
					     "in_global", "in_tls",    "in_freed", "reallocated",
					     "aligned",	  "in_mapping" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		compare_variant(variant, names[i]);
}

static void test_static_program(void **state)
{
	(void)state;
	compare_variants("leak_kinds_static");
}

static void test_musl(void **state)
{
	(void)state;
	compare_variants("leak_kinds_musl");
}

static void test_static_musl(void **state)
{
	(void)state;
	compare_variants("leak_kinds_muslstatic");
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
	const char *const *refused[] = {
		ARGS("--xml=yes"),
		ARGS("--xml=yes", "5"),
		ARGS("--leak-check=full", "0", "1"),
		ARGS("--leak-check=full", "-z", "100"),
		ARGS("--leak-check=full", "-z", "100", "--", "/bin/true"),
		ARGS("--leak-check=full", "-o", "100", "--", "/bin/true"),
		ARGS("--leak-check=maybe", "--", "/bin/true"),
		ARGS("--leak-check=full", "--show-leak-kinds=some", "--", "/bin/true"),
		ARGS("--error-exitcode=1", "--", "/bin/true"),
		ARGS("--gen-suppressions=all", "--", "/bin/true"),
		ARGS("--leak-check=full", "--error-exitcode=256", "--", "/bin/true"),
	};
	(void)state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct run *run = run_tracer(refused[i]);

		assert_int_equal(run->exit_status, STATUS_USAGE);
		assert_one_line(run->err);
		run__free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_exit_status),
		SYSTEM_TEST(test_exit_status_of_a_summary),
		SYSTEM_TEST(test_xml_is_as_valgrinds),
		SYSTEM_TEST(test_old_words_below_main),
		SYSTEM_TEST(test_old_words_below_exit),
		SYSTEM_TEST(test_suppression),
		SYSTEM_TEST(test_generated_suppressions),
		SYSTEM_TEST(test_broken_suppressions),
		SYSTEM_TEST(test_static_program),
		SYSTEM_TEST(test_musl),
		SYSTEM_TEST(test_static_musl),
		SYSTEM_TEST(test_refusals),
	};

	return cmocka_run_group_tests_name("leak_results", tests, harness__begin, harness__end);
}
