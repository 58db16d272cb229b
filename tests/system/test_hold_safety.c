// SPDX-License-Identifier: GPL-2.0
/*
 * --hold-new harms nobody: who would notice a stop is not held, and whoever is held goes on,
 * whatever becomes of the tracer and of its keeper.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exits_by_name.h"
#include "holding.h"

static struct child *start_holding(void)
{
	skip_unless_held_here();
	return start_tracer(ARGS("--hold-new"));
}

/* ---- who is held ---- */

static int lead_group(void *context)
{
	(void)context;
	return setpgid(0, 0);
}

static int take_terminal(void *context)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	(void)context;

	if (setsid() < 0 || master < 0 || grantpt(master) || unlockpt(master))
		return 1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	return slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0;
}

static int be_traced(void *context)
{
	return lead_session(context) || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}

static void on_continue(int signal)
{
	(void)signal;
	_exit(1);
}

static int handle_continue(void *context)
{
	return lead_session(context) || signal(SIGCONT, on_continue) == SIG_ERR;
}

static int block_continue(void *context)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	return lead_session(context) || sigprocmask(SIG_BLOCK, &set, NULL);
}

static void *sleep_long(void *context)
{
	pause();
	return context;
}

static int have_a_thread(void *context)
{
	pthread_t thread;

	return lead_session(context) || pthread_create(&thread, NULL, sleep_long, NULL);
}

static void test_who_is_held(void **state)
{
	struct child *tracer = start_holding();
	(void)state;

	assert_true(is_ever_held_after(lead_session, NULL));
	assert_false(is_held_after(lead_group, NULL));
	assert_false(is_held_after(take_terminal, NULL));
	assert_false(is_held_after(be_traced, NULL));
	assert_false(is_held_after(handle_continue, NULL));
	assert_false(is_held_after(block_continue, NULL));
	assert_false(is_held_after(have_a_thread, NULL));
	/* Not only now and then. */
	assert_true(is_ever_held_after(lead_session, NULL));
	run__free(stop_tracer(tracer));
	assert_false(is_held_after(lead_session, NULL));
}

/* su and nsenter stop themselves when their child stops, and wait for somebody to continue them. */
static int stop_with_child(void *context)
{
	pid_t pid;
	int status;

	if (lead_session(context))
		return 1;
	pid = fork();
	if (!pid)
		return 0;
	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
		kill(getpid(), SIGSTOP);
		kill(pid, SIGCONT);
	}
	_exit(status != 0);
}

static void test_a_parent_that_stops_too(void **state)
{
	struct child *tracer = start_holding();
	(void)state;

	for (unsigned int i = 0; i < 5; i++)
		assert_true(is_ever_held_after(stop_with_child, NULL));
	run__free(stop_tracer(tracer));
}

/* Whoever stops a process that is held has stopped it; it is not ours to continue. */
static void test_a_stop_by_somebody_else(void **state)
{
	struct child *tracer = start_holding();
	const char *path = new_copy(victim("brief"), scratch("twice"));
	struct child_options options = { .argv = ARGS(path), .prepare = lead_session };
	pid_t tracer_pid = child__pid(tracer);
	struct child *child;
	struct run *run;
	int status;
	(void)state;

	/* The tracer can't answer, so that there is time. */
	kill(tracer_pid, SIGSTOP);
	child = child__start(&options);
	pause_ms(200);
	kill(child__pid(child), SIGSTOP);
	pause_ms(1500);
	kill(tracer_pid, SIGCONT);
	pause_ms(300);
	assert_true(child__is_running(child));
	assert_int_equal(waitpid(child__pid(child), &status, WUNTRACED | WNOHANG),
			 child__pid(child));
	assert_true(WIFSTOPPED(status));
	kill(child__pid(child), SIGCONT);
	run = child__finish(child, HOLD_PATIENCE_S);
	assert_int_equal(run->exit_status, 7);
	run__free(run);
	run__free(stop_tracer(tracer));
}

/* ---- what becomes of those who are held ---- */

/* Starts a new program that the stopped tracer can't look into. */
static struct child *start_unanswered(struct child *tracer, const char *name)
{
	const char *path = new_copy(victim("brief"), scratch(name));
	struct child_options options = { .argv = ARGS(path), .prepare = lead_session };

