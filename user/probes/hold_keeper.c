// SPDX-License-Identifier: GPL-2.0
/* See hold_keeper.h. Started by holds.c. */
#include "probes/hold_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "probes/hold_rules.h"

/* linux/pidfd.h; not in the headers of Debian 12. */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define KEEPER_NICE (-20)

struct keeper {
	volatile struct hold_control *control;
	struct hold_maps maps;
	int tracer_fd; /* a pidfd */
	uint64_t gone_ns; /* CLOCK_MONOTONIC, when the tracer was found gone; 0: it is there */
};

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * The tracer's other files must not stay open because of the keeper: neither its probes, nor the
 * pipe that reports go to.
 */
static void close_others(const struct keeper *keeper)
{
	int kept[] = { keeper->maps.held, keeper->maps.parents, keeper->maps.known_files,
		       keeper->tracer_fd };
	const size_t nr = sizeof(kept) / sizeof(kept[0]);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int first = STDERR_FILENO + 1;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	qsort(kept, nr, sizeof(kept[0]), compare_fds);
	for (size_t i = 0; i < nr; i++) {
		unsigned int next = (unsigned int)kept[i];

		if (first < next)
			syscall(SYS_close_range, first, next - 1, 0);
		first = next + 1;
	}
	syscall(SYS_close_range, first, ~0U, 0);
}

/* Only SIGKILL ends it, and only SIGSTOP stops it. */
static void be_independent(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	setsid();
	prctl(PR_SET_NAME, HOLD_KEEPER_NAME);
	/* On a starved machine, too, nobody is held for long. Without CAP_SYS_NICE it is refused. */
	setpriority(PRIO_PROCESS, 0, KEEPER_NICE);
}

static void look(struct keeper *keeper, bool tracer_is_gone)
{
	volatile struct hold_control *control = keeper->control;
	uint64_t now_ns = clock__monotonic_ns();
	struct hold_control now = *control;

	if (tracer_is_gone && !keeper->gone_ns) {
		keeper->gone_ns = now_ns;
		control->until_ns = 0;
	} else if (!tracer_is_gone && hold_rules__may_hold(&now, now_ns)) {
		control->until_ns = now_ns + HOLD_BEAT_NS;
	}
	control->keeper_ns = now_ns;
	hold_release__several(&keeper->maps, now_ns,
			      tracer_is_gone ? HOLD_RELEASE_ALONE : HOLD_RELEASE_OVERDUE);
}

static void keep(struct keeper *keeper)
{
	struct pollfd tracer = { .fd = keeper->tracer_fd, .events = POLLIN };

	while (!keeper->gone_ns || clock__monotonic_ns() < keeper->gone_ns + HOLD_LINGER_NS) {
		if (poll(keeper->gone_ns ? NULL : &tracer, !keeper->gone_ns, HOLD_TICK_MS) < 0)
			tracer.revents = 0;
		look(keeper, keeper->gone_ns || tracer.revents);
	}
}

/*
 * A killed tracer can take seconds until its last thread is gone, since the kernel takes the probes
 * out first. From 6.9 on the keeper learns of the end of the first thread.
 */
static int open_tracer(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), PIDFD_THREAD);

	if (fd < 0)
		fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	return fd < 0 ? -errno : fd;
}

pid_t hold_keeper__start(volatile struct hold_control *control, const struct hold_maps *maps)
{
	struct keeper keeper = { .control = control, .maps = *maps };
	pid_t pid;

	keeper.tracer_fd = open_tracer();
	if (keeper.tracer_fd < 0)
		return keeper.tracer_fd;
	pid = fork();
	if (!pid) {
		be_independent();
		close_others(&keeper);
		keep(&keeper);
		_exit(0);
	}
	if (pid < 0)
		pid = -errno;
	close(keeper.tracer_fd);
	return pid;
}
