// SPDX-License-Identifier: GPL-2.0
/*
 * See call_timeout.h. Timeouts come from registers, from the other process's memory, and, for
 * sockets, from the socket itself. All of it is checked: a program can pass anything.
 */
#include "leaks/call_timeout.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* About thirty years; the kernel's clock ends after ten times that. */
#define LONG_TIME_S 1000000000LL

/* The bits of io_uring_enter that are newer than some headers. */
#define ENTER_EXT_ARG (1U << 3)
#define ENTER_ABS_TIMER (1U << 5)

enum timeout_kind {
	MILLISECONDS, /* an int; below zero: for ever */
	TIMESPEC, /* a pointer to one; NULL: for ever */
	TIMEVAL,
	RING_WAIT, /* a pointer to a struct io_uring_getevents_arg */
	SOCKET_RECEIVE, /* SO_RCVTIMEO of the socket in the first argument */
	SOCKET_SEND,
};

/* argument: which of the call's, from 0. */
static const struct timed_call {
	uint16_t number;
	uint8_t kind, argument;
	int16_t result;
} timed_calls[] = {
	{ SYS_epoll_wait, MILLISECONDS, 3, 0 },
	{ SYS_epoll_pwait, MILLISECONDS, 3, 0 },
	{ SYS_epoll_pwait2, TIMESPEC, 3, 0 },
	{ SYS_semtimedop, TIMESPEC, 3, -EAGAIN },
	{ SYS_rt_sigtimedwait, TIMESPEC, 2, -EAGAIN },
	{ SYS_io_getevents, TIMESPEC, 4, 0 },
	{ SYS_io_uring_enter, RING_WAIT, 4, -ETIME },
	/* These three end with EINTR only when the kernel can't write the rest of the time. */
	{ SYS_select, TIMEVAL, 4, 0 },
	{ SYS_pselect6, TIMESPEC, 4, 0 },
	{ SYS_ppoll, TIMESPEC, 2, 0 },
	{ SYS_accept, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_accept4, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_read, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_readv, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_recvfrom, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_recvmsg, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_recvmmsg, SOCKET_RECEIVE, 0, -EAGAIN },
	{ SYS_connect, SOCKET_SEND, 0, -EINPROGRESS },
	{ SYS_write, SOCKET_SEND, 0, -EAGAIN },
	{ SYS_writev, SOCKET_SEND, 0, -EAGAIN },
	{ SYS_sendto, SOCKET_SEND, 0, -EAGAIN },
	{ SYS_sendmsg, SOCKET_SEND, 0, -EAGAIN },
	{ SYS_sendmmsg, SOCKET_SEND, 0, -EAGAIN },
	{ SYS_sendfile, SOCKET_SEND, 0, -EAGAIN },
};

static uint64_t argument_of(const struct user_regs_struct *registers, unsigned int index)
{
	const uint64_t arguments[] = { registers->rdi, registers->rsi, registers->rdx,
				       registers->r10, registers->r8,  registers->r9 };

	return arguments[index];
}

static int read_memory(pid_t tid, uint64_t address, void *buffer, size_t size)
{
	struct iovec local = { buffer, size }, remote = { (void *)address, size };
	ssize_t nr = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (nr < 0)
		return -errno;
	return (size_t)nr == size ? 0 : -EFAULT;
}

static int set_time(struct call_timeout *timeout, int64_t seconds, int64_t ns)
{
	if (seconds < 0 || ns < 0 || ns >= (int64_t)NS_PER_S)
		return -EINVAL;
	if (seconds < LONG_TIME_S)
		timeout->ns = (uint64_t)seconds * NS_PER_S + (uint64_t)ns;
	return 0;
}

/* Both structures are two words: seconds, and a part of a second. */
static int read_time(pid_t tid, uint64_t address, int64_t ns_per_part, struct call_timeout *timeout)
{
	int64_t words[2];
	int err;

	if (!address)
		return 0;
	err = read_memory(tid, address, words, sizeof(words));
	if (err)
		return err;
	if (words[1] < 0 || words[1] >= (int64_t)NS_PER_S)
		return -EINVAL;
	return set_time(timeout, words[0], words[1] * ns_per_part);
}

static int read_ring_wait(pid_t tid, const struct user_regs_struct *registers, uint64_t address,
			  struct call_timeout *timeout)
{
	uint64_t words[3]; /* sigmask, sizes, and the address of a timespec */
	int err;

	if (!(registers->r10 & ENTER_EXT_ARG) || registers->r10 & ENTER_ABS_TIMER)
		return 0;
	err = read_memory(tid, address, words, sizeof(words));
	return err ? err : read_time(tid, words[2], 1, timeout);
}

/* To look at any other file could have effects: closing ours again may write, or wait. */
static bool is_socket(pid_t tgid, int fd)
{
	static const char prefix[] = "socket:[";
	char path[64], target[sizeof(prefix)] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tgid, fd);
	return readlink(path, target, sizeof(target) - 1) == sizeof(prefix) - 1 &&
	       !strcmp(target, prefix);
}

static int read_socket(pid_t tgid, int fd, int option, struct call_timeout *timeout)
{
	struct timeval time = { 0 };
	socklen_t size = sizeof(time);
	int pidfd, socket_fd, err = 0;

	if (!is_socket(tgid, fd))
		return 0;
	pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (pidfd < 0)
		return -errno;
	socket_fd = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (socket_fd < 0 || getsockopt(socket_fd, SOL_SOCKET, option, &time, &size))
		err = -errno;
	if (socket_fd >= 0)
		close(socket_fd);
	close(pidfd);
	if (err || (!time.tv_sec && !time.tv_usec))
		return err;
	return set_time(timeout, time.tv_sec, time.tv_usec * 1000);
}

static int read_timeout(pid_t tgid, pid_t tid, const struct user_regs_struct *registers,
			const struct timed_call *call, struct call_timeout *timeout)
{
	uint64_t argument = argument_of(registers, call->argument);

	switch ((enum timeout_kind)call->kind) {
	case MILLISECONDS:
		if ((int32_t)argument >= 0)
			timeout->ns = (argument & INT32_MAX) * (NS_PER_S / 1000);
		return 0;
	case TIMESPEC:
		return read_time(tid, argument, 1, timeout);
	case TIMEVAL:
		return read_time(tid, argument, 1000, timeout);
	case RING_WAIT:
		return read_ring_wait(tid, registers, argument, timeout);
	case SOCKET_RECEIVE:
		return read_socket(tgid, (int)argument, SO_RCVTIMEO, timeout);
	case SOCKET_SEND:
		return read_socket(tgid, (int)argument, SO_SNDTIMEO, timeout);
	}
	return 0;
}

int call_timeout__find(pid_t tgid, pid_t tid, const struct user_regs_struct *registers,
		       struct call_timeout *timeout)
{
	*timeout = (struct call_timeout){ .ns = CALL_TIMEOUT_NEVER };
	for (size_t i = 0; i < sizeof(timed_calls) / sizeof(timed_calls[0]); i++)
		if (timed_calls[i].number == registers->orig_rax) {
			timeout->result = timed_calls[i].result;
			return read_timeout(tgid, tid, registers, &timed_calls[i], timeout);
		}
	return 0;
}
