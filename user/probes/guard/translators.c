// SPDX-License-Identifier: GPL-2.0
/* See translators.h. This is the tracer's end of the socket to translator_guard.c. */
#include "probes/guard/translators.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/guard/guard_budget.h"
#include "base/log.h"
#include "probes/guard/translator_guard.h"

/* The guard answers in milliseconds, even when it has to look at thousands of processes. */
#define ANSWER_MS 5000
#define MAX_GUARDED 4096

struct guarded {
	pid_t tgid;
	uint64_t time_ns;
};

struct translators {
	pid_t pid;
	int fd;
	bool gone;
	struct guarded guarded[MAX_GUARDED]; /* a ring of the latest */
	uint64_t nr_guarded;
};

/*
 * Can we write to memory that is read-only for the process itself? Linux since 6.12 may be
 * configured to refuse that.
 */
static int check_forced_writes(void)
{
	static const volatile uint8_t target = 0x5a;
	uint8_t byte = target;
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (pwrite(fd, &byte, 1, (off_t)(uintptr_t)&target) != 1)
		err = -EPERM;
	close(fd);
	return err;
}

static void note(struct translators *translators, const struct guard_message *message)
{
	struct guarded *entry = &translators->guarded[translators->nr_guarded % MAX_GUARDED];

	switch (message->type) {
	case GUARD_GUARDED:
		*entry = (struct guarded){ (pid_t)message->tgid, message->time_ns };
		translators->nr_guarded++;
		log__detail("PID %d (%s) translates code: its probes were taken out, its calls "
			    "are not seen",
			    (int)message->tgid, message->exe);
		break;
	case GUARD_FAILED:
		if (message->error == -EBUSY)
			log__warning(
				"PID %d (%s) translates code and needs more of the guard than the %d %% of the processors that it may take: our breakpoints can end it",
				(int)message->tgid, message->exe, GUARD_PERCENT);
		else
			log__warning(
				"cannot take our breakpoints out of PID %d (%s), which translates "
				"code: %s; they can end it",
				(int)message->tgid, message->exe, strerror(-message->error));
		break;
	}
}

static int lose_guard(struct translators *translators)
{
	if (!translators->gone)
		log__warning("the guard of translating programs ended: our breakpoints can end a "
			     "program under Valgrind or qemu-user");
	translators->gone = true;
	return -EPIPE;
}

/* Reads one message. Returns 1, 0 when none is waiting, or -EPIPE. */
static int receive(struct translators *translators, struct guard_message *message)
{
	ssize_t nr = recv(translators->fd, message, sizeof(*message), MSG_DONTWAIT);

	if (nr == sizeof(*message)) {
		message->exe[sizeof(message->exe) - 1] = '\0';
		return 1;
	}
	if (nr < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return lose_guard(translators);
}

/* Waits for a message of that type, and notes others that come before it. Returns its error. */
static int wait_for(struct translators *translators, uint32_t type)
{
	struct pollfd ready = { .fd = translators->fd, .events = POLLIN };
	struct guard_message message;
	int nr;

	for (;;) {
		nr = poll(&ready, 1, ANSWER_MS);
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr <= 0)
			return nr ? -errno : -ETIMEDOUT;
		nr = receive(translators, &message);
		if (nr < 0)
			return nr;
		if (nr && message.type == type)
			return message.error;
		if (nr)
			note(translators, &message);
	}
}

static int request(struct translators *translators, const struct guard_request *request, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { (void *)request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (translators->gone)
		return -EPIPE;
	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(translators->fd, &message, MSG_NOSIGNAL) != sizeof(*request))
		return lose_guard(translators);
	return wait_for(translators, GUARD_DONE);
}

struct translators *translators__new(void)
{
	struct translators *translators = NULL;
	int sockets[2], err = check_forced_writes();

	if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		err = -errno;
	if (err) {
		errno = -err;
		return NULL;
	}
	translators = calloc(1, sizeof(*translators));
	if (translators)
		translators->pid = fork();
	if (translators && !translators->pid)
		translator_guard__run(sockets[1]);
	close(sockets[1]);
	if (!translators || translators->pid < 0) {
		err = errno;
		close(sockets[0]);
		free(translators);
		errno = err;
		return NULL;
	}
	translators->fd = sockets[0];
	return translators;
}

int translators__wait(struct translators *translators)
{
	return wait_for(translators, GUARD_READY);
}

/* The guard ends by itself. If it can't, it must not keep us waiting. */
static void reap(pid_t pid)
{
	for (int waited_ms = 0; waited_ms < ANSWER_MS; waited_ms++) {
		if (waitpid(pid, NULL, WNOHANG))
			return;
		poll(NULL, 0, 1);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void translators__free(struct translators *translators)
{
	const struct guard_request quit = { .type = GUARD_QUIT };

	if (!translators)
		return;
	if (!translators->gone)
		send(translators->fd, &quit, sizeof(quit), MSG_NOSIGNAL);
	close(translators->fd);
	reap(translators->pid);
	free(translators);
}

void translators__leave(struct translators *translators)
{
	if (!translators)
		return;
	close(translators->fd);
	free(translators);
}

int translators__add_file(struct translators *translators, int file_fd,
			  const struct allocator_probes *probes)
{
	struct guard_request file = {
		.type = GUARD_ADD_FILE,
		.nr = (uint32_t)probes->nr,
		.file = file_fd,
	};

	for (size_t i = 0; i < probes->nr; i++) {
		struct breakpoint *breakpoint = &file.list[i];
		ssize_t nr;

		breakpoint->file_offset = probes->probe[i].probe_offset;
		nr = pread(file_fd, breakpoint->code, sizeof(breakpoint->code),
			   (off_t)breakpoint->file_offset);
		if (nr <= 0)
			return nr ? -errno : -ENODATA;
		breakpoint->nr_code = (uint32_t)nr;
	}
	return request(translators, &file, file_fd);
}

int translators__forget_file(struct translators *translators, int file_fd)
{
	const struct guard_request file = { .type = GUARD_FORGET_FILE, .file = file_fd };

	return request(translators, &file, -1);
}

int translators__attaching(struct translators *translators)
{
	const struct guard_request attaching = { .type = GUARD_ATTACHING };

	return request(translators, &attaching, -1);
}

int translators__attached(struct translators *translators)
{
	const struct guard_request attached = { .type = GUARD_ATTACHED };

	return request(translators, &attached, -1);
}

int translators__consume(struct translators *translators)
{
	struct guard_message message;
	int nr = translators->gone ? -EPIPE : 1;

	while (nr > 0) {
		nr = receive(translators, &message);
		if (nr > 0)
			note(translators, &message);
	}
	return nr;
}

bool translators__guarded(const struct translators *translators, pid_t tgid, uint64_t from_ns,
			  uint64_t to_ns)
{
	uint64_t nr = translators->nr_guarded < MAX_GUARDED ? translators->nr_guarded : MAX_GUARDED;

	for (uint64_t i = 0; i < nr; i++)
		if (translators->guarded[i].tgid == tgid &&
		    translators->guarded[i].time_ns >= from_ns &&
		    translators->guarded[i].time_ns <= to_ns)
			return true;
	return false;
}
