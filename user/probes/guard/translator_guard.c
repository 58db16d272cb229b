// SPDX-License-Identifier: GPL-2.0
/*
 * See translator_guard.h. This file has the guard's dealings with the tracer: it takes requests,
 * reports events, and makes sure that the guard neither depends on the tracer nor keeps any of its
 * files open.
 */
#include "probes/guard/translator_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "probes/guard/process_view.h"
#include "probes/guard/guarded_processes.h"

/* After the tracer is killed, the kernel removes its probes within a second. */
#define LINGER_NS 10000000000ULL
#define LINGER_PAUSE_MS 10

/* A probed file, kept to find out whether the kernel still puts breakpoints into its mappings. */
struct probed_file {
	int fd;
	int32_t number;
	uint32_t nr;
	struct breakpoint list[ALLOCATOR_PROBES_MAX];
};

struct guard {
	int socket_fd;
	bool tracer_gone;
	struct guarded_processes *processes;
	struct probed_file *files;
	size_t nr_files, files_capacity;
	bool quit;
	uint64_t linger_until_ns;
};

/* Never waits: a busy tracer must not keep the guard from its work. Any thread may call this. */
static void tell(const struct guard *guard, uint32_t type, pid_t tgid, int error)
{
	struct guard_message message = {
		.type = type,
		.error = error,
		.tgid = (int32_t)tgid,
		.time_ns = clock__monotonic_ns(),
	};

	if (tgid)
		process_view__exe(tgid, message.exe, sizeof(message.exe));
	send(guard->socket_fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void tell_guarded(pid_t tgid, void *context)
{
	tell(context, GUARD_GUARDED, tgid, 0);
}

static void tell_failed(pid_t tgid, int error, void *context)
{
	tell(context, GUARD_FAILED, tgid, error);
}

static int add_file(struct guard *guard, const struct guard_request *request, int fd)
{
	struct probed_file *file;
	int err = 0;

	if (request->nr > ALLOCATOR_PROBES_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < request->nr && !err; i++)
		err = guarded_processes__add_code(guard->processes, &request->list[i]);
	if (!err)
		err = array__reserve(&guard->files, &guard->files_capacity, guard->nr_files + 1);
	if (err)
		return err;
	file = &guard->files[guard->nr_files++];
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	file->number = request->file;
	file->nr = request->nr;
	memcpy(file->list, request->list, sizeof(file->list));
	return 0;
}

/* Close the file, since an open file keeps its mount busy. */
static void forget_file(struct guard *guard, int32_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < guard->nr_files; i++) {
		if (guard->files[i].number == number)
			close(guard->files[i].fd);
		else
			guard->files[kept++] = guard->files[i];
	}
	guard->nr_files = kept;
}

/*
 * A new private mapping shows whether the kernel still puts breakpoints into the file's mappings.
 */
static bool file_is_probed(const struct probed_file *file)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	bool probed = false;

	for (uint32_t i = 0; i < file->nr && !probed; i++) {
		const struct breakpoint *breakpoint = &file->list[i];
		size_t into = breakpoint->file_offset % page_bytes;
		uint8_t *page = mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE, file->fd,
				     (off_t)(breakpoint->file_offset - into));

		if (page == MAP_FAILED)
			continue;
		probed = breakpoint__state(breakpoint, page + into, 1) == CODE_BREAKPOINT;
		munmap(page, page_bytes);
	}
	return probed;
}

static void linger(struct guard *guard)
{
	bool probed = false;

	for (size_t i = 0; i < guard->nr_files && !probed; i++)
		probed = file_is_probed(&guard->files[i]);
	if (!probed || clock__monotonic_ns() > guard->linger_until_ns)
		guard->quit = true;
}

static void tracer_is_gone(struct guard *guard)
{
	guard->tracer_gone = true;
	guard->linger_until_ns = clock__monotonic_ns() + LINGER_NS;
}

static void carry_out(struct guard *guard, const struct guard_request *request, int fd)
{
	int err = 0;

	switch (request->type) {
	case GUARD_ADD_FILE:
		err = add_file(guard, request, fd);
		break;
	case GUARD_FORGET_FILE:
		forget_file(guard, request->file);
		break;
	case GUARD_ATTACHING:
		guarded_processes__set_attaching(guard->processes, true);
		break;
	case GUARD_ATTACHED:
		guarded_processes__set_attaching(guard->processes, false);
		break;
	case GUARD_QUIT:
		guard->quit = true;
		break;
	default:
		err = -EINVAL;
	}
	tell(guard, GUARD_DONE, 0, err);
}

static void serve(struct guard *guard)
{
	struct guard_request request;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { &request, sizeof(request) };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t nr = recvmsg(guard->socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = -1;

	if (nr < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (nr != sizeof(request)) {
		tracer_is_gone(guard);
		return;
	}
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	carry_out(guard, &request, fd);
	if (fd >= 0)
		close(fd);
}

static void work(struct guard *guard)
{
	static const struct timespec attaching_pause = { .tv_nsec = 20000 };

	while (!guard->quit) {
		struct pollfd ready[] = {
			{ .fd = guarded_processes__fd(guard->processes), .events = POLLIN },
			{ .fd = guard->tracer_gone ? -1 : guard->socket_fd, .events = POLLIN },
		};

		if (guarded_processes__attaching(guard->processes))
			ppoll(ready, 2, &attaching_pause, NULL);
		else
			poll(ready, 2, guard->tracer_gone ? LINGER_PAUSE_MS : -1);
		guarded_processes__work(guard->processes);
		if (ready[1].revents)
			serve(guard);
		if (guard->tracer_gone)
			linger(guard);
	}
}

/*
 * Closes all that the tracer had open: its links, which would keep its probes alive; the terminal;
 * and any pipe whose reader waits for its end.
 */
static int leave_tracer(int socket_fd)
{
	int null_fd = open("/dev/null", O_RDWR);
	int kept = fcntl(socket_fd, F_DUPFD, 10);

	for (int fd = 0; fd < 3; fd++)
		dup2(null_fd, fd);
	socket_fd = dup2(kept, 3);
	if (syscall(SYS_close_range, 4, ~0U, 0)) /* Linux 5.9 */
		for (int fd = 4; fd < 65536; fd++)
			close(fd);
	return socket_fd;
}

/*
 * Every microsecond counts. Each of these requests can be refused, and then the guard works
 * without. They apply to all threads.
 */
static void ask_for_precedence(void)
{
	struct sched_param priority = { .sched_priority = 1 };
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	struct rlimit files, locked;
	ssize_t written = fd < 0 ? -1 : write(fd, "-1000", 5);

	(void)written;
	if (fd >= 0)
		close(fd);
	if (sched_setscheduler(0, SCHED_FIFO, &priority))
		setpriority(PRIO_PROCESS, 0, -20);
	/* With a limit on locked memory, later allocations would be refused. */
	if (!getrlimit(RLIMIT_MEMLOCK, &locked) && locked.rlim_cur == RLIM_INFINITY)
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	/* A followed process takes a descriptor for each of its threads on each processor. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

void translator_guard__run(int socket_fd)
{
	struct guard guard = { .quit = false };
	struct guarded_processes_report report = { tell_guarded, tell_failed, &guard };
	sigset_t all;

	/* The tracer handles Ctrl-C and the like, and a stop of its process group. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "memleak-guard");
	guard.socket_fd = leave_tracer(socket_fd);
	ask_for_precedence();
	guard.processes = guarded_processes__new(&report);
	tell(&guard, GUARD_READY, 0, guard.processes ? 0 : -errno);
	if (!guard.processes)
		_exit(1);
	work(&guard);
	_exit(0);
}
