// SPDX-License-Identifier: GPL-2.0
/*
 * System calls of real children that are paused again and again: they neither end early, nor late,
 * nor with EINTR. test_exit_watch_handlers.c has the calls that a signal handler ends.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fresh_watch.h"
#include "watched_child.h"

static int release_fd; /* a byte written here ends the call of a child that waits for ever */
static int wait_fd, listen_fd, semaphore;
static struct sockaddr_un listen_address = { .sun_family = AF_UNIX };

static int start_watch(void **state)
{
	int pair[2];

	if (fresh_watch__start(state) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	release_fd = pair[0];
	wait_fd = pair[1];
	semaphore = semget(IPC_PRIVATE, 1, 0600);
	listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(listen_address.sun_path + 1, sizeof(listen_address.sun_path) - 1, "exit-watch-%d",
		 (int)getpid());
	return semaphore < 0 || bind(listen_fd, (void *)&listen_address, sizeof(listen_address)) ||
	       listen(listen_fd, 0);
}

static int end_watch(void **state)
{
	fresh_watch__end(state);
	close(release_fd);
	close(wait_fd);
	close(listen_fd);
	semctl(semaphore, 0, IPC_RMID);
	return 0;
}

/* Each returns what the kernel returns. timeout_ms: -1 is for ever. */
static long raw(long result)
{
	return result < 0 ? -errno : result;
}

static struct timespec *timespec_of(int timeout_ms)
{
	static struct timespec time;

	time = clock__timespec((uint64_t)timeout_ms * 1000000);
	return timeout_ms < 0 ? NULL : &time;
}

static int open_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	epoll_ctl(fd, EPOLL_CTL_ADD, wait_fd, &event);
	return fd;
}

static long wait_epoll(int timeout_ms)
{
	struct epoll_event event;

	return raw(syscall(SYS_epoll_wait, open_epoll(), &event, 1, timeout_ms));
}

static long wait_epoll_p(int timeout_ms)
{
	struct epoll_event event;
	uint64_t mask = 1UL << (SIGUSR1 - 1);

	return raw(
		syscall(SYS_epoll_pwait, open_epoll(), &event, 1, timeout_ms, &mask, sizeof(mask)));
}

static long wait_epoll_p2(int timeout_ms)
{
	struct epoll_event event;
	long result = raw(syscall(SYS_epoll_pwait2, open_epoll(), &event, 1,
				  timespec_of(timeout_ms), NULL, 0));

	return result == -ENOSYS ? wait_epoll(timeout_ms) : result; /* since Linux 5.11 */
}

static long wait_poll(int timeout_ms)
{
	struct pollfd fd = { .fd = wait_fd, .events = POLLIN };

	return raw(poll(&fd, 1, timeout_ms));
}

/* The kernel can't write the rest of the time: then it does not restart select by itself. */
static long wait_select_read_only(int timeout_ms)
{
	struct timeval *time =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd_set set;

	FD_ZERO(&set);
	FD_SET(wait_fd, &set);
	time->tv_sec = timeout_ms / 1000;
	time->tv_usec = timeout_ms % 1000 * 1000;
	mprotect(time, 4096, PROT_READ);
	return raw(
		syscall(SYS_select, wait_fd + 1, &set, NULL, NULL, timeout_ms < 0 ? NULL : time));
}

static long wait_semaphore(int timeout_ms)
{
	struct sembuf take = { .sem_op = -1 };

	if (timeout_ms < 0)
		return raw(semop(semaphore, &take, 1));
	return raw(semtimedop(semaphore, &take, 1, timespec_of(timeout_ms)));
}

static sigset_t block_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

static long wait_signal(int timeout_ms)
{
	sigset_t set = block_signal();

	return raw(sigtimedwait(&set, NULL, timespec_of(timeout_ms)));
}

static long wait_aio(int timeout_ms)
{
	aio_context_t context = 0;
	struct io_event event;
	struct iocb block = { .aio_lio_opcode = IOCB_CMD_POLL,
			      .aio_fildes = (uint32_t)wait_fd,
			      .aio_buf = POLLIN };
	struct iocb *blocks[] = { &block };

	if (syscall(SYS_io_setup, 1, &context) || syscall(SYS_io_submit, context, 1, blocks) != 1)
		return -1000;
	return raw(syscall(SYS_io_getevents, context, 1L, 1L, &event, timespec_of(timeout_ms)));
}

