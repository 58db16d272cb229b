// SPDX-License-Identifier: GPL-2.0
/* The whole system: every process that ends is reported, exactly, and nobody is disturbed. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "family.h"
#include "wire.h"

#define BRIEF_BYTES (10 * 100 + 90) /* held by the victim brief at its end */
#define BRIEF_BLOCKS 10
#define BRIEF_ALLOCATIONS 20

/* Ends the tracer the way a person does. */
static struct run *stop(struct child *tracer)
{
	struct run *run;

	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	assert_int_equal(count_events(run, "total"), 1);
	return run;
}

static bool is_exit_of(const json_t *record, const char *comm)
{
	return !strcmp(text(record, "event"), "exit") && !strcmp(text(record, "comm"), comm);
}

/* Whether an address space has ended: earlier records of its process are not counted twice. */
static bool is_final(const json_t *record)
{
	return !strcmp(text(record, "event"), "exit") && truth_value(record, "end.memory_gone");
}

/* The exits of programs (not of forks' copies) by that name; *last is one of them. */
static unsigned int count_exits(const struct run *run, const char *comm, json_t **last)
{
	unsigned int nr = 0;
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		if (!is_exit_of(record, comm) || truth_value(record, "fork_copy"))
			continue;
		nr++;
		if (last)
			*last = record;
	}
	return nr;
}

static json_t *only_exit(const struct run *run, const char *comm)
{
	json_t *record = NULL;
	unsigned int nr = count_exits(run, comm, &record);

	if (nr != 1)
		run__print(run);
	assert_int_equal(nr, 1);
	return record;
}

/* The program that ran under that PID, not the fork's copy before it. */
static json_t *program_of(const struct run *run, pid_t pid)
{
	json_t *record = exit_record_of(run, pid, 0);

	return truth_value(record, "fork_copy") ? exit_record_of(run, pid, 1) : record;
}

static void assert_brief(const json_t *record)
{
	assert_string_equal(text(record, "end.kind"), "exited");
	assert_int_equal(number(record, "end.code"), 7);
	assert_held(record, BRIEF_BYTES, BRIEF_BLOCKS);
	assert_int_equal(number(record, "totals.allocated_blocks"), BRIEF_ALLOCATIONS);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	assert_int_equal(number(record, "inherited.blocks"), 0);
	assert_false(truth_value(record, "late_attach"));
	assert_nothing_lost(record);
	assert_consistent(record);
	assert_reclaimed(record);
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
	run = stop(tracer);
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
	run = stop(tracer);
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
	run = stop(tracer);
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
	run = stop(tracer);
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
	struct run *family = run_plain(ARGS(victim("forks"))), *run = stop(tracer);

	(void)state;
	compare_family(family, run, 3);
	assert_int_equal(number(only_exit(run, "true"), "inherited.blocks"), 0);
	run__free(family);
	run__free(run);
}

static void test_forks_of_a_command(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("forks")));

	(void)state;
	compare_family(run, run, 3);
	assert_int_equal(count_events(run, "exit"), 5);
	run__free(run);
}

/* The last of them frees what the first one allocated. */
static void test_many_generations(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("forks"), "chain", "12"));

	(void)state;
	compare_family(run, run, 13);
	run__free(run);
}

/*
 * A process that descends from the first by more forks than are remembered can't know the first's
 * blocks.
 */
static void test_too_many_generations(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("forks"), "chain", "18"));
	unsigned int nr_unknown = 0;
	json_t *record;
	size_t i;

	(void)state;
	assert_int_equal(count_events(run, "exit"), 19);
	json_array_foreach(run->events, i, record)
	{
		long long unknown;

		if (!is_exit_of(record, "forks"))
			continue;
		unknown = number(record, "totals.unknown_frees");
		nr_unknown += (unsigned int)unknown;
		assert_int_equal(number(record, "lost.blocks"), unknown);
		assert_int_equal(number(record, "inherited.freed_blocks"),
				 truth_value(record, "fork_copy") && !unknown);
		if (unknown)
			assert_int_equal(number(record, "lost.causes.too_many_forks"), unknown);
		else
			assert_nothing_lost(record);
	}
	assert_int_equal(nr_unknown, 18 - WIRE_MAX_ANCESTORS);
	run__free(run);
}

