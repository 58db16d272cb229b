// SPDX-License-Identifier: GPL-2.0
/*
 * See report_file.h. Called by the monitor; the writers only see the stream. The stream is one of
 * our own making, since stdio forgets why a write failed, and a full disk should be named as the
 * reason.
 */
#include "output/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guarded_open.h"
#include "base/stop_request.h"
#include "base/terminal.h"

#define NEW_FILE_MODE 0666 /* umask takes bits away */
/* A reader that does not read is waited for that long before keep_waiting is asked. */
#define PATIENCE_MS 100

struct report_file {
	FILE *stream;
	int fd;
	int error; /* errno of the first write that failed; 0: none did */
	bool (*keep_waiting)(void *context);
	void *context;
};

/* Returns 0 when something can be written, or EINTR when keep_waiting says no. */
static int wait_for_room(const struct report_file *file)
{
	struct pollfd room = { .fd = file->fd, .events = POLLOUT };

	while (poll(&room, 1, PATIENCE_MS) <= 0)
		if (file->keep_waiting && !file->keep_waiting(file->context))
			return EINTR;
	return 0;
}

/*
 * Writes at most a piece that a pipe with any room takes whole. So even a pipe that is in blocking
 * mode, because others share it, does not block us.
 */
static ssize_t write_some(const struct report_file *file, const char *bytes, size_t size)
{
	size_t piece = size < PIPE_BUF ? size : PIPE_BUF;

	for (;;) {
		int err = wait_for_room(file);
		ssize_t written = err ? -1 : write(file->fd, bytes, piece);

		if (err)
			errno = err;
		if (err || written >= 0 || (errno != EINTR && errno != EAGAIN))
			return written;
	}
}

/*
 * As fopencookie wants it: returns how much was written, less than asked for when a write failed.
 */
static ssize_t write_all(void *cookie, const char *bytes, size_t size)
{
	struct report_file *file = cookie;
	size_t done = 0;

	while (done < size && !file->error) {
		ssize_t written = write_some(file, bytes + done, size - done);

		if (written < 0)
			file->error = errno;
		else
			done += (size_t)written;
	}
	return (ssize_t)done;
}

/* Takes ownership of the descriptor, even when it fails. */
static struct report_file *new_file(int fd)
{
	const cookie_io_functions_t functions = { .write = write_all };
	struct report_file *file = calloc(1, sizeof(*file));
	int err;

	if (file) {
		file->fd = fd;
		file->stream = fopencookie(file, "w", functions);
	}
	if (!file || !file->stream) {
		err = errno;
		free(file);
		close(fd);
		errno = err;
		return NULL;
	}
	return file;
}

/*
 * A run that was killed, or met a full disk, may have left half a line: end it, so that it does not
 * get longer.
 */
static int begin_a_line(int fd)
{
	struct stat status;
	char path[64];
	char last = '\n';
	int reader, err = 0;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size)
		return 0;
	/* By descriptor: the path may name another file by now. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (reader < 0)
		return 0; /* we may write it but not read it */
	if (pread(reader, &last, 1, status.st_size - 1) == 1 && last != '\n' &&
	    write(fd, "\n", 1) != 1)
		err = -errno;
	close(reader);
	return err;
}

/* Waits until somebody reads a named pipe: before, it can't be opened. */
static int open_patiently(const char *path, int flags)
{
	for (;;) {
		int fd = guarded_open(path, flags, NEW_FILE_MODE);
		struct stat status;

		if (fd >= 0 || errno != ENXIO || stop_request__is_pending() ||
		    stat(path, &status) || !S_ISFIFO(status.st_mode))
			return fd;
		poll(NULL, 0, PATIENCE_MS);
	}
}

/*
 * O_APPEND in any case: a log rotation that truncates the file (copytruncate) must not make a hole
 * in it.
 */
struct report_file *report_file__open(const char *path, bool append)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (append ? 0 : O_TRUNC);
	int fd = open_patiently(path, flags);
	int err = fd >= 0 && append ? begin_a_line(fd) : 0;

	if (err) {
		close(fd);
		errno = -err;
		return NULL;
	}
	return fd < 0 ? NULL : new_file(fd);
}

/*
 * Opens a description of our own where that is possible: only ours becomes non-blocking, not the
 * one that others share.
 */
static int reopen_descriptor(int fd)
{
	struct stat status;
	char path[64];

	if (!isatty(fd) && (fstat(fd, &status) || !S_ISFIFO(status.st_mode)))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

struct report_file *report_file__of_descriptor(int fd)
{
	int copy = reopen_descriptor(fd);

	if (copy < 0)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? NULL : new_file(copy);
}

void report_file__free(struct report_file *file)
{
	if (!file)
		return;
	fclose(file->stream);
	close(file->fd);
	free(file);
}

void report_file__while_full(struct report_file *file, bool (*keep_waiting)(void *context),
			     void *context)
{
	file->keep_waiting = keep_waiting;
	file->context = context;
}

FILE *report_file__stream(struct report_file *file)
{
	return file->stream;
}

unsigned int report_file__terminal_columns(const struct report_file *file)
{
	return terminal__columns(file->fd);
}

static bool is_pipe_without_reader(int fd)
{
	struct pollfd pipe = { .fd = fd };
	struct stat status;

	return !fstat(fd, &status) && S_ISFIFO(status.st_mode) && poll(&pipe, 1, 0) == 1 &&
	       pipe.revents & POLLERR;
}

int report_file__flush(struct report_file *file)
{
	if (fflush(file->stream) || ferror(file->stream))
		return file->error ? -file->error : -EIO; /* stdio is out of memory, or such */
	return is_pipe_without_reader(file->fd) ? -EPIPE : 0;
}

static bool is_same_file(int a, int b)
{
	struct stat first, second;

	return !fstat(a, &first) && !fstat(b, &second) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

int report_file__reopen(struct report_file *file, const char *path, void (*leave)(void *context),
			void *context)
{
	int err = report_file__flush(file), fd;

	if (err)
		return err;
	/* O_NONBLOCK: a pipe without a reader must not stop us here. */
	fd = guarded_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			  NEW_FILE_MODE);
	if (fd < 0)
		return -errno;
	if (is_same_file(fd, file->fd)) {
		close(fd);
		return 0; /* nobody moved it: go on in the same file */
	}
	err = begin_a_line(fd);
	if (!err && leave) {
		leave(context);
		err = report_file__flush(file);
	}
	if (err) {
		close(fd);
		return err;
	}
	close(file->fd);
	file->fd = fd;
	return 0;
}
