// SPDX-License-Identifier: GPL-2.0
/* Pauses of real children: what stands still, what is told of it, and what goes on afterwards. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fresh_watch.h"
#include "watched_child.h"

#define GENERAL_MARK 0x1122334455667788UL
#define VECTOR_MARK 0x99aabbccddeeff00UL

static bool has_word(const uint64_t *words, size_t nr, uint64_t word)
{
	for (size_t i = 0; i < nr; i++)
		if (words[i] == word)
			return true;
	return false;
}

static int count_with_marks(void)
{
	register uint64_t general asm("r14") = GENERAL_MARK;

	child_shared->words[0] = (uint64_t)pthread_self();
	child_shared->words[1] = (uint64_t)__builtin_frame_address(0);
	child_shared->ready = 1;
	asm volatile("movq %1, %%xmm7\n"
		     "1: incq %0\n"
		     "jmp 1b\n"
		     : "+m"(child_shared->counters[0])
		     : "r"(VECTOR_MARK), "r"(general)
		     : "xmm7", "memory");
	return 0;
}

/* The last word of a vector of AVX, and of a register that only AVX-512 has. */
static int count_with_wide_marks(void)
{
	static const uint64_t wide[8] = { [3] = VECTOR_MARK, [7] = VECTOR_MARK + 1 };

	child_shared->ready = 1;
	if (__builtin_cpu_supports("avx512f"))
		asm volatile("vmovdqu64 %0, %%zmm20" : : "m"(wide));
	asm volatile("vmovdqu %1, %%ymm7\n"
		     "1: incq %0\n"
		     "jmp 1b\n"
		     : "+m"(child_shared->counters[0])
		     : "m"(wide)
		     : "xmm7", "memory");
	return 0;
}

static void test_wide_registers(void **state)
{
	struct paused_process paused;
	pid_t pid;

	(void)state;
	if (!__builtin_cpu_supports("avx"))
		skip();
	pid = watched_child__start_watched(watch, count_with_wide_marks, 1);
	assert_true(watched_child__await(child_shared->counters[0] > 1000));
	watched_child__pause(watch, pid, &paused);
	assert_true(has_word(paused.threads[0].vectors, PAUSED_VECTOR_WORDS, VECTOR_MARK));
	if (__builtin_cpu_supports("avx512f"))
		assert_true(
			has_word(paused.threads[0].vectors, PAUSED_VECTOR_WORDS, VECTOR_MARK + 1));
	watched_child__resume(watch, &paused);
	watched_child__end(watch, pid);
}

static void test_registers(void **state)
{
	pid_t pid = watched_child__start_watched(watch, count_with_marks, 1);
	struct paused_process paused;
	uint64_t now_ns, counter;

	(void)state;
	assert_true(watched_child__await(child_shared->counters[0] > 1000));
	watched_child__pause(watch, pid, &paused);
	now_ns = clock__monotonic_ns();
	counter = child_shared->counters[0];
	assert_int_equal(paused.tgid, pid);
	assert_false(paused.at_end);
	assert_int_equal(paused.nr_threads, 1);
	assert_int_equal(paused.threads[0].tid, pid);
	assert_false(paused.threads[0].in_syscall);
	assert_true(paused.threads[0].thread_pointer == child_shared->words[0]);
	assert_true(child_shared->words[1] - paused.threads[0].stack_pointer < 4096);
	assert_true(has_word(paused.threads[0].general, PAUSED_GENERAL_REGISTERS, GENERAL_MARK));
	assert_true(has_word(paused.threads[0].general, PAUSED_GENERAL_REGISTERS,
			     paused.threads[0].stack_pointer));
	assert_true(paused.threads[0].vectors[14] == VECTOR_MARK);
	assert_true(paused.paused_ns <= now_ns && now_ns - paused.paused_ns < NS_PER_S);
	usleep(20000);
	assert_true(child_shared->counters[0] == counter);
	exit_watch__resume(watch, pid);
	assert_true(watched_child__await(child_shared->counters[0] > counter + 1000));
	paused_process__free(&paused);
	assert_null(paused.threads);
	watched_child__end(watch, pid);
}

