// SPDX-License-Identifier: GPL-2.0
/* The whole system: every process that ends is reported, exactly. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exits_by_name.h"
#include "family.h"
#include "open_files.h"

/* Whether an address space has ended: earlier records of its process are not counted twice. */
static bool is_final(const json_t *record)
{
	return !strcmp(text(record, "event"), "exit") && truth_value(record, "end.memory_gone");
}

/* The program that ran under that PID, not the fork's copy before it. */
static json_t *program_of(const struct run *run, pid_t pid)
{
	json_t *record = exit_record_of(run, pid, 0);

	return truth_value(record, "fork_copy") ? exit_record_of(run, pid, 1) : record;
}

/* ---- ends ---- */

static void test_every_end(void **state)
{
	unsigned int wanted = 300, nr = 0, nr_final = 0;
	char count[16];
	struct child *tracer = start_tracer(NO_ARGS);
	struct run *storm, *run;
	json_t *record;
	size_t i;

	(void)state;
	wanted = scaled(wanted);
	snprintf(count, sizeof(count), "%u", wanted);
	storm = run_plain(ARGS(victim("storm"), count, "300", victim("brief")));
	assert_int_equal(storm->exit_status, 0);
	run__free(storm);
	run = stop_tracer(tracer);
	json_array_foreach(run->events, i, record)
	{
		nr_final += is_final(record);
		if (!is_exit_of(record, "brief") || truth_value(record, "fork_copy"))
			continue;
		assert_brief(record);
		assert_int_equal(stacks_with(record, "keep").blocks, BRIEF_BLOCKS);
		nr++;
	}
	assert_int_equal(nr, wanted);
	record = event_record(run, "total", 0);
	assert_int_equal(number(record, "processes"), nr_final);
	assert_int_equal(number(record, "not_reclaimed"), 0);
	assert_int_equal(number(record, "lost.events"), 0);
	run__free(run);
}

static void test_totals_are_the_sums(void **state)
{
	struct child *tracer = start_tracer(NO_ARGS);
	long long held = 0, copies = 0, verified = 0;
	struct run *run;
	json_t *record;
	size_t i;

	(void)state;
	run__free(run_plain(ARGS("/bin/sh", "-c",
				 "ls / >/dev/null; (:); for i in 1 2 3; do cat </dev/null; done")));
	run = stop_tracer(tracer);
	assert_int_equal(count_exits(run, "cat", NULL), 3);
	json_array_foreach(run->events, i, record)
	{
		if (!is_final(record))
			continue;
		if (!is_null(record, "held"))
			held += number(record, "held.bytes");
		copies += truth_value(record, "fork_copy") &&
			  !strcmp(text(record, "end.kind"), "exec");
		verified += !is_null(record, "verified") && truth_value(record, "verified");
	}
	record = event_record(run, "total", 0);
	assert_int_equal(number(record, "held_bytes"), held);
	assert_int_equal(number(record, "fork_copies"), copies);
	assert_int_equal(number(record, "verified"), verified);
	assert_true(copies >= 1);
	run__free(run);
}

static void test_the_tracer_is_not_traced(void **state)
{
	struct child *tracer = start_tracer(ARGS("0.2"));
	pid_t pid = child__pid(tracer);
	struct run *run;
	json_t *record;
	size_t i, j;

	(void)state;
	run__free(run_plain(ARGS(victim("brief"))));
	child__wait_event(tracer, "ranking", 3, 30);
	run = stop_tracer(tracer);
	assert_brief(only_exit(run, "brief"));
	json_array_foreach(run->events, i, record)
	{
		json_t *row;

		if (!strcmp(text(record, "event"), "exit"))
			assert_int_not_equal(number(record, "pid"), pid);
		if (strcmp(text(record, "event"), "ranking") != 0)
			continue;
		json_array_foreach(field(record, "top"), j, row)
			assert_int_not_equal(number(row, "pid"), pid);
	}
	run__free(run);
}