static void limit_socket(int fd, int option, int timeout_ms)
{
	struct timeval time = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	/* "For ever" is long, and still a timeout: without one the kernel restarts by itself. */
	if (timeout_ms < 0)
		time.tv_sec = 3600;
	setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time));
}

static long wait_receive(int timeout_ms)
{
	char byte;

	limit_socket(wait_fd, SO_RCVTIMEO, timeout_ms);
	return raw(recv(wait_fd, &byte, 1, 0));
}

static long wait_read(int timeout_ms)
{
	char byte;

	limit_socket(wait_fd, SO_RCVTIMEO, timeout_ms);
	return raw(read(wait_fd, &byte, 1));
}

static long wait_accept(int timeout_ms)
{
	limit_socket(listen_fd, SO_RCVTIMEO, timeout_ms);
	return raw(accept(listen_fd, NULL, NULL)) < 0 ? -errno : 1;
}

/* The other side reads nothing before the release. */
static long wait_send(int timeout_ms)
{
	static char bytes[4096];

	while (send(wait_fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	limit_socket(wait_fd, SO_SNDTIMEO, timeout_ms);
	return raw(send(wait_fd, bytes, 1, 0));
}

static long wait_sleep(int timeout_ms)
{
	return raw(nanosleep(timespec_of(timeout_ms), NULL));
}

static long wait_ring(int timeout_ms)
{
	static uint32_t parameters[64];
	struct timespec *time = timespec_of(timeout_ms);
	uint64_t argument[3] = { 0, 0, (uint64_t)time };
	int fd = (int)syscall(SYS_io_uring_setup, 1, parameters);
	long result = raw(syscall(SYS_io_uring_enter, fd, 0, 1, 1 | 8, argument, sizeof(argument)));

	if (result != -ETIME && result != -EINTR)
		nanosleep(time, NULL); /* this kernel has no such timeout, or forbids it all */
	return result == -EINTR ? result : -ETIME;
}

static const struct waiting_call {
	const char *name;
	long (*wait)(int timeout_ms);
	long timed_out, released; /* 1000: it can't be released */
} calls[] = {
	{ "epoll_wait", wait_epoll, 0, 1 },
	{ "epoll_pwait", wait_epoll_p, 0, 1 },
	{ "epoll_pwait2", wait_epoll_p2, 0, 1 },
	{ "poll", wait_poll, 0, 1 },
	{ "select", wait_select_read_only, 0, 1 },
	{ "semop", wait_semaphore, -EAGAIN, 0 },
	{ "sigtimedwait", wait_signal, -EAGAIN, SIGUSR1 },
	{ "io_getevents", wait_aio, 0, 1 },
	{ "recv", wait_receive, -EAGAIN, 1 },
	{ "read", wait_read, -EAGAIN, 1 },
	{ "accept", wait_accept, -EAGAIN, 1 },
	{ "send", wait_send, -EAGAIN, 1 },
	{ "nanosleep", wait_sleep, 0, 1000 },
	{ "io_uring_enter", wait_ring, -ETIME, 1000 },
};

static int run_call(void)
{
	const struct waiting_call *call;
	uint64_t began_ns;

	block_signal();
	watched_child__wait_for_go();
	call = &calls[child_shared->words[0]];
	child_shared->ready = 1;
	began_ns = clock__monotonic_ns();
	child_shared->result = (uint64_t)call->wait((int)child_shared->words[1]);
	child_shared->words[2] = clock__monotonic_ns() - began_ns;
	child_shared->ready = 2;
	pause();
	return 0;
}

static pid_t start_call(size_t index, int timeout_ms)
{
	pid_t pid = watched_child__start(run_call);

	child_shared->words[0] = index;
	child_shared->words[1] = (uint64_t)timeout_ms;
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	child_shared->go = 1;
	assert_true(watched_child__await(child_shared->ready));
	usleep(5000);
	return pid;
}

static void release(pid_t pid)
{
	struct sembuf give = { .sem_op = 1 };
	char bytes[4096];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	while (recv(release_fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(write(release_fd, "", 1), 1);
	semop(semaphore, &give, 1);
	kill(pid, SIGUSR1);
	connect(fd, (void *)&listen_address, sizeof(listen_address));
	close(fd);
}

static void renew(void **state)
{
	end_watch(state);
	assert_int_equal(start_watch(state), 0);
}

static void test_forever(void **state)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		pid_t pid;

		if (calls[i].released == 1000)
			continue;
		pid = start_call(i, -1);
		for (int round = 0; round < 50; round++) {
			watched_child__pause_once(watch, pid);
			if (round % 5 == 0)
				usleep(1000);
		}
		if (child_shared->ready != 1)
			fail_msg("%s ended early: %ld", calls[i].name, (long)child_shared->result);
		release(pid);
		if (!watched_child__await(child_shared->ready == 2))
			fail_msg("%s: not released", calls[i].name);
		if ((long)child_shared->result != calls[i].released)
			fail_msg("%s: %ld", calls[i].name, (long)child_shared->result);
		watched_child__end(watch, pid);
		renew(state);
	}
}

#define TIMEOUT_MS 700
/* A call whose timeout began anew with each pause would last so long. */
#define PAUSING_NS (3 * NS_PER_S)

static void test_timeouts(void **state)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint64_t began_ns = clock__monotonic_ns();
		pid_t pid = start_call(i, TIMEOUT_MS);

		while (child_shared->ready != 2 && clock__monotonic_ns() - began_ns < PAUSING_NS) {
			watched_child__pause_once(watch, pid);
			usleep(15000);
		}
		assert_true(watched_child__await(child_shared->ready == 2));
		if ((long)child_shared->result != calls[i].timed_out)
			fail_msg("%s: %ld", calls[i].name, (long)child_shared->result);
		if (child_shared->words[2] < TIMEOUT_MS * 1000000ULL)
			fail_msg("%s ended early: %lu ns", calls[i].name, child_shared->words[2]);
		if (child_shared->words[2] > PAUSING_NS * 9 / 10)
			fail_msg("%s ended late: %lu ns", calls[i].name, child_shared->words[2]);
		watched_child__end(watch, pid);
		renew(state);
	}
}

