// SPDX-License-Identifier: GPL-2.0
/*
 * Waits in many ways, each a moment, once stdin has a line, and says of each whether it took as long
 * as asked and ended as it should: "NAME ok", or what else. It is stopped and resumed meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "truth.h"

#define WAIT_MS 400
#define NS_PER_MS 1000000L

static const struct timespec moment = { .tv_nsec = WAIT_MS * NS_PER_MS };
static volatile sig_atomic_t nr_ticks;

static struct timespec in_a_moment(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += WAIT_MS * NS_PER_MS;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / NS_PER_MS;
}

/* Each returns 0, or the error that it should not have got. */

static int wait_nanosleep(void)
{
	return nanosleep(&moment, NULL) ? errno : 0;
}

static int wait_until(void)
{
	struct timespec time = in_a_moment(CLOCK_MONOTONIC);

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static int wait_poll(void)
{
	return poll(NULL, 0, WAIT_MS) ? errno : 0;
}

static int wait_ppoll(void)
{
	return ppoll(NULL, 0, &moment, NULL) ? errno : 0;
}

static int wait_select(void)
{
	struct timeval timeout = { .tv_usec = WAIT_MS * 1000 };

	return select(0, NULL, NULL, NULL, &timeout) ? errno : 0;
}

static int wait_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &moment, NULL) ? errno : 0;
}

static int wait_condition(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	struct timespec time = in_a_moment(CLOCK_REALTIME);
	int error;

	pthread_mutex_lock(&mutex);
	error = pthread_cond_timedwait(&condition, &mutex, &time);
	pthread_mutex_unlock(&mutex);
	return error == ETIMEDOUT ? 0 : error;
}

static int wait_semaphore(void)
{
	struct timespec time = in_a_moment(CLOCK_REALTIME);
	sem_t semaphore;

	sem_init(&semaphore, 0, 0);
	if (sem_timedwait(&semaphore, &time) == 0)
		return EPROTO;
	return errno == ETIMEDOUT ? 0 : errno;
}

static pid_t write_in_a_moment(int fd)
{
	pid_t child = fork();

	if (child == 0) {
		nanosleep(&moment, NULL);
		_exit(fd >= 0 && write(fd, "x", 1) != 1);
	}
	return child;
}

static int reap(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		return errno;
	return status ? EPROTO : 0;
}

static int wait_child(void)
{
	return reap(write_in_a_moment(-1));
}

static int wait_pipe(void)
{
	int ends[2], error;
	pid_t child;
	char byte;

	if (pipe(ends))
		return errno;
	child = write_in_a_moment(ends[1]);
	error = read(ends[0], &byte, 1) == 1 ? 0 : errno;
	return error ? error : reap(child);
}

static int wait_socket(void)
{
	int ends[2], error;
	pid_t child;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return errno;
	child = write_in_a_moment(ends[1]);
	error = recv(ends[0], &byte, 1, 0) == 1 ? 0 : errno;
	return error ? error : reap(child);
}

static void tick(int signal)
{
	(void)signal;
	nr_ticks++;
}

/* The timer goes on while its process stands still: ticks that fall together count once. */
static int wait_ticks(void)
{
	struct itimerval timer = { { 0, 10000 }, { 0, 10000 } };
	long end_ms = now_ms() + WAIT_MS;
	int error = 0;

	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (now_ms() < end_ms)
		if (pause() != -1 || errno != EINTR)
			error = EPROTO;
	timer = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &timer, NULL);
	return nr_ticks < WAIT_MS / 10 / 3 ? EAGAIN : error;
}

/* After a stop the kernel may end these two with EINTR, without a signal: signal(7). */

static int wait_epoll(void)
{
	struct epoll_event event;
	int fd = epoll_create1(0);

	return epoll_wait(fd, &event, 1, WAIT_MS) ? errno : 0;
}

static int wait_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sigtimedwait(&set, NULL, &moment) >= 0)
		return EPROTO;
	return errno == EAGAIN ? 0 : errno;
}

static const struct {
	const char *name;
	int (*wait)(void);
} waits[] = {
	{ "nanosleep", wait_nanosleep },
	{ "clock_nanosleep", wait_until },
	{ "poll", wait_poll },
	{ "ppoll", wait_ppoll },
	{ "select", wait_select },
	{ "pselect", wait_pselect },
	{ "pthread_cond_timedwait", wait_condition },
	{ "sem_timedwait", wait_semaphore },
	{ "waitpid", wait_child },
	{ "read", wait_pipe },
	{ "recv", wait_socket },
	{ "setitimer", wait_ticks },
	{ "epoll_wait", wait_epoll },
	{ "sigtimedwait", wait_signal },
};

int main(void)
{
	char line[128];

	say("ready\n");
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		return 1;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		long began_ms = now_ms(), took_ms;
		int error = waits[i].wait();

		took_ms = now_ms() - began_ms;
		if (error)
			snprintf(line, sizeof(line), "%s %s\n", waits[i].name,
				 error == EINTR ? "EINTR" : strerror(error));
		else
			snprintf(line, sizeof(line), "%s %s\n", waits[i].name,
				 took_ms + 1 < WAIT_MS ? "too short" : "ok");
		say(line);
	}
	return 21;
}
