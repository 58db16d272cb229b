// SPDX-License-Identifier: GPL-2.0
/*
 * A file system that stops answering under one traced program stops nobody else: the others'
 * reports are on time, signals are heard, and once it answers, the program's calls are counted.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

/* Far less than the time that a mute file system would take. */
#define ON_TIME_S 20.0
#define BLOCKS_HELD 10
#define BYTES_HELD (BLOCKS_HELD * 100LL)

struct mute {
	char folder[256], program[280];
	struct child *file_system, *program_child;
};

static bool is_mounted(const struct mute *mute)
{
	char *said = child__output(mute->file_system);
	bool mounted = strstr(said, "mounted");

	free(said);
	return mounted;
}

/* Mounts the file system and starts the one program on it; then the file system stops. */
static void begin(struct mute *mute)
{
	struct child_options options = { .stdin_pipe = true };

	snprintf(mute->folder, sizeof(mute->folder), "%s", scratch("mute"));
	snprintf(mute->program, sizeof(mute->program), "%s/program", mute->folder);
	assert_true(!mkdir(mute->folder, 0755) || errno == EEXIST);
	mute->file_system = child__start(&(struct child_options){
		.argv = ARGS(victim("mute_fs"), mute->folder, victim("obey_static")) });
	while (child__is_running(mute->file_system) && !is_mounted(mute))
		pause_ms(10);
	if (!child__is_running(mute->file_system)) {
		run__free(child__finish(mute->file_system, RUN_TIMEOUT_S));
		SKIP("this kernel has no file systems in user space");
	}
	options.argv = ARGS(mute->program);
	mute->program_child = child__start(&options);
	child__wait_output(mute->program_child, "ready", 1, RUN_TIMEOUT_S);
	kill(child__pid(mute->file_system), SIGSTOP);
}

static void end(struct mute *mute)
{
	kill(child__pid(mute->file_system), SIGCONT);
	if (mute->program_child) {
		child__send(mute->program_child, "exit 0\n");
		run__free(child__finish(mute->program_child, RUN_TIMEOUT_S));
	}
	assert_int_equal(umount2(mute->folder, MNT_DETACH), 0);
	run__free(child__finish(mute->file_system, RUN_TIMEOUT_S));
}

static void test_others_are_not_kept_waiting(void **state)
{
	double began_s;
	struct mute mute;
	struct child *tracer;
	struct run *run, *other;
	(void)state;

	begin(&mute);
	began_s = now_s();
	tracer = start_tracer(NO_ARGS);
	other = run_plain(ARGS(victim("brief")));
	child__wait_event(tracer, "exit", 2, ON_TIME_S); /* the fork, and the program */
	pause_ms(1500); /* by then, the tracer warns */
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_true(now_s() - began_s < 2 * ON_TIME_S);
	assert_held(last_exit_record_of(run, other->pid), 10 * 100 + 90, 10);
	assert_contains(run->err, "/program does not answer");
	run__free(other);
	run__free(run);
	end(&mute);
}

static void test_what_answers_again_is_probed(void **state)
{
	struct mute mute;
	struct child *tracer;
	const json_t *record;
	struct run *run;
	pid_t pid;
	(void)state;

	begin(&mute);
	pid = child__pid(mute.program_child);
	tracer = start_tracer(NO_ARGS);
	kill(child__pid(mute.file_system), SIGCONT);
	/*
	 * No message tells when the program is probed; blocks that are freed again leave no trace.
	 */
	pause_ms(2000);
	child__send(mute.program_child, "alloc 10 100\n");
	child__wait_output(mute.program_child, "ok", 1, RUN_TIMEOUT_S);
	child__send(mute.program_child, "exit 0\n");
	run__free(child__finish(mute.program_child, RUN_TIMEOUT_S));
	mute.program_child = NULL;
	child__wait_event(tracer, "exit", 1, ON_TIME_S);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	record = exit_record_of(run, pid, 0);
	assert_held(record, BYTES_HELD, BLOCKS_HELD);
	assert_true(truth_value(record, "late_attach"));
	run__free(run);
	end(&mute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_others_are_not_kept_waiting),
		SYSTEM_TEST(test_what_answers_again_is_probed),
	};

	return cmocka_run_group_tests(tests, harness__begin, harness__end);
}
