// SPDX-License-Identifier: GPL-2.0
/* See write_lease.h. Used by probed_files.c and probed_allocators.c. */
#include "probes/write_lease.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct lease_watcher {
	pthread_t thread;
	atomic_int tid; /* 0: the thread has not begun */
	atomic_bool stopping;
	void (*look)(void *context);
	void *context;
};

/* Real-time signals queue. SIGIO comes instead of one that finds no room. */
static int lease_signal(void)
{
	return SIGRTMIN + 1;
}

static void *watch(void *argument)
{
	struct lease_watcher *watcher = argument;
	sigset_t signals;

	pthread_setname_np(pthread_self(), "memleak-leases");
	sigemptyset(&signals);
	sigaddset(&signals, lease_signal());
	sigaddset(&signals, SIGIO);
	atomic_store(&watcher->tid, (int)syscall(SYS_gettid));
	while (!atomic_load(&watcher->stopping))
		if (sigwaitinfo(&signals, NULL) >= 0 && !atomic_load(&watcher->stopping))
			watcher->look(watcher->context);
	return NULL;
}

/* The thread begins with all signals blocked: those of the process are read elsewhere. */
static int start_thread(struct lease_watcher *watcher)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&watcher->thread, NULL, watch, watcher);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct lease_watcher *lease_watcher__start(void (*look)(void *context), void *context)
{
	struct lease_watcher *watcher = calloc(1, sizeof(*watcher));
	int err;

	if (!watcher)
		return NULL;
	watcher->look = look;
	watcher->context = context;
	err = start_thread(watcher);
	if (err) {
		free(watcher);
		errno = err;
		return NULL;
	}
	while (!atomic_load(&watcher->tid))
		sched_yield();
	return watcher;
}

void lease_watcher__stop(struct lease_watcher *watcher)
{
	if (!watcher)
		return;
	atomic_store(&watcher->stopping, true);
	pthread_kill(watcher->thread, lease_signal());
	pthread_join(watcher->thread, NULL);
	free(watcher);
}

/*
 * A lease belongs to an open file, and ends when nobody has that open. A duplicate of fd would
 * belong to its file, which other processes may have, too.
 */
static int open_anew(int fd)
{
	char path[64];
	int lease;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lease = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return lease < 0 ? -errno : lease;
}

int write_lease__take(const struct lease_watcher *watcher, int fd)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = atomic_load(&watcher->tid) };
	int lease = open_anew(fd);

	if (lease < 0)
		return lease;
	if (fcntl(lease, F_SETSIG, lease_signal()) || fcntl(lease, F_SETOWN_EX, &owner) ||
	    fcntl(lease, F_SETLEASE, F_RDLCK)) {
		int err = -errno;

		close(lease);
		return err;
	}
	return lease;
}

bool write_lease__is_asked_for(int lease)
{
	return fcntl(lease, F_GETLEASE) != F_RDLCK;
}

void write_lease__release(int lease)
{
	if (lease < 0)
		return;
	/* A child that was forked just now may have it open, too. */
	fcntl(lease, F_SETLEASE, F_UNLCK);
	close(lease);
}