static int end_at_go(void)
{
	watched_child__stand_by();
	return 7;
}

static void test_in_syscall(void **state)
{
	pid_t pid = watched_child__start_watched(watch, end_at_go, 1);
	struct paused_process paused;

	(void)state;
	assert_true(watched_child__await(watched_child__call(pid) == SYS_clock_nanosleep));
	for (int i = 0; i < 100; i++) {
		watched_child__pause(watch, pid, &paused);
		exit_watch__resume(watch, pid);
		if (paused.threads[0].in_syscall)
			i = 1000;
		paused_process__free(&paused);
		assert_int_not_equal(i, 99);
	}
	/* A second add is no error. */
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	child_shared->go = 1;
	watched_child__take_end(watch, &paused);
	paused_process__free(&paused);
	assert_int_equal(exit_watch__pause(watch, pid, &paused), -ESRCH);
	exit_watch__resume(watch, pid);
	assert_int_equal(WEXITSTATUS(watched_child__reap(pid)), 7);
}

static int trace_the_other(void)
{
	pid_t pid = (pid_t)child_shared->words[7];

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL))
		return 1;
	child_shared->ready = 2;
	pause();
	return 0;
}

static void test_refusals(void **state)
{
	pid_t pid, other, tracer = 0;
	struct paused_process paused;

	(void)state;
	assert_int_equal(exit_watch__add(watch, getpid(), NULL), -EPERM);
	assert_int_equal(exit_watch__add(watch, 0, NULL), -EPERM);
	assert_int_equal(exit_watch__pause(watch, getpid(), &paused), -ESRCH);
	assert_int_equal(exit_watch__next_end(watch, &paused), 0);
	pid = watched_child__start(end_at_go);
	assert_true(watched_child__await(child_shared->ready));
	other = fork();
	if (!other) {
		child_shared->words[7] = (uint64_t)pid;
		_exit(trace_the_other());
	}
	assert_true(watched_child__await(child_shared->ready == 2));
	assert_int_equal(exit_watch__add(watch, pid, &tracer), -EBUSY);
	assert_int_equal(tracer, other);
	assert_int_equal(exit_watch__add(watch, pid, NULL), -EBUSY);
	watched_child__kill(other);
	assert_true(watched_child__await(watched_child__status(pid, "TracerPid") == 0));
	assert_int_equal(exit_watch__add(watch, pid, &tracer), 0);
	watched_child__pause(watch, pid, &paused);
	paused_process__free(&paused);
	assert_int_equal(exit_watch__pause(watch, pid, &paused), -EALREADY);
	exit_watch__resume(watch, pid);
	watched_child__end(watch, pid);
	assert_int_equal(exit_watch__add(watch, pid, NULL), -ESRCH);
}

static int job(void)
{
	watched_child__say_ready();
	while (!child_shared->go)
		child_shared->counters[0]++;
	return 0;
}

static int job_with_threads(void)
{
	watched_child__start_counting(1, 3);
	return job();
}

/* What the parent is told in the next seconds. */
static int next_status(pid_t pid)
{
	int status = 0;

	assert_true(watched_child__await(waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED) ==
					 pid));
	return status;
}

static void check_stopped(pid_t pid)
{
	uint64_t counter;
	int status;

	usleep(20000);
	assert_int_equal(waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED), 0);
	counter = child_shared->counters[0];
	usleep(20000);
	assert_true(child_shared->counters[0] == counter);
}

static void stop_and_continue(pid_t pid, int signal, bool pauses)
{
	struct paused_process paused;
	uint64_t counter;
	int status;

	kill(pid, signal);
	status = next_status(pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), signal);
	for (int i = 0; i < 3 && pauses; i++) {
		watched_child__pause(watch, pid, &paused);
		paused_process__free(&paused);
		check_stopped(pid);
		exit_watch__resume(watch, pid);
		check_stopped(pid);
	}
	check_stopped(pid);
	counter = child_shared->counters[0];
	kill(pid, SIGCONT);
	status = next_status(pid);
	assert_true(WIFCONTINUED(status));
	assert_true(watched_child__await(child_shared->counters[0] > counter));
	assert_int_equal(waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED), 0);
}

