// SPDX-License-Identifier: GPL-2.0
/* See tracing_process.h. The loop, and what makes the process independent of the tracer's. */
#include "leaks/tracing_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "leaks/thread_stops.h"
#include "leaks/tracing_state.h"
#include "leaks/watch_requests.h"

/* So many stops at a time, and then the tracer is listened to. */
#define MAX_STOPS 1024
#define MANY_THREADS 64

enum polled { POLLED_CONTROL, POLLED_BELL, POLLED_SIGNALS, POLLED_TRACER, NR_POLLED };

struct sources {
	struct pollfd fds[NR_POLLED];
	struct watch_request request;
	size_t request_bytes;
};

static void close_range_of(unsigned int first, unsigned int last)
{
	struct rlimit limit;

	if (first > last || !syscall(SYS_close_range, first, last, 0))
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1U << 20)
		limit.rlim_cur = 1U << 20;
	for (unsigned int fd = first; fd <= last && fd < limit.rlim_cur; fd++)
		close((int)fd);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The tracer's files, and the command's pipes, must not stay open because of us. */
static void close_others(int control_fd, int bell_fd, int tracer_fd)
{
	int kept[] = { STDERR_FILENO, control_fd, bell_fd, tracer_fd };
	size_t nr = sizeof(kept) / sizeof(kept[0]) - (tracer_fd < 0);

	qsort(kept, nr, sizeof(kept[0]), compare_fds);
	for (size_t i = 0; i + 1 < nr; i++)
		close_range_of((unsigned int)kept[i] + 1, (unsigned int)kept[i + 1] - 1);
	close_range_of((unsigned int)kept[nr - 1] + 1, ~0U);
}

/*
 * No signal ends or stops it: while it stops others, Ctrl-C and Ctrl-Z are for them. A session of
 * its own keeps it out of the terminal's reach. Returns a signalfd, or -1.
 */
static int be_independent(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	/* The kernel says nothing of stops to a process that ignores SIGCHLD. */
	sigaction(SIGCHLD, &by_default, NULL);
	setsid();
	prctl(PR_SET_NAME, TRACING_PROCESS_NAME);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void handle_stop(struct tracing *tracing, pid_t tid, int status)
{
	struct watched_process *process = thread_stops__handle(tracing, tid, status);

	if (process)
		watch_requests__settle(tracing, process);
}

/*
 * To find one thread that has stopped among a thousand, the kernel looks at all of them. So where
 * many will stop, each is asked for by its number. The numbers are copied: a stop can change the
 * list.
 */
static void take_expected_stops(struct tracing *tracing, const struct watched_process *process)
{
	size_t nr = 0, nr_running = process->nr_in[THREAD_RUNS];
	pid_t *tids = malloc(nr_running * sizeof(*tids));
	int status;

	if (!tids)
		return; /* those that are not asked for are found all the same */
	for (const struct watched_thread *thread = process->threads; thread && nr < nr_running;
	     thread = thread->next)
		if (thread->state == THREAD_RUNS)
			tids[nr++] = thread->tid;
	for (size_t i = 0; i < nr; i++)
		if (waitpid(tids[i], &status, __WALL | WNOHANG) > 0)
			handle_stop(tracing, tids[i], status);
	free(tids);
}

static const struct watched_process *find_with_expected(const struct tracing *tracing)
{
	const struct watched_process *process = tracing->watched.processes;

	while (process && ((!process->pause_asked && !process->ending) ||
			   process->nr_in[THREAD_RUNS] < MANY_THREADS))
		process = process->next;
	return process;
}

/* Returns whether there may be more. */
static bool take_stops(struct tracing *tracing)
{
	const struct watched_process *process = find_with_expected(tracing);

	if (process)
		take_expected_stops(tracing, process);
	for (size_t i = 0; i < MAX_STOPS; i++) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid <= 0)
			return false;
		handle_stop(tracing, tid, status);
		/* More of many may have stopped since they were asked for. */
		if (process && i >= MANY_THREADS)
			return true;
	}
	return true;
}