	kill(child__pid(tracer), SIGSTOP);
	return child__start(&options);
}

static void finish_well(struct child *child)
{
	struct run *run = child__finish(child, HOLD_PATIENCE_S);

	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 7);
	run__free(run);
}

static void test_the_tracer_is_killed(void **state)
{
	(void)state;

	for (unsigned int i = 0; i < 10; i++) {
		struct child *tracer = start_holding();
		struct child *child = start_unanswered(tracer, words("orphan%u", i));
		struct run *run;

		pause_ms(10 * i);
		kill(child__pid(tracer), SIGKILL);
		finish_well(child);
		run = child__finish(tracer, HOLD_PATIENCE_S);
		assert_int_equal(run->signal, SIGKILL);
		run__free(run);
	}
}

static void test_the_tracer_is_stopped(void **state)
{
	struct child *tracer = start_holding();
	double began_s = 0, took_s = 0;
	struct run *run;
	json_t *record;
	(void)state;

	/* A tracer that happens to be busy holds nobody. */
	for (unsigned int i = 0; i < 10 && took_s < HOLD_BOUND_S * 0.9; i++) {
		kill(child__pid(tracer), SIGCONT);
		pause_ms(500);
		began_s = now_s();
		finish_well(start_unanswered(tracer, "unanswered"));
		took_s = now_s() - began_s;
	}
	assert_true(took_s >= HOLD_BOUND_S * 0.9);
	/* Now nobody is held: nobody would answer. */
	pause_ms(500);
	assert_false(is_held_after(lead_session, NULL));
	kill(child__pid(tracer), SIGCONT);
	pause_ms(500);
	assert_true(is_ever_held_after(lead_session, NULL));
	run = stop_tracer(tracer);
	assert_true(count_exits(run, "unanswered", &record) >= 1);
	assert_true(real(record, "held_back_s") >= HOLD_BOUND_S * 0.9);
	assert_true(real(record, "held_back_s") < HOLD_PATIENCE_S);
	run__free(run);
}

static void test_the_keeper_is_killed(void **state)
{
	struct child *tracer = start_holding();
	pid_t keeper = keeper_of(child__pid(tracer));
	struct child *child;
	struct run *run;
	(void)state;

	assert_true(keeper > 0);
	child = start_unanswered(tracer, "unkept");
	pause_ms(50);
	kill(keeper, SIGKILL);
	pause_ms(100);
	kill(child__pid(tracer), SIGCONT);
	finish_well(child);
	pause_ms(1000);
	assert_false(is_held_after(lead_session, NULL));
	run = stop_tracer(tracer);
	assert_contains(run->err, "no process is held any more");
	run__free(run);
}

static void test_the_keeper_is_stopped(void **state)
{
	struct child *tracer = start_holding();
	pid_t keeper = keeper_of(child__pid(tracer));
	(void)state;

	assert_true(keeper > 0);
	kill(keeper, SIGSTOP);
	is_held_after(lead_session, NULL); /* it may be */
	pause_ms(1000);
	assert_false(is_held_after(lead_session, NULL));
	kill(keeper, SIGCONT);
	pause_ms(500);
	assert_true(is_ever_held_after(lead_session, NULL));
	run__free(stop_tracer(tracer));
}

static void test_the_keeper_ends(void **state)
{
	struct child *tracer = start_holding();
	pid_t keeper = keeper_of(child__pid(tracer));
	double end_s = now_s() + HOLD_PATIENCE_S;
	(void)state;

	assert_true(keeper > 0);
	run__free(stop_tracer(tracer));
	while (!kill(keeper, 0) && now_s() < end_s) {
		waitpid(keeper, NULL, WNOHANG);
		pause_ms(10);
	}
	assert_int_equal(kill(keeper, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_who_is_held),
		SYSTEM_TEST(test_a_parent_that_stops_too),
		SYSTEM_TEST(test_a_stop_by_somebody_else),
		SYSTEM_TEST(test_the_tracer_is_killed),
		SYSTEM_TEST(test_the_tracer_is_stopped),
		SYSTEM_TEST(test_the_keeper_is_killed),
		SYSTEM_TEST(test_the_keeper_is_stopped),
		SYSTEM_TEST(test_the_keeper_ends),
	};

	return cmocka_run_group_tests_name("hold safety", tests, holding__begin, harness__end);
}