/* One pause, late in the call: the time counts from there, and no other pause is needed. */
static void test_timeout_after_one_pause(void **state)
{
	pid_t pid = start_call(0, TIMEOUT_MS);

	(void)state;
	watched_child__pause_once(watch, pid);
	assert_true(watched_child__await(child_shared->ready == 2));
	assert_int_equal(child_shared->result, 0);
	assert_true(child_shared->words[2] >= TIMEOUT_MS * 1000000ULL);
	watched_child__end(watch, pid);
}

static int receive_events(void)
{
	int epoll_fd = open_epoll();
	struct epoll_event event;
	char byte;

	child_shared->ready = 1;
	while (child_shared->go < 2) {
		int nr = epoll_wait(epoll_fd, &event, 1, 1000);

		if (nr == 1 && read(wait_fd, &byte, 1) == 1)
			child_shared->calls++;
		else if (nr < 0)
			child_shared->interruptions++;
		else
			child_shared->failed++;
	}
	return 0;
}

/* The same call from the same place, again and again: none of these takes as long as its timeout. */
static void test_many_short_calls(void **state)
{
	pid_t pid = watched_child__start_watched(watch, receive_events, 1);
	uint64_t began_ns = clock__monotonic_ns();

	(void)state;
	for (uint64_t nr = 0; clock__monotonic_ns() - began_ns < 2500000000; nr++) {
		watched_child__pause_once(watch, pid);
		watched_child__pause_once(watch, pid);
		if (nr % 3 == 0)
			assert_int_equal(write(release_fd, "", 1), 1);
		usleep(10000);
	}
	assert_int_equal(child_shared->interruptions, 0);
	assert_int_equal(child_shared->failed, 0);
	assert_true(child_shared->calls > 10);
	watched_child__end(watch, pid);
}

/* Signals that are ignored are seen by a tracer, but end no call. */
static void test_ignored_signals(void **state)
{
	pid_t pid = watched_child__start_watched(watch, receive_events, 1);

	(void)state;
	for (int i = 0; i < 200; i++) {
		kill(pid, i % 2 ? SIGWINCH : SIGCHLD);
		if (i % 10 == 0)
			watched_child__pause_once(watch, pid);
		if (i % 20 == 0)
			assert_int_equal(write(release_fd, "", 1), 1);
		usleep(1000);
	}
	assert_true(watched_child__await(child_shared->calls == 10));
	assert_int_equal(child_shared->interruptions, 0);
	assert_int_equal(child_shared->failed, 0);
	watched_child__end(watch, pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forever, start_watch, end_watch),
		cmocka_unit_test_setup_teardown(test_timeouts, start_watch, end_watch),
		cmocka_unit_test_setup_teardown(test_timeout_after_one_pause, start_watch,
						end_watch),
		cmocka_unit_test_setup_teardown(test_many_short_calls, start_watch, end_watch),
		cmocka_unit_test_setup_teardown(test_ignored_signals, start_watch, end_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