/* Blocks from before the attach are not counted, and the report says so. */
static void test_who_ran_before(void **state)
{
	const char *argv[] = { victim("obey"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *daemon = child__start(&options), *tracer;
	struct run *run;
	json_t *record;

	(void)state;
	child__wait_output(daemon, "ready\n", 1, 30);
	child__send(daemon, "alloc 5 100\n");
	child__wait_output(daemon, "ok\n", 1, 30);
	tracer = start_tracer(NO_ARGS);
	child__send(daemon, "alloc 3 70\nfree 1\nexit 4\n");
	run__free(child__finish(daemon, 30));
	run = stop_tracer(tracer);
	record = only_exit(run, "obey");
	assert_true(truth_value(record, "late_attach"));
	assert_int_equal(number(record, "end.code"), 4);
	assert_held(record, 140, 2);
	assert_reclaimed(record);
	run__free(run);
}

/* ---- relatives ---- */

static void test_forks(void **state)
{
	struct child *tracer = start_tracer(NO_ARGS);
	struct run *family = run_plain(ARGS(victim("forks"))), *run = stop_tracer(tracer);

	(void)state;
	compare_family(family, run, 3);
	assert_int_equal(number(only_exit(run, "true"), "inherited.blocks"), 0);
	run__free(family);
	run__free(run);
}

static void test_shared_memory_of_vfork_and_spawn(void **state)
{
	static const char *const ways[] = { "vfork", "vfork-exec", "spawn" };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct child *tracer = start_tracer(NO_ARGS);
		struct run *relatives = run_plain(ARGS(victim("relatives"), ways[i]));
		struct run *run = stop_tracer(tracer);
		struct truth truth = truth_of(relatives, 0);

		assert_int_equal(relatives->exit_status, 0);
		assert_exact(program_of(run, relatives->pid), &truth);
		run__free(relatives);
		run__free(run);
	}
}

/* Runs a program under a wanted PID: the kernel is told where to go on counting. */
static pid_t run_as(pid_t wanted, const char *const *argv)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	pid_t child;

	if (fd < 0)
		SKIP("the kernel has no /proc/sys/kernel/ns_last_pid");
	dprintf(fd, "%d", wanted - 1);
	close(fd);
	child = fork();
	if (!child) {
		execv(argv[0], (char *const *)argv);
		_exit(97);
	}
	waitpid(child, NULL, 0);
	return child;
}

/* Other processes of the machine may have had the PID too. */
static json_t *program_of_pid(const struct run *run, pid_t pid, const char *comm)
{
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		if (is_exit_of(record, comm) && number(record, "pid") == pid &&
		    !truth_value(record, "fork_copy"))
			return record;
	}
	run__print(run);
	fail_msg("no exit of %s with PID %d", comm, pid);
	return NULL;
}

static void test_a_pid_is_used_again(void **state)
{
	struct child *tracer = start_tracer(NO_ARGS);
	struct run *run;
	pid_t first = 0, second = -1;
	json_t *record;

	(void)state;
	for (int i = 0; i < 100 && first != second; i++) {
		first = run_as(30000 + 7 * i, ARGS(victim("brief")));
		second = run_as(first, ARGS(victim("leak64")));
	}
	assert_int_equal(first, second);
	run = stop_tracer(tracer);
	assert_brief(program_of_pid(run, first, "brief"));
	record = program_of_pid(run, first, "leak64");
	assert_held(record, 64 * MIB, 1);
	assert_contains(text(record, "exe"), "leak64");
	run__free(run);
}

static void test_pid_namespace(void **state)
{
	struct child *tracer = start_tracer(NO_ARGS);
	struct run *plain = run_plain(ARGS("/usr/bin/unshare", "--pid", "--fork", "--mount-proc",
					   "/bin/sh", "-c", "\"$0\"; exit 5", victim("brief")));
	struct run *run = stop_tracer(tracer);
	json_t *record = only_exit(run, "brief");

	(void)state;
	assert_int_equal(plain->exit_status, 5);
	assert_brief(record);
	assert_int_equal(number(record, "pid_in_namespace"), 2);
	run__free(plain);
	run__free(run);
}

/* ---- some of the ends ---- */

static void run_three(void)
{
	run__free(run_plain(ARGS(victim("brief"), "0")));
	run__free(run_plain(ARGS(victim("brief"))));
	run__free(run_plain(ARGS(victim("die"), "kill")));
}

static unsigned int nr_exits_of(const struct run *run, const char *comm)
{
	unsigned int nr = 0;
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		nr += !strcmp(text(record, "event"), "exit") && !strcmp(text(record, "comm"), comm);
	}
	return nr;
}

