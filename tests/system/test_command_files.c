// SPDX-License-Identifier: GPL-2.0
/*
 * The files of a command, which are read before it starts: those that it runs, and those that can't
 * be read.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

/* Gives up the capability to read other users' private files. */
static int keep_to_permissions(void *context)
{
	(void)context;
	for (int capability = CAP_DAC_OVERRIDE; capability <= CAP_DAC_READ_SEARCH; capability++)
		if (prctl(PR_CAPBSET_DROP, capability))
			return 1;
	return 0;
}

/*
 * A program that can't be read, such as one on a user's FUSE mount, does not count as a program
 * without an allocator.
 */
static void test_unreadable_program_is_told(void **state)
{
	const char *program = scratch("unreadable");
	const char *argv[] = { tracer_path(), "--", program, NULL };
	struct child_options options = { .argv = argv, .prepare = keep_to_permissions };
	struct run *run;
	(void)state;

	run__free(run_plain(ARGS("cp", victim("leak64"), program)));
	assert_int_equal(chmod(program, 0711), 0);
	assert_int_equal(chown(program, 65534, 65534), 0);
	run = run_with(&options, RUN_TIMEOUT_S);
	skip_if_everybody_is_probed(run);
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->err, "warning: ");
	assert_contains(run->err, program);
	assert_contains(run->err, "Permission denied");
	assert_contains(run->err, "67,108,864 bytes in 1 block\n");
	run__free(run);
}

/*
 * The unreadable program is all that there is: its held blocks are unknown, as it may have an
 * allocator.
 */
static void test_unreadable_program_was_not_looked_at(void **state)
{
	const char *program = scratch("unreadable_static"), *report = scratch("unreadable.json");
	const char *argv[] = { tracer_path(), "--json", "-w", report, "--", program, NULL };
	struct child_options options = {
		.argv = argv,
		.prepare = keep_to_permissions,
		.report_path = report,
	};
	struct run *run;
	(void)state;

	run__free(run_plain(ARGS("cp", victim("leak64_static"), program)));
	assert_int_equal(chmod(program, 0711), 0);
	assert_int_equal(chown(program, 65534, 65534), 0);
	run = run_with(&options, RUN_TIMEOUT_S);
	skip_if_everybody_is_probed(run);
	assert_int_equal(run->exit_status, 0);
	assert_true(is_null(exit_record(run), "held"));
	assert_false(truth_value(exit_record(run), "has_allocator"));
	assert_contains(text(exit_record(run), "not_looked_at"), "may not be read");
	run__free(run);
}

/*
 * Checks the last program of a chain of programs that run each other; it has an allocator of its
 * own.
 */
static void check_chain(const char *const *options, const char *const *command)
{
	struct run *run = trace(options, command);
	unsigned int nr = count_events(run, "exit");
	bool found = false;

	assert_int_equal(run->exit_status, 0);
	for (unsigned int i = 0; i < nr; i++) {
		const json_t *record = event_record(run, "exit", i);

		if (strcmp(text(record, "comm"), "leak64") != 0 ||
		    strcmp(text(record, "end.kind"), "exited") != 0)
			continue;
		assert_held(record, 64 * MIB, 1);
		assert_false(truth_value(record, "late_attach"));
		found = true;
	}
	assert_true(found);
	run__free(run);
}

static void test_program_run_by_the_command(void **state)
{
	char preload[4200], shell[8500];
	const char *program = victim("leak64");
	(void)state;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", victim("libbump_allocator.so"));
	snprintf(shell, sizeof(shell), "%s exec %s", preload, program);
	check_chain(NO_ARGS, ARGS("env", preload, program));
	check_chain(NO_ARGS, ARGS("env", "-i", "A=1", preload, program));
	check_chain(NO_ARGS, ARGS("nice", "-n", "1", "env", "-u", "A", preload, program));
	check_chain(NO_ARGS, ARGS("sh", "-c", shell));
	check_chain(ARGS("-f"), ARGS("timeout", "100", "env", preload, program));
}

#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

/* A C library that no process ever had, in the folder that the loader is told of. */
static void test_loader_is_told_where_libraries_are(void **state)
{
	const char *folder = scratch("libraries");
	struct truth truth;
	struct run *run;
	(void)state;

	if (access(LOADER, X_OK) || access(LIBC, R_OK))
		SKIP("no glibc here");
	assert_int_equal(mkdir(folder, 0755), 0);
	run__free(run_plain(ARGS("cp", "-L", LIBC, folder)));
	run = trace(ARGS("-T", "1000"), ARGS(LOADER, "--library-path", folder, victim("family")));
	truth = truth_of(run, 0);
	assert_int_equal(run->exit_status, 0);
	assert_false(truth_value(exit_record(run), "late_attach"));
	assert_exact(exit_record(run), &truth);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_unreadable_program_is_told),
		SYSTEM_TEST(test_unreadable_program_was_not_looked_at),
		SYSTEM_TEST(test_program_run_by_the_command),
		SYSTEM_TEST(test_loader_is_told_where_libraries_are),
	};

	return cmocka_run_group_tests_name("command files", tests, harness__begin, harness__end);
}
