// SPDX-License-Identifier: GPL-2.0
/* The whole system: programs that are new, replaced or deleted while it is traced. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exits_by_name.h"
#include "open_files.h"

/* Of static glibc, before main. */
#define MAX_OWN_BLOCKS 10

static void copy_file(const char *from, const char *to)
{
	struct run *run = run_plain(ARGS("/bin/cp", from, to));

	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

/*
 * A new allocator is probed when it was written, which can be a moment after its first run began:
 * then the report of that one says so. The second is seen from the start.
 */
static void test_a_new_allocator(void **state)
{
	struct child *tracer = start_tracer(NO_ARGS);
	struct run *run;
	json_t *record = NULL;
	unsigned int nr = 0;
	size_t i;

	(void)state;
	copy_file(victim("leak64_static"), scratch("newcomer"));
	run__free(run_plain(ARGS(scratch("newcomer"))));
	pause_ms(1000);
	run__free(run_plain(ARGS(scratch("newcomer"))));
	run = stop_tracer(tracer);
	json_array_foreach(run->events, i, record)
	{
		if (!is_exit_of(record, "newcomer") || truth_value(record, "fork_copy"))
			continue;
		if (nr++ || !truth_value(record, "late_attach"))
			/* some are the static libc's own */
			assert_int_equal(stacks_with(record, "main").bytes, 64 * MIB);
		assert_reclaimed(record);
	}
	assert_int_equal(nr, 2);
	run__free(run);
}

/* Has the file system of the tests' folder leases? */
static bool has_leases(void)
{
	int fd = open(scratch("leased"), O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	bool has;

	assert_true(fd >= 0);
	has = !fcntl(fd, F_SETLEASE, F_RDLCK);
	close(fd);
	return has;
}

static void run_copy(const char *of, const char *path)
{
	struct run *plain = run_plain(ARGS(of));
	struct run *copy;

	copy_file(of, path);
	copy = run_plain(ARGS(path));
	assert_int_equal(copy->exit_status, plain->exit_status);
	assert_int_equal(copy->signal, plain->signal);
	assert_string_equal(copy->out, plain->out);
	run__free(copy);
	run__free(plain);
}

/* A run that was not seen from its beginning says so: others have the blocks of one program. */
static void assert_none_is_late_unsaid(const struct run *run, long long family_blocks)
{
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		if (!is_exit_of(record, "rewritten") || is_null(record, "held") ||
		    truth_value(record, "late_attach") || truth_value(record, "fork_copy"))
			continue;
		if (number(record, "held.bytes") < (long long)(64 * MIB))
			assert_int_equal(number(record, "held.blocks"), family_blocks);
	}
}

/*
 * The same file has one program after the other, each with its malloc at another place. The
 * breakpoints for one must not be in the next.
 */
static void check_overwritten(const char *const *options)
{
	struct child *tracer = start_tracer(options);
	const char *path = scratch("rewritten");
	struct truth truth;
	struct run *plain, *run;

	for (unsigned int i = 0; i < 2; i++) {
		run_copy(victim("family_static"), path);
		pause_ms(i * 40);
		run_copy(victim("leak64_static"), path);
		pause_ms(i * 40);
	}
	run_copy(victim("family_static"), path);
	pause_ms(1000);
	/* The last run, by another name for the file, is seen from its beginning. */
	unlink(scratch("last"));
	assert_int_equal(link(path, scratch("last")), 0);
	plain = run_plain(ARGS(scratch("last")));
	truth = truth_of(plain, 0);
	run = stop_tracer(tracer);
	assert_exact_in(only_exit(run, "last"), &truth, ARGS("main"), MAX_OWN_BLOCKS);
	assert_none_is_late_unsaid(run, number(only_exit(run, "last"), "held.blocks"));
	run__free(plain);
	run__free(run);
}

static void test_overwritten_programs(void **state)
{
	static const char *const ways[] = { "session", "multi", "perf" };
	(void)state;

	if (!has_leases())
		SKIP("the file system of the tests' folder has no leases");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char feature[32];

		snprintf(feature, sizeof(feature), "uprobe_%s", ways[i]);
		if (kernel_has(feature))
			check_overwritten(ARGS("-T", "1000", "--attach", ways[i]));
	}
}

/*
 * Builds make, run and delete programs: their disk space must not be held, and a file that gets the
 * inode of a deleted one must not be taken for it.
 */
static void test_deleted_programs_are_let_go(void **state)
{
	static const char *const kinds[] = { "brief", "leak64_static", "no_allocator", "brief",
					     "leak64_static" };
	struct child *tracer = start_tracer(NO_ARGS);
	const char *path = scratch("a.out");
	double until_s = now_s() + 30;
	struct run *run;
	json_t *record;
	unsigned int nr = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		copy_file(victim(kinds[i]), path);
		run__free(run_plain(ARGS(path)));
		pause_ms(500);
		run__free(run_plain(ARGS(path)));
		assert_int_equal(unlink(path), 0);
	}
	while (count_descriptors(child__pid(tracer), path) && now_s() < until_s)
		pause_ms(100);
	assert_int_equal(count_descriptors(child__pid(tracer), path), 0);
	run = stop_tracer(tracer);
	i = 0;
	json_array_foreach(run->events, i, record)
	{
		const char *kind;

		if (!is_exit_of(record, "a.out") || truth_value(record, "fork_copy"))
			continue;
		kind = kinds[nr / 2];
		if (!strcmp(kind, "brief"))
			assert_brief(record);
		else if (!strcmp(kind, "no_allocator"))
			assert_true(is_null(record, "held"));
		else if (nr % 2)
			assert_int_equal(stacks_with(record, "main").bytes, 64 * MIB);
		nr++;
	}
	assert_int_equal(nr, 2 * sizeof(kinds) / sizeof(kinds[0]));
	run__free(run);
}

/* The running program is gone from its path, and another program is there. */
static void test_a_replaced_program(void **state)
{
	struct child *tracer = start_tracer(NO_ARGS), *old;
	const char *path = scratch("replaced");
	const char *const argv[] = { path, "3000", NULL };
	struct child_options options = { .argv = argv };
	struct run *run;
	json_t *record;

	(void)state;
	copy_file(victim("brief"), path);
	old = child__start(&options);
	wait_until_known(tracer, path);
	assert_int_equal(unlink(path), 0);
	copy_file(victim("leak64"), path);
	run__free(child__finish(old, 30));
	run = stop_tracer(tracer);
	record = only_exit(run, "replaced");
	assert_brief(record);
	assert_int_equal(stacks_with(record, "keep").blocks, BRIEF_BLOCKS);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_a_new_allocator),
		SYSTEM_TEST(test_overwritten_programs),
		SYSTEM_TEST(test_a_replaced_program),
		SYSTEM_TEST(test_deleted_programs_are_let_go),
	};

	return cmocka_run_group_tests_name("system_files", tests, harness__begin, harness__end);
}