static void test_job_control(void **state)
{
	pid_t pid = watched_child__start_ready(job_with_threads, 4);
	struct paused_process paused;
	int status;

	(void)state;
	setpgid(pid, pid);
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	stop_and_continue(pid, SIGSTOP, false);
	stop_and_continue(pid, SIGSTOP, true);
	/* The kernel ignores SIGTSTP in an orphaned process group; ours has its parent here. */
	stop_and_continue(pid, SIGTSTP, true);
	stop_and_continue(pid, SIGTTIN, false);
	/* Stopped, and continued, while it is paused. */
	watched_child__pause(watch, pid, &paused);
	paused_process__free(&paused);
	kill(pid, SIGSTOP);
	exit_watch__resume(watch, pid);
	status = next_status(pid);
	assert_true(WIFSTOPPED(status));
	watched_child__pause(watch, pid, &paused);
	paused_process__free(&paused);
	kill(pid, SIGCONT);
	status = next_status(pid);
	assert_true(WIFCONTINUED(status));
	exit_watch__resume(watch, pid);
	watched_child__end(watch, pid);
}

/* A process that is stopped already stays so. */
static void test_add_stopped(void **state)
{
	pid_t pid = watched_child__start_ready(job_with_threads, 4);
	struct paused_process paused;
	int status;

	(void)state;
	kill(pid, SIGSTOP);
	status = next_status(pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	check_stopped(pid);
	watched_child__pause(watch, pid, &paused);
	assert_int_equal(paused.nr_threads, 4);
	watched_child__resume(watch, &paused);
	check_stopped(pid);
	kill(pid, SIGCONT);
	status = next_status(pid);
	assert_true(WIFCONTINUED(status));
	watched_child__end(watch, pid);
}

extern char **environ;

static int run_as_process(void *unused)
{
	(void)unused;
	child_shared->words[0]++;
	return 5;
}

/* Children of each kind: none of them is ours. */
static int have_children(void)
{
	static char stack[65536];
	char *arguments[] = { "true", NULL };
	siginfo_t info;
	int status;
	pid_t pid;

	signal(SIGUSR2, SIG_IGN);
	watched_child__stand_by();
	for (int i = 0; i < 30; i++) {
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) ||
		    waitpid(pid, &status, 0) != pid || status)
			return 1;
		pid = vfork();
		if (!pid)
			_exit(3);
		if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 3)
			return 2;
		pid = clone(run_as_process, stack + sizeof(stack), CLONE_VM | SIGUSR2, NULL);
		if (waitpid(pid, &status, __WALL) != pid || WEXITSTATUS(status) != 5)
			return 3;
		pid = fork();
		if (!pid) {
			ptrace(PTRACE_TRACEME);
			raise(SIGUSR1);
			_exit(4);
		}
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
		    WSTOPSIG(status) != SIGUSR1 || ptrace(PTRACE_CONT, pid, NULL, NULL) ||
		    waitid(P_PID, (id_t)pid, &info, WEXITED) || info.si_status != 4)
			return 4;
	}
	return 42;
}

static void test_children(void **state)
{
	pid_t pid = watched_child__start_watched(watch, have_children, 1);
	struct paused_process paused;
	int err = 0;

	(void)state;
	child_shared->go = 1;
	while (!err) {
		err = exit_watch__pause(watch, pid, &paused);
		if (err == -ETIMEDOUT) {
			err = 0; /* vfork waits for a child that has no CPU */
			continue;
		}
		if (err)
			break;
		assert_int_equal(paused.nr_threads, 1);
		watched_child__resume(watch, &paused);
		usleep(500);
	}
	assert_int_equal(err, -ESRCH);
	watched_child__take_end(watch, &paused);
	assert_int_equal(paused.tgid, pid);
	watched_child__resume(watch, &paused);
	assert_int_equal(watched_child__reap(pid), 42 << 8);
	assert_int_equal(child_shared->words[0], 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(test_wide_registers), WATCH_TEST(test_registers),
		WATCH_TEST(test_in_syscall),	 WATCH_TEST(test_refusals),
		WATCH_TEST(test_job_control),	 WATCH_TEST(test_add_stopped),
		WATCH_TEST(test_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