/* Returns 0, or -EPIPE when the tracer is gone. */
static int take_request(struct tracing *tracing, struct sources *sources)
{
	ssize_t nr = recv(sources->fds[POLLED_CONTROL].fd,
			  (char *)&sources->request + sources->request_bytes,
			  sizeof(sources->request) - sources->request_bytes, MSG_DONTWAIT);

	if (nr < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (!nr)
		return -EPIPE;
	sources->request_bytes += (size_t)nr;
	if (sources->request_bytes < sizeof(sources->request))
		return 0;
	sources->request_bytes = 0;
	watch_requests__handle(tracing, &sources->request);
	return 0;
}

/* Waits for something to do; only looks, when there is something already. */
static void wait_for_work(struct tracing *tracing, struct sources *sources, bool at_once)
{
	uint64_t now_ns = clock__monotonic_ns();
	struct timespec timeout = { 0 };
	struct signalfd_siginfo info;
	bool forever = !at_once && tracing->wake_ns == UINT64_MAX;

	if (!at_once && !forever && tracing->wake_ns > now_ns)
		timeout = clock__timespec(tracing->wake_ns - now_ns);
	sources->fds[POLLED_CONTROL].events = POLLIN | (tracing->replies.busy ? POLLOUT : 0);
	sources->fds[POLLED_BELL].events = watch_requests__has_bell_due(tracing) ? POLLOUT : 0;
	if (ppoll(sources->fds, NR_POLLED, forever ? NULL : &timeout, NULL) < 0)
		for (size_t i = 0; i < NR_POLLED; i++)
			sources->fds[i].revents = 0;
	/* Only a wake-up: waitpid says which threads it is about. */
	if (sources->fds[POLLED_SIGNALS].revents)
		while (read(sources->fds[POLLED_SIGNALS].fd, &info, sizeof(info)) > 0)
			;
}

/* One round. Returns 0, or -errno when the tracer is gone. */
static int serve(struct tracing *tracing, struct sources *sources, bool *at_once)
{
	int err = 0;

	wait_for_work(tracing, sources, *at_once);
	*at_once = take_stops(tracing);
	if (sources->fds[POLLED_TRACER].revents)
		return -EPIPE;
	if (sources->fds[POLLED_CONTROL].revents & (POLLIN | POLLHUP | POLLERR))
		err = take_request(tracing, sources);
	watch_requests__look(tracing, clock__monotonic_ns());
	watch_requests__mind_tracer(tracing, clock__monotonic_ns());
	if (sources->fds[POLLED_BELL].revents & POLLOUT)
		watch_requests__ring(tracing);
	return err ? err : reply_stream__send(&tracing->replies);
}

/*
 * The kernel detaches us from all threads when we end. Those that are about to stop are waited for,
 * though, but not for ever.
 */
static void close_down(struct tracing *tracing, struct sources *sources)
{
	uint64_t until_ns = clock__monotonic_ns() + TRACING_LIMIT_NS;
	bool at_once = false;

	watch_requests__let_all_go(tracing);
	sources->fds[POLLED_CONTROL].fd = -1;
	sources->fds[POLLED_BELL].fd = -1;
	sources->fds[POLLED_TRACER].fd = -1;
	tracing->replies.busy = false;
	take_stops(tracing);
	while (!watch_requests__can_leave(tracing) && clock__monotonic_ns() < until_ns) {
		tracing->wake_ns = until_ns;
		wait_for_work(tracing, sources, at_once);
		at_once = take_stops(tracing);
	}
}

void tracing_process__run(int control_fd, int bell_fd, int tracer_fd, bool follow)
{
	struct tracing *tracing = calloc(1, sizeof(*tracing));
	struct sources sources = { 0 };
	bool at_once = false;
	int signal_fd;

	close_others(control_fd, bell_fd, tracer_fd);
	signal_fd = be_independent();
	if (!tracing || signal_fd < 0)
		_exit(1);
	tracing->replies.fd = control_fd;
	tracing->bell_fd = bell_fd;
	tracing->follow = follow;
	tracing->wake_ns = UINT64_MAX;
	sources.fds[POLLED_CONTROL] = (struct pollfd){ .fd = control_fd };
	sources.fds[POLLED_BELL] = (struct pollfd){ .fd = bell_fd };
	sources.fds[POLLED_SIGNALS] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	sources.fds[POLLED_TRACER] = (struct pollfd){ .fd = tracer_fd, .events = POLLIN };
	while (!serve(tracing, &sources, &at_once))
		;
	close_down(tracing, &sources);
	_exit(0);
}
