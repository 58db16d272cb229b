// SPDX-License-Identifier: GPL-2.0
/*
 * See thread_seizing.h. PTRACE_SEIZE waits for an exec of the process, and an exec can wait until
 * we have waited for threads that it ended (ptrace(2), BUGS). So a timer ends each such wait: its
 * handler jumps out of the call, which the kernel would begin again otherwise.
 */
#include "leaks/thread_seizing.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <unistd.h>

#include "leaks/thread_status.h"
#include "leaks/watch_messages.h"

#define SEIZE_OPTIONS \
	(PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)
#define FOLLOW_OPTIONS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)
#define SEIZE_WAIT_US 20000
#define MAX_TRIES 3

static sigjmp_buf escape;
static volatile sig_atomic_t is_seizing;

static void end_wait(int signal)
{
	(void)signal;
	if (is_seizing)
		siglongjmp(escape, 1);
}

static void set_timer(suseconds_t us)
{
	const struct sigaction action = { .sa_handler = end_wait };
	const struct itimerval timer = { { 0, us }, { 0, us } };
	sigset_t set;

	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	setitimer(ITIMER_REAL, &timer, NULL);
	sigprocmask(us ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

/* A jump that comes just after the call loses its result; the next try finds the thread ours. */
static int seize(pid_t tid, bool follow)
{
	long options = SEIZE_OPTIONS | (follow ? FOLLOW_OPTIONS : 0), result;

	if (sigsetjmp(escape, 1)) {
		is_seizing = 0;
		return -EAGAIN;
	}
	is_seizing = 1;
	result = ptrace(PTRACE_SEIZE, tid, NULL, options);
	is_seizing = 0;
	return result ? -errno : 0;
}

/*
 * Why the kernel refused. Returns 0 when the thread is ours already since a thread of ours made it,
 * -ESRCH when it has ended, -EBUSY when it has another tracer, or -EPERM.
 */
static int explain_refusal(pid_t tid, pid_t *tracer)
{
	struct thread_status status;

	if (thread_status__read(tid, &status) || thread_status__is_dead(&status))
		return -ESRCH;
	*tracer = status.tracer;
	if (!status.tracer)
		return -EPERM;
	return status.tracer == getpid() ? 0 : -EBUSY;
}

/* Returns 1 when the thread is new, 0 when there is nothing to do about it, or -errno. */
static int seize_thread(struct tracing *tracing, struct watched_process *process, pid_t tid,
			pid_t *tracer)
{
	int err = -EPERM;

	/* The refused one may have been a zombie whose number an exec has given to a living thread.
	 */
	for (int i = 0; i < MAX_TRIES && err == -EPERM; i++) {
		err = seize(tid, tracing->follow);
		if (err == -EPERM)
			err = explain_refusal(tid, tracer);
	}
	if (err)
		return err == -ESRCH ? 0 : err;
	/* Without memory, it would run on, watched but unknown. It stops once more, and is let go. */
	if (!watched_threads__add(&tracing->watched, process, tid)) {
		ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
		return process->nr_threads >= WATCH_MAX_THREADS ? -E2BIG : -ENOMEM;
	}
	return 1;
}

int thread_seizing__pass(struct tracing *tracing, struct watched_process *process, size_t *nr_new,
			 pid_t *other)
{
	struct dirent *entry;
	char path[64];
	DIR *threads;
	int err = 0;

	*nr_new = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)process->tgid);
	threads = opendir(path);
	if (!threads)
		return errno == ENOENT ? -ESRCH : -errno;
	set_timer(SEIZE_WAIT_US);
	while (err >= 0 && (entry = readdir(threads))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid <= 0 || (tid == process->tgid && process->leader_left) ||
		    watched_threads__find(&tracing->watched, tid))
			continue;
		err = seize_thread(tracing, process, tid, other);
		*nr_new += err > 0;
		if (err == -EAGAIN)
			*other = tid;
	}
	set_timer(0);
	closedir(threads);
	return err < 0 ? err : 0;
}
