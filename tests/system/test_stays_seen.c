// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that outlives a process that can't be seen in full: attached to late, with lost records of
 * mappings, or in other namespaces. It is named all the same, or said to be unknown.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "stays.h"

/* Attaches while the victim waits, lets it end, and returns the tracer's run. */
static struct run *trace_late(const char *const *argv, struct run **victim_run)
{
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *child = child__start(&options), *tracer;

	child__wait_output(child, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-p", words("%d", child__pid(child))));
	child__send(child, "\n");
	*victim_run = child__finish(child, 30);
	return child__finish(tracer, 30);
}

static void test_late_attach(void **state)
{
	struct run *run, *victim_run;
	(void)state;

	need_posix();
	run = trace_late(ARGS(victim("shared_memory"), "posix", posix_name, "wait"), &victim_run);
	assert_stays(exit_record(run), "POSIX shared memory", words("/dev/shm%s", posix_name),
		     UNTIL_REMOVED, SIZE);
	run__free(run);
	run__free(victim_run);

	run = trace_late(ARGS(victim("shared_memory"), "memfd", "wait"), &victim_run);
	assert_nothing_stays(exit_record(run));
	run__free(run);
	run__free(victim_run);
}

/* The segment is not mapped any more when we come, but its maker is known. */
static void test_late_attach_to_the_maker_of_a_segment(void **state)
{
	struct run *run, *victim_run;
	int id;
	(void)state;

	need_sysv();
	run = trace_late(ARGS(victim("shared_memory"), "sysv", key_word, "unmap", "wait"),
			 &victim_run);
	id = number_of(victim_run, 0);
	assert_stays(exit_record(run), "System V shared memory",
		     words("shmid %d, key 0x%x", id, key),
		     words("until it is removed (ipcrm -m %d)", id), SIZE);
	run__free(run);
	run__free(victim_run);
}

/* Makes more mappings than the tracer's buffers have room for, on each CPU. */
static void map_much(void)
{
	cpu_set_t all, one;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
		for (int i = 0; i < 40000; i++)
			munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			       4096);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* Missed mappings are looked for as soon as possible, while the process lives. */
static void test_lost_records(void **state)
{
	struct child_options options = {
		.argv = ARGS(victim("shared_memory"), "posix", posix_name, "later", "wait"),
		.stdin_pipe = true,
	};
	struct child *child, *tracer;
	struct run *run;
	(void)state;

	need_posix();
	child = child__start(&options);
	child__wait_output(child, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-v", "-p", words("%d", child__pid(child))));
	kill(child__pid(tracer), SIGSTOP);
	map_much();
	child__send(child, "\n");
	child__wait_output(child, "ready\n", 2, 30);
	kill(child__pid(tracer), SIGCONT);
	pause_ms(3000);
	child__send(child, "\n");
	run__free(child__finish(child, 30));
	run = child__finish(tracer, 30);
	assert_contains(run->err, "gone unseen");
	assert_stays(exit_record(run), "POSIX shared memory", words("/dev/shm%s", posix_name),
		     UNTIL_REMOVED, SIZE);
	run__free(run);
}

/* When the process is gone by then, the shared memory that stays is unknown. */
static void test_lost_records_of_a_process_that_is_gone(void **state)
{
	struct child_options options = {
		.argv = ARGS(victim("shared_memory"), "posix", posix_name, "later"),
		.stdin_pipe = true,
	};
	struct child *child, *tracer;
	struct run *run;
	(void)state;

	need_posix();
	child = child__start(&options);
	child__wait_output(child, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-p", words("%d", child__pid(child))));
	kill(child__pid(tracer), SIGSTOP);
	map_much();
	child__send(child, "\n");
	run__free(child__finish(child, 30));
	kill(child__pid(tracer), SIGCONT);
	run = child__finish(tracer, 30);
	assert_int_equal(json_array_size(field(exit_record(run), "stays.kept")), 0);
	assert_true(is_null(exit_record(run), "stays.shmem_bytes"));
	run__free(run);
}

/* We can't see from here whether its segment lives on: that is unknown, not nothing. */
static void test_other_ipc_namespace(void **state)
{
	struct run *run, *victim_run;
	(void)state;

	need_sysv();
	if (!have_program("unshare"))
		SKIP("there is no unshare here");
	run = trace_late(ARGS("unshare", "--ipc", victim("shared_memory"), "sysv", key_word,
			      "wait"),
			 &victim_run);
	assert_int_equal(json_array_size(field(exit_record(run), "stays.kept")), 0);
	assert_true(is_null(exit_record(run), "stays.shmem_bytes"));
	run__free(run);
	run__free(victim_run);
}

static void test_other_mount_namespace(void **state)
{
	const char *folder = scratch("elsewhere"), *script;
	struct run *run, *victim_run;
	(void)state;

	if (!have_program("unshare"))
		SKIP("there is no unshare here");
	mkdir(folder, 0700);
	script = words("mount -t tmpfs none %s && exec \"$@\"", folder);
	run = trace_late(ARGS("unshare", "--mount", "sh", "-c", script, "sh",
			      victim("shared_memory"), "file", words("%s/file", folder), "wait"),
			 &victim_run);
	assert_int_equal(victim_run->exit_status, 0);
	assert_int_equal(json_array_size(field(exit_record(run), "stays.kept")), 0);
	assert_true(is_null(exit_record(run), "stays.shmem_bytes"));
	run__free(run);
	run__free(victim_run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAYS_TEST(test_late_attach),
		STAYS_TEST(test_late_attach_to_the_maker_of_a_segment),
		STAYS_TEST(test_lost_records),
		STAYS_TEST(test_lost_records_of_a_process_that_is_gone),
		STAYS_TEST(test_other_ipc_namespace),
		STAYS_TEST(test_other_mount_namespace),
	};

	return cmocka_run_group_tests_name("stays_seen", tests, harness__begin, harness__end);
}
