// SPDX-License-Identifier: GPL-2.0
/*
 * leak_ends CASE: ways to end. What a handler of exit frees is not lost, and what the stack holds
 * counts where a process ends below main. tests/system/leak_truth.c says what each case loses.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "leak_case.h"

/* volatile: the compiler drops what is never read. */
static void *volatile global, *volatile other_global;

static void lose_in_handler(void)
{
	free(global);
	global = NULL;
	lose(1, 72);
	other_global = allocate(80);
}

static void at_exit(void)
{
	global = allocate(500);
	lose(1, 24);
	atexit(lose_in_handler);
}

/* The destructors of the program come after the handlers. */
static __attribute__((destructor)) void forget_other_global(void)
{
	other_global = NULL;
}

static void at_quick_exit_case(void)
{
	global = allocate(500);
	lose(1, 24);
	at_quick_exit(lose_in_handler);
	scrub();
	quick_exit(3);
}

/* Ends the process below a frame that has the only pointer to a list. */
static NOINLINE void hold_and(void (*end)(void))
{
	void *volatile held = make_list(2, 88);

	(void)held;
	lose(1, 96);
	scrub();
	end();
}

static void call_exit(void)
{
	exit(4);
}

static void call_raw_exit(void)
{
	_exit(5);
}

static void call_exit_group(void)
{
	syscall(SYS_exit_group, 6);
}

static void terminate(void)
{
	kill(getpid(), SIGTERM);
	pause();
}

static void be_killed(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

static void crash(void)
{
	static int *volatile nowhere;

	*nowhere = 1;
}

static void call_abort(void)
{
	abort();
}

static void exit_below_main(void)
{
	hold_and(call_exit);
}

static void raw_exit(void)
{
	hold_and(call_raw_exit);
}

static void exit_group(void)
{
	hold_and(call_exit_group);
}

#ifdef __x86_64__
/* No function of libc's is on the stack: the frames below main are the program's. */
static NOINLINE void exit_without_libc(void)
{
	__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(8) : "rcx", "r11", "memory");
}

static NOINLINE void hold_in_large_frame_and(void (*end)(void))
{
	void *volatile held[64] = { NULL };

	held[8] = make_list(2, 88);
	(void)held;
	lose(1, 96);
	scrub();
	end();
}

static void exit_inline(void)
{
	hold_in_large_frame_and(exit_without_libc);
}

static void *exit_inline_in_thread(void *unused)
{
	(void)unused;
	exit_inline();
	return NULL;
}

static void thread_exits_inline(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exit_inline_in_thread, NULL) != 0)
		die("pthread_create");
	pthread_join(thread, NULL);
}
#endif

static void terminated(void)
{
	hold_and(terminate);
}

static void killed(void)
{
	hold_and(be_killed);
}

static void crashed(void)
{
	hold_and(crash);
}

static void aborted(void)
{
	hold_and(call_abort);
}

/* ---- families ---- */

static NOINLINE void lose_as_child(void)
{
	global = allocate(64);
	lose(3, 32);
	scrub();
	_exit(0);
}

/* What the child loses is not the parent's. */
static void child_ends(void)
{
	pid_t child = fork();

	if (child == 0)
		lose_as_child();
	waitpid(child, NULL, 0);
	lose(1, 40);
}

/* The child loses what it has from its parent, which keeps it. */
static void child_forgets(void)
{
	pid_t child;

	global = make_list(2, 120);
	child = fork();
	if (child == 0) {
		global = NULL;
		scrub();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static NOINLINE void lose_as_orphan(void)
{
	char byte;
	int ends[2];

	if (pipe(ends) != 0)
		die("pipe");
	if (fork() != 0)
		return;
	/* The parent's end closes the pipe. */
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 0)
		die("read");
	lose_as_child();
}

static void parent_ends(void)
{
	lose_as_orphan();
	lose(1, 40);
}

static const struct leak_case cases[] = {
	{ "at_exit", at_exit },
	{ "at_quick_exit", at_quick_exit_case },
	{ "exit_below_main", exit_below_main },
	{ "raw_exit", raw_exit },
	{ "exit_group", exit_group },
#ifdef __x86_64__
	{ "exit_inline", exit_inline },
	{ "thread_exits_inline", thread_exits_inline },
#endif
	{ "terminated", terminated },
	{ "killed", killed },
	{ "crashed", crashed },
	{ "aborted", aborted },
	{ "child_ends", child_ends },
	{ "child_forgets", child_forgets },
	{ "parent_ends", parent_ends },
};

int main(int argc, char **argv)
{
	return run_case(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