static void test_children_are_not_followed_unasked(void **state)
{
	struct run *run = trace(NO_ARGS, ARGS(victim("forks")));

	(void)state;
	assert_int_equal(count_events(run, "exit"), 1);
	run__free(run);
}

static void test_children_of_a_pid(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "read a; \"$0\" | cat; read b",
				     victim("brief"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *shell = child__start(&options), *tracer;
	char pid[16];
	struct run *run;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", child__pid(shell));
	tracer = start_tracer(ARGS("-f", "-p", pid));
	child__send(shell, "go\nend\n");
	run__free(child__finish(shell, 30));
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	assert_brief(only_exit(run, "brief"));
	assert_int_equal(count_exits(run, "cat", NULL), 1);
	run__free(run);
}

/* strace -f would wait for them too. */
static void test_a_commands_status_with_children(void **state)
{
	struct run *run =
		trace(ARGS("-f"), ARGS("/bin/sh", "-c", "\"$0\" 300 & exit 37", victim("brief")));

	(void)state;
	assert_int_equal(run->exit_status, 37);
	assert_brief(only_exit(run, "brief"));
	run__free(run);
}

static void test_shared_memory_of_vfork_and_spawn(void **state)
{
	static const char *const ways[] = { "vfork", "vfork-exec", "spawn" };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct child *tracer = start_tracer(NO_ARGS);
		struct run *relatives = run_plain(ARGS(victim("relatives"), ways[i]));
		struct run *run = stop(tracer);
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
	run = stop(tracer);
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
	struct run *run = stop(tracer);
	json_t *record = only_exit(run, "brief");

	(void)state;
	assert_int_equal(plain->exit_status, 5);
	assert_brief(record);
	assert_int_equal(number(record, "pid_in_namespace"), 2);
	run__free(plain);
	run__free(run);
}

/* ---- files ---- */

static void copy_file(const char *from, const char *to)
{
	struct run *run = run_plain(ARGS("/bin/cp", from, to));

	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

/*
 * A new allocator, which nobody had mapped, is seen from its second run on, and reported at its
 * first.
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
	/* It is probed a moment after it begins to run. */
	run__free(run_plain(ARGS(scratch("newcomer"))));
	pause_ms(1000);
	run__free(run_plain(ARGS(scratch("newcomer"))));
	run = stop(tracer);
	json_array_foreach(run->events, i, record)
	{
		if (!is_exit_of(record, "newcomer") || truth_value(record, "fork_copy"))
			continue;
		if (!nr++)
			assert_true(truth_value(record, "late_attach"));
		else /* some are the static libc's own */
			assert_int_equal(stacks_with(record, "main").bytes, 64 * MIB);
		assert_reclaimed(record);
	}
	assert_int_equal(nr, 2);
	run__free(run);
}

static unsigned int count_descriptors(pid_t pid, const char *path)
{
	char folder[64], link[128], target[4200];
	const struct dirent *entry;
	unsigned int nr = 0;
	ssize_t length;
	DIR *open_files;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	open_files = opendir(folder);
	assert_non_null(open_files);
	while ((entry = readdir(open_files))) {
		snprintf(link, sizeof(link), "%s/%.20s", folder, entry->d_name);
		length = readlink(link, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		nr += !strncmp(target, path, strlen(path));
	}
	closedir(open_files);
	return nr;
}

/*
 * Waits until the tracer has opened the program for its names. It has the program's unwind table by
 * then, so that stacks are whole from now on.
 */
static void wait_until_known(const struct child *tracer, const char *path)
{
	char absolute[PATH_MAX];
	double until_s = now_s() + RUN_TIMEOUT_S;

	assert_non_null(realpath(path, absolute));
	while (!count_descriptors(child__pid(tracer), absolute)) {
		assert_true(now_s() < until_s);
		pause_ms(20);
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
	run = stop(tracer);
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
	run = stop(tracer);
	record = only_exit(run, "replaced");
	assert_brief(record);
	assert_int_equal(stacks_with(record, "keep").blocks, BRIEF_BLOCKS);
	run__free(run);
}

/* ---- an interval ---- */

static void test_ranking(void **state)
{
	const char *argv[] = { victim("obey"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *tracer = start_tracer(ARGS("0.5"));
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
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
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

/* ---- nobody is disturbed ---- */

static void test_nobody_is_disturbed(void **state)
{
	static const struct {
		const char *name, *argument;
	} victims[] = {
		{ "bad_alloc", NULL },	{ "seccomp", NULL },	    { "jump", NULL },
		{ "in_handler", NULL }, { "cross_free", NULL },	    { "family", NULL },
		{ "die", "segv" },	{ "die", "abort" },	    { "realloc_forms", NULL },
		{ "failed", NULL },	{ "relatives", "outlive" }, { "hammer", NULL },
	};
	size_t nr = sizeof(victims) / sizeof(victims[0]);
	struct run *plain[sizeof(victims) / sizeof(victims[0])];
	struct child *tracer;
	struct run *run;

	(void)state;
	for (size_t i = 0; i < nr; i++)
		plain[i] = run_plain(ARGS(victim(victims[i].name), victims[i].argument));
	tracer = start_tracer(NO_ARGS);
	for (size_t i = 0; i < nr; i++) {
		run = run_plain(ARGS(victim(victims[i].name), victims[i].argument));
		if (run->wait_status != plain[i]->wait_status ||
		    run->out_size != plain[i]->out_size)
			fail_msg("%s %s: ended with 0x%x traced and 0x%x untraced", victims[i].name,
				 victims[i].argument ? victims[i].argument : "", run->wait_status,
				 plain[i]->wait_status);
		run__free(run);
		run__free(plain[i]);
	}
	run__free(stop(tracer));
}

static void test_make_of_a_source_tree(void **state)
{
	const char *build = scratch("tree");
	struct child *tracer;
	struct run *plain, *traced, *run;
	char argument[4200];

	(void)state;
	if (!have_program("make") || !have_program("gcc"))
		SKIP("there is no make or no gcc here");
	if (access("tests/system/tree.mk", R_OK) != 0)
		SKIP("the sources are not here");
	snprintf(argument, sizeof(argument), "OUT=%s", build);
	plain = run_plain(ARGS("make", "-s", "-j2", "-f", "tests/system/tree.mk", argument));
	assert_int_equal(plain->exit_status, 0);
	/* One stack a report: whatever else the machine builds meanwhile is reported too. */
	tracer = start_tracer(ARGS("-T", "1"));
	traced = run_plain(ARGS("make", "-s", "-j2", "-f", "tests/system/tree.mk", argument));
	run = stop(tracer);
	assert_int_equal(traced->exit_status, 0);
	assert_string_equal(traced->out, plain->out);
	assert_string_equal(traced->err, plain->err);
	assert_true(count_exits(run, "cc1", NULL) >= 5);
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	run__free(plain);
	run__free(traced);
	run__free(run);
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
		SYSTEM_TEST(test_forks_of_a_command),
		SYSTEM_TEST(test_many_generations),
		SYSTEM_TEST(test_too_many_generations),
		SYSTEM_TEST(test_children_are_not_followed_unasked),
		SYSTEM_TEST(test_children_of_a_pid),
		SYSTEM_TEST(test_a_commands_status_with_children),
		SYSTEM_TEST(test_shared_memory_of_vfork_and_spawn),
		SYSTEM_TEST(test_a_pid_is_used_again),
		SYSTEM_TEST(test_pid_namespace),
		SYSTEM_TEST(test_a_new_allocator),
		SYSTEM_TEST(test_a_replaced_program),
		SYSTEM_TEST(test_deleted_programs_are_let_go),
		SYSTEM_TEST(test_ranking),
		SYSTEM_TEST(test_nobody_is_disturbed),
		SYSTEM_TEST(test_make_of_a_source_tree),
		SYSTEM_TEST(test_text),
	};

	return cmocka_run_group_tests_name("system", tests, harness__begin, harness__end);
}
