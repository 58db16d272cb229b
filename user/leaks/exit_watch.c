// SPDX-License-Identifier: GPL-2.0
/*
 * See exit_watch.h. The tracer's side: requests to the tracing process, and its replies. No wait is
 * longer than a few seconds: a tracing process that does not answer is given up, which makes it let
 * everything go.
 */
#include "leaks/exit_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "leaks/tracing_process.h"
#include "leaks/watch_messages.h"

/* The tracing process takes a second for what it can do at all; it may have to wait for a CPU. */
#define ANSWER_LIMIT_NS (10 * NS_PER_S)

struct exit_watch {
	pid_t pid; /* of the tracing process */
	int control_fd, bell_fd;
};

static void close_pair(const int *pair)
{
	close(pair[0]);
	close(pair[1]);
}

static pid_t start(struct exit_watch *watch, const int *control, const int *bell, bool follow)
{
	int tracer_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t tracer = getpid(), pid = fork();

	if (!pid) {
		close(control[0]);
		close(bell[0]);
		/* A tracer that is gone already can't be seen by a pidfd that failed. */
		if (getppid() != tracer)
			_exit(0);
		tracing_process__run(control[1], bell[1], tracer_fd, follow);
	}
	if (tracer_fd >= 0)
		close(tracer_fd);
	watch->pid = pid;
	watch->control_fd = control[0];
	watch->bell_fd = bell[0];
	return pid;
}

struct exit_watch *exit_watch__new(bool follow)
{
	struct exit_watch *watch = calloc(1, sizeof(*watch));
	int control[2], bell[2], err;

	if (!watch)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control)) {
		err = errno;
		goto out;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, bell)) {
		err = errno;
		close_pair(control);
		goto out;
	}
	if (start(watch, control, bell, follow) < 0) {
		err = errno;
		close_pair(control);
		close_pair(bell);
		goto out;
	}
	close(control[1]);
	close(bell[1]);
	return watch;
out:
	free(watch);
	errno = err;
	return NULL;
}

/* Also where other processes have copies of the socket, such as a command before its exec. */
static void hang_up(struct exit_watch *watch)
{
	if (watch->control_fd < 0)
		return;
	shutdown(watch->control_fd, SHUT_RDWR);
	close(watch->control_fd);
	watch->control_fd = -1;
}

void exit_watch__free(struct exit_watch *watch)
{
	uint64_t until_ns = clock__monotonic_ns() + ANSWER_LIMIT_NS;
	pid_t ended;

	if (!watch)
		return;
	hang_up(watch);
	while ((ended = waitpid(watch->pid, NULL, WNOHANG)) == 0 &&
	       clock__monotonic_ns() < until_ns)
		poll(NULL, 0, 1);
	/* Whatever holds it up: the kernel lets everything go when it ends. */
	if (!ended) {
		kill(watch->pid, SIGKILL);
		waitpid(watch->pid, NULL, 0);
	}
	close(watch->bell_fd);
	free(watch);
}

int exit_watch__fd(const struct exit_watch *watch)
{
	return watch->bell_fd;
}

static bool receive(int fd, void *buffer, size_t size, uint64_t until_ns)
{
	size_t length = 0;

	while (length < size) {
		uint64_t now_ns = clock__monotonic_ns();
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		struct timespec left;
		ssize_t nr;

		if (now_ns >= until_ns)
			return false;
		left = clock__timespec(until_ns - now_ns);
		if (ppoll(&readable, 1, &left, NULL) <= 0)
			continue;
		nr = recv(fd, (char *)buffer + length, size - length, MSG_DONTWAIT);
		if (!nr || (nr < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		length += nr > 0 ? (size_t)nr : 0;
	}
	return true;
}

/* Returns 0, -EPIPE when the tracing process is gone or hangs, or -ENOMEM. */
static int converse(struct exit_watch *watch, enum watch_request_kind kind, pid_t tgid,
		    struct watch_reply *reply, struct paused_thread **threads)
{
	const struct watch_request request = { .kind = kind, .tgid = tgid };
	uint64_t until_ns = clock__monotonic_ns() + ANSWER_LIMIT_NS;

	*threads = NULL;
	if (watch->control_fd < 0)
		return -EPIPE;
	if (send(watch->control_fd, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) !=
		    sizeof(request) ||
	    !receive(watch->control_fd, reply, sizeof(*reply), until_ns) ||
	    reply->nr_threads > WATCH_MAX_THREADS) {
		hang_up(watch);
		return -EPIPE;
	}
	if (!reply->nr_threads)
		return 0;
	*threads = calloc(reply->nr_threads, sizeof(**threads));
	if (*threads &&
	    receive(watch->control_fd, *threads, reply->nr_threads * sizeof(**threads), until_ns))
		return 0;
	/* Later replies could not be told from the rest of this one. */
	hang_up(watch);
	if (!*threads)
		return -ENOMEM;
	free(*threads);
	*threads = NULL;
	return -EPIPE;
}

int exit_watch__add(struct exit_watch *watch, pid_t tgid, pid_t *tracer)
{
	struct paused_thread *threads;
	struct watch_reply reply;
	int err = converse(watch, WATCH_ADD, tgid, &reply, &threads);

	if (err)
		return err;
	free(threads);
	if (tracer && reply.result == -EBUSY)
		*tracer = reply.tracer;
	return reply.result;
}

static int take_paused(struct exit_watch *watch, enum watch_request_kind kind, pid_t tgid,
		       struct paused_process *paused)
{
	struct paused_thread *threads;
	struct watch_reply reply;
	int err = converse(watch, kind, tgid, &reply, &threads);

	if (err)
		return err;
	if (reply.result) {
		free(threads);
		return reply.result;
	}
	*paused = (struct paused_process){
		.tgid = tgid,
		.at_end = kind == WATCH_TAKE_END,
		.threads = threads,
		.nr_threads = reply.nr_threads,
		.paused_ns = reply.paused_ns,
	};
	return 0;
}

int exit_watch__pause(struct exit_watch *watch, pid_t tgid, struct paused_process *paused)
{
	return take_paused(watch, WATCH_PAUSE, tgid, paused);
}

int exit_watch__next_end(struct exit_watch *watch, struct paused_process *paused)
{
	pid_t tgid;
	ssize_t nr;
	int err;

	/* A process that was killed while it was held is gone by now: the next may be there. */
	do {
		do {
			nr = recv(watch->bell_fd, &tgid, sizeof(tgid), MSG_DONTWAIT);
		} while (nr < 0 && errno == EINTR);
		if (nr < 0 && errno == EAGAIN)
			return 0;
		if (nr != sizeof(tgid))
			return nr < 0 ? -errno : -EPIPE;
		err = take_paused(watch, WATCH_TAKE_END, tgid, paused);
	} while (err == -ESRCH || err == -EINVAL);
	return err ? err : 1;
}

int exit_watch__resume(struct exit_watch *watch, pid_t tgid)
{
	struct paused_thread *threads;
	struct watch_reply reply;
	int err = converse(watch, WATCH_RESUME, tgid, &reply, &threads);

	if (err)
		return err;
	free(threads);
	return reply.result;
}

void paused_process__free(struct paused_process *paused)
{
	free(paused->threads);
	*paused = (struct paused_process){ 0 };
}