static void test_only_some_ends(void **state)
{
	struct child *tracer = start_tracer(ARGS("--only", "failed,comm=brief"));
	struct run *run;
	(void)state;

	run_three();
	run = stop_tracer(tracer);
	assert_int_equal(nr_exits_of(run, "brief"), count_events(run, "exit"));
	assert_int_equal(nr_exits_of(run, "die"), 0);
	/* The total counts all. */
	assert_true(number(event_record(run, "total", 0), "processes") >= 3);
	run__free(run);

	tracer = start_tracer(ARGS("--only", "signalled"));
	run_three();
	run = stop_tracer(tracer);
	assert_int_equal(nr_exits_of(run, "brief"), 0);
	assert_int_equal(nr_exits_of(run, "die"), 1);
	run__free(run);

	tracer = start_tracer(ARGS("--no-ends", "0.5"));
	run_three();
	child__wait_event(tracer, "ranking", 1, 30);
	run = stop_tracer(tracer);
	assert_int_equal(count_events(run, "exit"), 0);
	run__free(run);
}

/* ---- an interval ---- */

static void test_ranking(void **state)
{
	const char *argv[] = { victim("obey"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *tracer = start_tracer(ARGS("--sort", "held", "0.5"));
	struct child *daemons[2] = { child__start(&options), child__start(&options) };
	struct run *run;
	json_t *record, *stack = NULL, *row;
	unsigned int nr;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		child__wait_output(daemons[i], "ready\n", 1, 30);
	wait_until_known(tracer, argv[0]);
	for (i = 0; i < 2; i++) {
		/* No process of a test machine allocates as much in a second. */
		child__send(daemons[i], "alloc 300 1000003\n");
		child__wait_output(daemons[i], "ok\n", 1, 30);
	}
	child__send(daemons[0], "free 100\nalloc 1 7\n");
	child__wait_output(daemons[0], "ok\n", 3, 30);
	run = stop_tracer(tracer);
	nr = count_events(run, "ranking");
	assert_true(nr >= 1);
	record = event_record(run, "ranking", nr - 1);
	assert_true(number(record, "held.bytes") >= 500 * 1000003LL + 7);
	row = json_array_get(field(record, "top"), 0);
	assert_int_equal(number(row, "pid"), child__pid(daemons[1]));
	assert_int_equal(number(row, "held.bytes"), 300 * 1000003LL);
	row = json_array_get(field(record, "top"), 1);
	assert_int_equal(number(row, "pid"), child__pid(daemons[0]));
	assert_int_equal(number(row, "held.blocks"), 201);
	json_array_foreach(field(record, "stacks"), i,
			   row) if (!stack && !strcmp(frame_function(row, 0), "keep")) stack = row;
	assert_non_null(stack);
	/* The two processes share one stack, although their addresses differ. */
	assert_int_equal(number(stack, "processes"), 2);
	assert_int_equal(number(stack, "bytes"), 500 * 1000003LL + 7);
	run__free(run);
	for (i = 0; i < 2; i++) {
		child__close_stdin(daemons[i]);
		run__free(child__finish(daemons[i], 30));
	}
}

static void test_text(void **state)
{
	const char *argv[] = { tracer_path(), NULL };
	struct child_options options = { .argv = argv };
	struct child *tracer = child__start(&options);
	struct run *run;

	(void)state;
	child__wait_output(tracer, "VERIFIED\n", 1, 30);
	run__free(run_plain(ARGS("/bin/sh", "-c", "\"$0\"; exit 3", victim("brief"))));
	run__free(run_plain(ARGS(victim("die"), "kill")));
	kill(child__pid(tracer), SIGTERM);
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "TIME         PID COMM ");
	assert_contains(run->out, " brief           exit 7         1.06K       10 ");
	assert_contains(run->out, " sh              exit 3 ");
	assert_contains(run->out, " die             SIGKILL ");
	assert_contains(run->out, "\ntotal: ");
	assert_contains(run->out, "memleak-bpf itself used ");
	assert_string_equal(run->err, "");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_every_end),
		SYSTEM_TEST(test_totals_are_the_sums),
		SYSTEM_TEST(test_the_tracer_is_not_traced),
		SYSTEM_TEST(test_who_ran_before),
		SYSTEM_TEST(test_forks),
		SYSTEM_TEST(test_shared_memory_of_vfork_and_spawn),
		SYSTEM_TEST(test_a_pid_is_used_again),
		SYSTEM_TEST(test_pid_namespace),
		SYSTEM_TEST(test_only_some_ends),
		SYSTEM_TEST(test_ranking),
		SYSTEM_TEST(test_text),
	};

	return cmocka_run_group_tests_name("system", tests, harness__begin, harness__end);
}
