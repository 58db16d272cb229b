// SPDX-License-Identifier: GPL-2.0
/* The command line: errors, in one line and with the right status, and the effects of options. */
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "options.h"

static void test_wrong_usage(void **state)
{
	static const char *const wrong[][6] = {
		{ "-z", "10x", "--", "true" },
		{ "-z", "-1", "--", "true" },
		{ "-Z", "", "--", "true" },
		{ "-T", "-5", "--", "true" },
		{ "-T", "0", "--", "true" },
		{ "-T", "many", "--", "true" },
		{ "-o", "-1", "--", "true" },
		{ "-o", "1.5d", "--", "true" },
		{ "--max-blocks", "0", "--", "true" },
		{ "--max-stacks", "1e3", "--", "true" },
		{ "--frames", "0", "--", "true" },
		{ "--frames", "129", "--", "true" },
		{ "-z", "100", "-Z", "10", "--", "true" },
		{ "-p", "abc" },
		{ "-p", "1," },
		{ "-p", "0" },
		{ "-p", "-1" },
		{ "-p", "99999999999999999999" },
		{ "-p" },
		{ "-p", "1", "--", "true" },
		{ "-p", "1", "-c", "true" },
		{ "-p", "1", "1", "2", "3" },
		{ "-p", "1", "0" },
		{ "-p", "1", "soon" },
		{ "-p", "1", "1", "-3" },
		{ "-c", "true", "--", "true" },
		{ "-u", "nobody", "-p", "1" },
		{ "--" },
		{ "-w" },
		{ "--nonsense", "--", "true" },
		{ "--json=yes", "--", "true" },
		{ "-q", "--", "true" },
		{ "--leak-check=some", "--", "true" },
		{ "--leak-check=full", "0", "1" },
		{ "--xml=yes" },
		{ "--leak-check=full", "-z", "10", "--", "true" },
		{ "--leak-check=full", "0", "1", "--", "true" },
		{ "--error-exitcode=1", "--", "true" },
		{ "--suppressions=x", "--", "true" },
		{ "--xml=yes", "--json", "--", "true" },
		{ "-p", "1", "0", "1" },
		{ "true" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct run *run = run_tracer(wrong[i]);

		if (run->exit_status != STATUS_USAGE) {
			print_message("%s %s …\n", wrong[i][0], wrong[i][1] ? wrong[i][1] : "");
			run__print(run);
		}
		assert_int_equal(run->exit_status, STATUS_USAGE);
		assert_one_line(run->err);
		assert_contains(run->err, "memleak-bpf: ");
		assert_int_equal(run->out_size, 0);
		run__free(run);
	}
}

static void test_version(void **state)
{
	struct run *run = run_tracer(ARGS("--version"));
	(void)state;

	assert_int_equal(run->exit_status, STATUS_OK);
	assert_contains(run->out, "memleak-bpf");
	assert_contains(run->out, MEMLEAK_VERSION);
	assert_int_equal(run->err_size, 0);
	run__free(run);
}

static void test_help(void **state)
{
	static const char *const words[] = {
		"-p",		"-c",	       "-u",	       "-a",	       "-t",
		"-o",		"-T",	       "-z",	       "-Z",	       "-v",
		"-w",		"--json",      "--max-blocks", "--max-stacks", "--btf",
		"--version",	"--help",      "INTERVAL",     "COUNT",	       "--append",
		"--features",	"--exit-hook", "--exit-after", "--attach",     "--frames",
		"--leak-check", "--xml-file"
	};
	struct run *run = run_tracer(ARGS("--help"));
	(void)state;

	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(run->err_size, 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_contains(run->out, words[i]);
	run__free(run);
}

/* When the help can't be written, the status says so. */
static void test_help_to_a_full_disk(void **state)
{
	const char *argv[] = { tracer_path(), "--help", NULL };
	struct child_options options = { .argv = argv, .stdout_path = "/dev/full" };
	struct run *run;
	(void)state;

	if (access("/dev/full", W_OK) != 0)
		SKIP("there is no /dev/full here");
	run = run_with(&options, 30);
	assert_int_equal(run->exit_status, STATUS_OUTPUT);
	run__free(run);
}

/* The command must not have run when its report can't be written. */
static void test_unwritable_output(void **state)
{
	const char *witness = scratch("witness");
	const char *places[] = { scratch("absent/report"), scratch(".") };
	(void)state;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct run *run = run_tracer(ARGS("-w", places[i], "--", "touch", witness));

		if (run->exit_status != STATUS_OUTPUT)
			run__print(run);
		assert_int_equal(run->exit_status, STATUS_OUTPUT);
		assert_one_line(run->err);
		assert_contains(run->err, places[i]);
		assert_int_not_equal(access(witness, F_OK), 0);
		run__free(run);
	}
}

static void test_full_disk(void **state)
{
	struct run *run;
	(void)state;

	if (access("/dev/full", W_OK) != 0)
		SKIP("there is no /dev/full here");
	run = run_tracer(ARGS("--json", "-w", "/dev/full", "--", victim("leak64")));
	assert_int_equal(run->exit_status, STATUS_OUTPUT);
	assert_contains(run->err, "/dev/full");
	assert_one_line(run->err);
	run__free(run);
}

static int become_nobody(void *context)
{
	(void)context;
	return setgid(65534) || setuid(65534);
}

static void test_without_privileges(void **state)
{
	const char *argv[] = { tracer_path(), "--", victim("hello"), NULL };
	struct child_options options = { .argv = argv, .prepare = become_nobody };
	struct run *run = run_with(&options, 30);
	(void)state;

	if (run->exit_status == 95) {
		run__free(run);
		SKIP("the build folder is not open to other users");
	}
	assert_int_equal(run->exit_status, STATUS_PRIVILEGE);
	assert_one_line(run->err);
	assert_contains(run->err, "CAP_");
	/* The command did not run untraced instead. */
	assert_int_equal(run->out_size, 0);
	run__free(run);
}

/* Becomes root as in a rootless container: with every capability, and none that counts outside. */
static int become_root_of_a_namespace(void *context)
{
	const char map[] = "0 0 1";
	FILE *file;
	(void)context;

	if (unshare(CLONE_NEWUSER))
		return 1;
	file = fopen("/proc/self/uid_map", "w");
	return !file || fputs(map, file) < 0 || fclose(file) || setuid(0);
}

static void test_user_namespace_is_told(void **state)
{
	const char *argv[] = { tracer_path(), "--", victim("hello"), NULL };
	struct child_options options = { .argv = argv, .prepare = become_root_of_a_namespace };
	struct run *run = run_with(&options, 30);
	(void)state;

	if (run->exit_status == 96) {
		run__free(run);
		SKIP("there are no user namespaces here");
	}
	assert_int_equal(run->exit_status, STATUS_PRIVILEGE);
	assert_one_line(run->err);
	assert_contains(run->err, "user namespace");
	assert_int_equal(run->out_size, 0);
	run__free(run);
}

static void test_help_needs_no_privileges(void **state)
{
	const char *argv[] = { tracer_path(), "--help", NULL };
	struct child_options options = { .argv = argv, .prepare = become_nobody };
	struct run *run = run_with(&options, 30);
	(void)state;

	if (run->exit_status == 95) {
		run__free(run);
		SKIP("the build folder is not open to other users");
	}
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_contains(run->out, "usage");
	run__free(run);
}

static void test_btf(void **state)
{
	const char *garbage = scratch("garbage.btf");
	const char *wrong[] = { scratch("absent.btf"), garbage };
	FILE *file = fopen(garbage, "w");
	struct run *run;
	(void)state;

	assert_non_null(file);
	fputs("these are no types\n", file);
	fclose(file);
	for (size_t i = 0; i < 2; i++) {
		run = run_tracer(ARGS("--btf", wrong[i], "--", victim("hello")));
		if (run->exit_status < STATUS_USAGE || run->exit_status > STATUS_FAILED)
			run__print(run);
		assert_in_range(run->exit_status, STATUS_USAGE, STATUS_FAILED);
		assert_one_line(run->err);
		assert_contains(run->err, wrong[i]);
		assert_int_equal(run->out_size, 0);
		run__free(run);
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		SKIP("this kernel has no BTF to give by name");
	run = trace(ARGS("--btf", "/sys/kernel/btf/vmlinux"), ARGS(victim("leak64")));
	assert_held(exit_record(run), 64 * MIB, 1);
	run__free(run);
}

/* sizes: twelve blocks of 100, 200, … 1200 bytes, each from a function of its own. */
static void test_sizes(void **state)
{
	static const struct {
		const char *min, *max;
		long long bytes, blocks;
	} filters[] = {
		{ "500", NULL, 6800, 8 }, { NULL, "500", 1500, 5 }, { "500", "900", 3500, 5 },
		{ "600", "600", 600, 1 }, { "1K", NULL, 2300, 2 },  { "0", "1G", 7800, 12 },
		{ "1201", NULL, 0, 0 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		const char *options[5];
		const json_t *record;
		struct run *run;
		size_t n = 0;

		if (filters[i].min) {
			options[n++] = "-z";
			options[n++] = filters[i].min;
		}
		if (filters[i].max) {
			options[n++] = "-Z";
			options[n++] = filters[i].max;
		}
		options[n] = NULL;
		run = trace(options, ARGS(victim("sizes")));
		record = exit_record(run);
		assert_held(record, filters[i].bytes, filters[i].blocks);
		assert_consistent(record);
		run__free(run);
	}
}

static void test_filter_is_said(void **state)
{
	struct run *run = run_tracer(ARGS("-z", "500", "--", victim("sizes")));
	(void)state;

	assert_contains(run->err, "6,800 bytes in 8 blocks");
	assert_contains(run->err, "not counted");
	run__free(run);
	run = trace(ARGS("-z", "500"), ARGS(victim("sizes")));
	assert_true(truth_value(exit_record(run), "filtered"));
	run__free(run);
	run = trace(NO_ARGS, ARGS(victim("sizes")));
	assert_false(truth_value(exit_record(run), "filtered"));
	run__free(run);
}

/* Frees of filtered blocks take nothing from the others. */
static void test_sizes_with_frees(void **state)
{
	struct run *run = trace(ARGS("-z", "500", "-T", "100"), ARGS(victim("family")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_held(record, 2 * (503 + 640 + 701 + 809 + 907), 10);
	assert_int_equal(number(record, "totals.freed_blocks"), 5);
	run__free(run);
}

static void test_top(void **state)
{
	struct run *run = trace(ARGS("-T", "3"), ARGS(victim("sizes")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(json_array_size(field(record, "stacks")), 3);
	/* The three largest, largest first. */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(number(json_array_get(field(record, "stacks"), i), "bytes"),
				 1200 - 100 * i);
	assert_held(record, 7800, 12);
	assert_int_equal(number(record, "more_stacks"), 9);
	assert_int_equal(number(record, "more_bytes"), 4500);
	assert_int_equal(number(record, "more_blocks"), 9);
	run__free(run);
}

static void test_ten_by_default(void **state)
{
	struct run *run = trace(NO_ARGS, ARGS(victim("sizes")));
	(void)state;

	assert_int_equal(json_array_size(field(exit_record(run), "stacks")), 10);
	assert_consistent(exit_record(run));
	run__free(run);
	run = run_tracer(ARGS("--", victim("sizes")));
	assert_contains(run->err, "and 2 more stacks, 300 bytes");
	assert_contains(run->err, "keep_300");
	assert_lacks(run->err, "keep_200");
	run__free(run);
}

static void test_block_list(void **state)
{
	struct run *run = trace(ARGS("-a"), ARGS(victim("in_handler")));
	const json_t *record = exit_record(run);
	const json_t *stack = stack_of_bytes(record, 40 * 150);
	json_t *block;
	size_t i;
	long long sum = 0;
	(void)state;

	assert_int_equal(json_array_size(field(stack, "block_list")), 40);
	json_array_foreach(field(stack, "block_list"), i, block)
	{
		sum += number(block, "bytes");
		assert_int_equal(strncmp(text(block, "address"), "0x", 2), 0);
		/* Each block is listed once. */
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(text(json_array_get(field(stack, "block_list"), j),
						     "address"),
						text(block, "address"));
	}
	assert_int_equal(sum, 40 * 150);
	run__free(run);

	run = trace(NO_ARGS, ARGS(victim("in_handler")));
	assert_true(is_null(stack_of_bytes(exit_record(run), 40 * 150), "block_list"));
	run__free(run);
}

/* Each allocation and each free is written as it happens, in order. */
static void test_trace_of_calls(void **state)
{
	struct run *run = trace(ARGS("-t"), ARGS(victim("family")));
	long long allocated = 0, freed = 0, bytes = 0;
	json_t *event;
	size_t i;
	(void)state;

	json_array_foreach(run->events, i, event)
	{
		const char *kind = text(event, "event");

		if (!strcmp(kind, "alloc")) {
			allocated++;
			bytes += number(event, "size_bytes");
			assert_int_equal(number(event, "pid"), number(event, "tid"));
			assert_string_equal(text(event, "comm"), "family");
		} else if (!strcmp(kind, "free")) {
			freed++;
			assert_string_equal(text(event, "function"), "free");
		}
		if (allocated + freed && !strcmp(kind, "exit"))
			assert_int_equal(number(event, "lost.events"), 0);
	}
	assert_int_equal(allocated, truth_of(run, 0).allocated_blocks);
	assert_int_equal(bytes, truth_of(run, 0).allocated_bytes);
	assert_int_equal(freed, truth_of(run, 0).freed_blocks);
	/* The trace is an addition: the report comes too. */
	assert_int_equal(number(exit_record(run), "held.blocks"), truth_of(run, 0).held_blocks);
	run__free(run);
}

static void test_age(void **state)
{
	struct run *run = trace(ARGS("-o", "400", "-T", "100"), ARGS(victim("sizes"), "900"));
	const json_t *record = exit_record(run);
	(void)state;

	/* Six were made, then a pause of 900 ms, then six more. */
	assert_int_equal(all_stacks(record).blocks, 6);
	assert_int_equal(all_stacks(record).bytes, 2100);
	assert_int_equal(stacks_with(record, "keep_600").blocks, 1);
	assert_int_equal(stacks_with(record, "keep_700").blocks, 0);
	/* The held figures do not depend on the list's filter. */
	assert_held(record, 7800, 12);
	assert_true(real(record, "min_age_s") > 0.39 && real(record, "min_age_s") < 0.41);
	run__free(run);
}

static void test_age_in_the_block_list(void **state)
{
	struct run *run = trace(ARGS("-a", "-o", "0", "-T", "100"), ARGS(victim("sizes"), "900"));
	const json_t *record = exit_record(run);
	const json_t *old = stack_of_bytes(record, 600), *young = stack_of_bytes(record, 700);
	double old_s, young_s;
	(void)state;

	old_s = real(json_array_get(field(old, "block_list"), 0), "age_s");
	young_s = real(json_array_get(field(young, "block_list"), 0), "age_s");
	assert_true(old_s - young_s > 0.85 && old_s - young_s < 10);
	run__free(run);
}

static void test_interval_with_a_command(void **state)
{
	struct run *run = trace(ARGS("0.5", "2"), ARGS(victim("drip"), "50", "100", "40"));
	struct truth truth = truth_of(run, 0);
	long long first, second;
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(count_events(run, "outstanding"), 2);
	first = number(event_record(run, "outstanding", 0), "held.blocks");
	second = number(event_record(run, "outstanding", 1), "held.blocks");
	assert_true(first > 0 && second > first && second < 40);
	assert_false(truth_value(event_record(run, "outstanding", 0), "late_attach"));
	/* A command is reported when it ends, whatever COUNT was. */
	assert_exact(exit_record(run), &truth);
	run__free(run);
}

static void test_text_says_the_same(void **state)
{
	struct run *run = run_tracer(ARGS("--", victim("leak64")));
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(run->out_size, 0);
	assert_contains(run->err, "leak64 ended: exit status 0");
	assert_contains(run->err, "67,108,864 bytes in 1 block");
	assert_contains(run->err, "1 allocation, 0 frees");
	assert_contains(run->err, "kernel reclaimed");
	assert_contains(run->err, "verified");
	assert_contains(run->err, "main");
	assert_contains(run->err, "leak64.c:8");
	/* No memory was scanned, so no block may be called leaked or lost. */
	assert_lacks(run->err, "leaked");
	assert_lacks(run->err, "lost");
	assert_lacks(run->err, "at least");
	run__free(run);
}

static void test_output_file(void **state)
{
	const char *path = scratch("report.txt");
	struct run *run = run_tracer(ARGS("-w", path, "--", victim("leak64")));
	char content[8192];
	FILE *file;
	size_t n;
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(run->out_size, 0);
	assert_int_equal(run->err_size, 0);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(content, 1, sizeof(content) - 1, file);
	content[n] = '\0';
	fclose(file);
	assert_contains(content, "67,108,864 bytes in 1 block");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_wrong_usage),
		SYSTEM_TEST(test_version),
		SYSTEM_TEST(test_help),
		SYSTEM_TEST(test_help_to_a_full_disk),
		SYSTEM_TEST(test_unwritable_output),
		SYSTEM_TEST(test_full_disk),
		SYSTEM_TEST(test_without_privileges),
		SYSTEM_TEST(test_user_namespace_is_told),
		SYSTEM_TEST(test_help_needs_no_privileges),
		SYSTEM_TEST(test_btf),
		SYSTEM_TEST(test_sizes),
		SYSTEM_TEST(test_filter_is_said),
		SYSTEM_TEST(test_sizes_with_frees),
		SYSTEM_TEST(test_top),
		SYSTEM_TEST(test_ten_by_default),
		SYSTEM_TEST(test_block_list),
		SYSTEM_TEST(test_trace_of_calls),
		SYSTEM_TEST(test_age),
		SYSTEM_TEST(test_age_in_the_block_list),
		SYSTEM_TEST(test_interval_with_a_command),
		SYSTEM_TEST(test_text_says_the_same),
		SYSTEM_TEST(test_output_file),
	};

	return cmocka_run_group_tests_name("options", tests, harness__begin, harness__end);
}
