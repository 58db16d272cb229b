// SPDX-License-Identifier: GPL-2.0
/*
 * See shared_file.h. The leak scan asks for the pages, and reads them here: a read by the process's
 * own addresses would map them there.
 */
#include "leaks/shared_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool is_on(const struct area *area, const struct stat *status)
{
	return area->device == status->st_dev;
}

/*
 * The kernel has one file system for memfd, System V and anonymous shared memory, and /dev/shm is
 * another. A path can be of any file system, but the number of the device can't lie.
 */
static bool is_memory_file(const struct area *area)
{
	struct stat status;
	int fd = memfd_create("memleak-bpf", MFD_CLOEXEC);
	bool found = fd >= 0 && !fstat(fd, &status) && is_on(area, &status);

	if (fd >= 0)
		close(fd);
	return found || (!stat("/dev/shm", &status) && is_on(area, &status));
}

/*
 * Who shares the process's memory can put another file in place at any moment. So the file is held
 * by a descriptor that opens nothing, and looked at without a question to its file system, before
 * it is opened.
 */
static int open_file(pid_t tid, const struct area *area)
{
	struct statx status;
	char path[96];
	int held, fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%jx-%jx", (int)tid, (uintmax_t)area->start,
		 (uintmax_t)area->end);
	held = open(path, O_PATH | O_CLOEXEC);
	if (held < 0)
		return -1;
	if (!statx(held, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) &&
	    makedev(status.stx_dev_major, status.stx_dev_minor) == area->device &&
	    S_ISREG(status.stx_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(held);
	return fd;
}

bool shared_file__open(struct shared_file *file, pid_t tid, const struct area *area)
{
	if (!area->shared || area->kind != AREA_SHARED_MEMORY || !is_memory_file(area))
		return false;
	*file = (struct shared_file){
		.fd = open_file(tid, area),
		.start = area->start,
		.end = area->end,
		.offset = area->offset,
	};
	return file->fd >= 0;
}

void shared_file__close(struct shared_file *file)
{
	close(file->fd);
}

/* Positions in the file and addresses are numbers of 64 bits that the kernel has checked. */
bool shared_file__next(const struct shared_file *file, uint64_t from, struct address_range *run)
{
	off_t data, hole;

	if (from < file->start || from >= file->end)
		return false;
	data = lseek(file->fd, (off_t)(from - file->start + file->offset), SEEK_DATA);
	hole = data < 0 ? -1 : lseek(file->fd, data, SEEK_HOLE);
	if (hole <= data || (uint64_t)data - file->offset >= file->end - file->start)
		return false;
	run->start = (uint64_t)data - file->offset + file->start;
	run->end = (uint64_t)hole - file->offset + file->start;
	if (run->end > file->end)
		run->end = file->end;
	return run->start >= from;
}

static size_t read_file(void *context, uint64_t address, void *buffer, size_t size)
{
	const struct shared_file *file = context;
	ssize_t nr = pread(file->fd, buffer, size, (off_t)(address - file->start + file->offset));

	return nr > 0 ? (size_t)nr : 0;
}

struct memory_reader shared_file__reader(struct shared_file *file)
{
	return (struct memory_reader){ .read = read_file, .context = file };
}
