// SPDX-License-Identifier: GPL-2.0
/* See link_closers.h. Used by tracer.c when it removes all probes. */
#include "probes/link_closers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_FD 65536 /* on kernels without close_range, before 5.9 */

static int by_number(const void *a, const void *b)
{
	const int *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void close_between(int first, int last)
{
	if (first > last || !syscall(SYS_close_range, first, last, 0))
		return;
	for (int fd = first; fd <= last && fd < MAX_FD; fd++)
		close(fd);
}

/* One closer: its number among nr_closers, and the links that it shares in closing. */
struct closer {
	const int *fds; /* all links */
	size_t nr_fds;
	size_t number, nr_closers;
	int go[2];
};

/* Closes all descriptors but the pipe and this closer's share. Returns 0 or -ENOMEM. */
static int close_others(const struct closer *closer)
{
	int *kept = calloc(closer->nr_fds + 2, sizeof(*kept));
	size_t nr = 0;
	int next = 0;

	if (!kept)
		return -ENOMEM;
	for (size_t i = closer->number; i < closer->nr_fds; i += closer->nr_closers)
		kept[nr++] = closer->fds[i];
	kept[nr++] = closer->go[0];
	kept[nr++] = closer->go[1];
	qsort(kept, nr, sizeof(*kept), by_number);
	for (size_t i = 0; i < nr; i++) {
		close_between(next, kept[i] - 1);
		next = kept[i] + 1;
	}
	close_between(next, INT_MAX);
	free(kept);
	return 0;
}

static void run_closer(const struct closer *closer) __attribute__((noreturn));

/*
 * The closer leaves the tracer's session, which may be killed as a whole. It keeps nothing open
 * that another process could wait for: neither the tracer's output nor inherited files, such as a
 * lock.
 */
static void run_closer(const struct closer *closer)
{
	sigset_t all;
	ssize_t n;
	char end;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "memleak-detach");
	if (chdir("/") || close_others(closer))
		_exit(1);
	close(closer->go[1]);
	do
		n = read(closer->go[0], &end, 1);
	while (n < 0 && errno == EINTR);
	_exit(0);
}

int link_closers__begin(struct link_closers *closers, const int *fds, size_t nr)
{
	struct closer closer = { .fds = fds, .nr_fds = nr };
	int err = 0;

	*closers = (struct link_closers){ .go_fd = -1 };
	if (pipe2(closer.go, O_CLOEXEC))
		return -errno;
	closer.nr_closers = nr < LINK_CLOSERS_MAX ? nr : LINK_CLOSERS_MAX;
	for (; closer.number < closer.nr_closers && !err; closer.number++) {
		pid_t pid = fork();

		if (!pid)
			run_closer(&closer);
		if (pid < 0)
			err = -errno;
		else
			closers->pid[closers->nr++] = pid;
	}
	close(closer.go[0]);
	closers->go_fd = closer.go[1];
	if (err)
		link_closers__release(closers);
	return err;
}

void link_closers__release(struct link_closers *closers)
{
	if (closers->go_fd >= 0)
		close(closers->go_fd);
	closers->go_fd = -1;
}

bool link_closers__wait(struct link_closers *closers, unsigned int limit_ms)
{
	for (unsigned int waited_ms = 0;; waited_ms++) {
		size_t nr = 0;

		for (size_t i = 0; i < closers->nr; i++)
			if (!waitpid(closers->pid[i], NULL, WNOHANG))
				closers->pid[nr++] = closers->pid[i];
		closers->nr = nr;
		if (!nr || waited_ms >= limit_ms)
			return !nr;
		poll(NULL, 0, 1);
	}
}
