// SPDX-License-Identifier: GPL-2.0
/* See watched_child.h. */
#include "watched_child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD_STACK_BYTES 65536

struct watched_child_shared *child_shared;

pid_t watched_child__start(int (*run)(void))
{
	pid_t parent = getpid(), pid;

	if (!child_shared) {
		child_shared = mmap(NULL, sizeof(*child_shared), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(child_shared, MAP_FAILED);
	}
	memset((void *)child_shared, 0, sizeof(*child_shared));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* cmocka handles some. */
		for (int signal_number = 1; signal_number < SIGRTMIN; signal_number++)
			signal(signal_number, SIG_DFL);
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		if (getppid() != parent)
			_exit(99);
		_exit(run());
	}
	return pid;
}

pid_t watched_child__start_ready(int (*run)(void), int nr_ready)
{
	pid_t pid = watched_child__start(run);

	assert_true(watched_child__await(child_shared->ready >= nr_ready));
	return pid;
}

pid_t watched_child__start_watched(struct exit_watch *watch, int (*run)(void), int nr_ready)
{
	pid_t pid = watched_child__start_ready(run, nr_ready);

	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	return pid;
}

void watched_child__kill(pid_t pid)
{
	kill(pid, SIGKILL);
	watched_child__reap(pid);
}

void watched_child__end(struct exit_watch *watch, pid_t pid)
{
	struct paused_process paused;

	kill(pid, SIGKILL);
	watched_child__take_end(watch, &paused);
	assert_int_equal(paused.tgid, pid);
	assert_true(paused.at_end);
	watched_child__resume(watch, &paused);
	assert_int_equal(WTERMSIG(watched_child__reap(pid)), SIGKILL);
}

int watched_child__reap(pid_t pid)
{
	int status = 0;

	assert_true(watched_child__await(waitpid(pid, &status, WNOHANG) == pid));
	return status;
}

void watched_child__say_ready(void)
{
	__atomic_add_fetch(&child_shared->ready, 1, __ATOMIC_SEQ_CST);
}

void watched_child__wait_for_go(void)
{
	while (!child_shared->go)
		usleep(100);
}

void watched_child__stand_by(void)
{
	watched_child__say_ready();
	watched_child__wait_for_go();
}

void *watched_child__count(void *index)
{
	volatile uint64_t *counter = &child_shared->counters[(size_t)index];

	watched_child__say_ready();
	for (;;)
		++*counter;
	return NULL;
}

void *watched_child__sleep(void *unused)
{
	watched_child__say_ready();
	for (;;)
		pause();
	return unused;
}

void watched_child__start_threads(void *(*run)(void *), size_t first, size_t nr)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, CHILD_STACK_BYTES);
	for (size_t i = 0; i < nr; i++)
		if (pthread_create(&thread, &attributes, run, (void *)(first + i)))
			_exit(98);
}

void watched_child__start_counting(size_t first, size_t nr)
{
	watched_child__start_threads(watched_child__count, first, nr);
}

void watched_child__start_untraced(int (*run)(void *))
{
	static char stack[CHILD_STACK_BYTES];
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_UNTRACED;

	if (clone(run, stack + sizeof(stack), flags, NULL) < 0)
		_exit(98);
}

static bool read_text(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	FILE *file;
	size_t nr;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	nr = fread(text, 1, size - 1, file);
	fclose(file);
	text[nr] = '\0';
	return nr;
}

static const char *field_of(char *text, const char *field)
{
	char name[64], *found;

	snprintf(name, sizeof(name), "\n%s:\t", field);
	found = strstr(text, name);
	return found ? found + strlen(name) : NULL;
}

long watched_child__status(pid_t tid, const char *field)
{
	char text[4096];
	const char *found;

	if (!read_text(tid, "status", text, sizeof(text)))
		return -1;
	found = field_of(text, field);
	return found ? strtol(found, NULL, 10) : -1;
}

char watched_child__state(pid_t tid)
{
	char text[4096];
	const char *found;

	if (!read_text(tid, "status", text, sizeof(text)))
		return 0;
	found = field_of(text, "State");
	return found ? *found : '\0';
}

long watched_child__call(pid_t tid)
{
	char text[256], *end;
	long number;

	if (!read_text(tid, "syscall", text, sizeof(text)))
		return -1;
	number = strtol(text, &end, 10);
	return end == text ? -1 : number;
}

bool watched_child__runs_free(pid_t pid, size_t counter)
{
	uint64_t before = child_shared->counters[counter];

	return watched_child__await(watched_child__status(pid, "TracerPid") == 0) &&
	       watched_child__await(child_shared->counters[counter] > before + 1000) &&
	       watched_child__state(pid) != 'T' && watched_child__state(pid) != 't';
}

void watched_child__pause(struct exit_watch *watch, pid_t pid, struct paused_process *paused)
{
	int err = -ETIMEDOUT;

	for (int i = 0; i < 5 && err == -ETIMEDOUT; i++) {
		err = exit_watch__pause(watch, pid, paused);
		if (err == -ETIMEDOUT)
			print_message("a pause took more than a second\n");
	}
	assert_int_equal(err, 0);
}

void watched_child__resume(struct exit_watch *watch, struct paused_process *paused)
{
	exit_watch__resume(watch, paused->tgid);
	paused_process__free(paused);
}

void watched_child__pause_once(struct exit_watch *watch, pid_t pid)
{
	struct paused_process paused;

	watched_child__pause(watch, pid, &paused);
	watched_child__resume(watch, &paused);
}

bool watched_child__has_end(const struct exit_watch *watch)
{
	struct pollfd readable = { .fd = exit_watch__fd(watch), .events = POLLIN };

	return poll(&readable, 1, 0) > 0;
}

void watched_child__take_end(struct exit_watch *watch, struct paused_process *paused)
{
	struct pollfd readable = { .fd = exit_watch__fd(watch), .events = POLLIN };

	assert_int_equal(poll(&readable, 1, 60000), 1);
	assert_int_equal(exit_watch__next_end(watch, paused), 1);
}
