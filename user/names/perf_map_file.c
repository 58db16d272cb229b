// SPDX-License-Identifier: GPL-2.0
/*
 * A process in, its perf map's text out to perf_map.c. /tmp is everybody's: the name may be a link,
 * a FIFO, another user's file, or a file that an earlier process with this PID has left. It may
 * also be the /tmp of a container, whose links must not lead us out of it.
 */
#include "names/perf_map_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "names/name_budget.h"
#include "names/perf_map.h"

#define MAX_FILE_BYTES (256ll << 20)
#define CHUNK_BYTES (1u << 20)
/* Compared on each refresh: a file that was written anew differs there, or is shorter. */
#define TAIL_BYTES 64
/* The start of a process is known in clock ticks, file times in the kernel's own. */
#define CLOCK_SLACK_S 1

struct perf_map_file {
	int process; /* /proc/PID, which stays this process's even when its PID is reused */
	int folder; /* its /tmp */
	char name[32];
	uid_t uids[4]; /* real, effective, saved, of the file system */
	time_t started_s; /* CLOCK_REALTIME */
	int fd; /* < 0: no file was found yet */
	struct stat opened_as;
	off_t taken;
	char tail[TAIL_BYTES]; /* the last bytes that were taken */
	size_t tail_bytes;
	struct perf_map *map; /* NULL: to be read from the beginning */
	uint64_t report; /* that it was refreshed for last */
	struct name_holder holder;
	unsigned int nr_more_owners;
};

static void evict(struct name_holder *holder)
{
	struct perf_map_file *file =
		(struct perf_map_file *)((char *)holder - offsetof(struct perf_map_file, holder));

	perf_map__free(file->map);
	file->map = NULL;
	file->taken = 0;
	file->tail_bytes = 0;
}

struct name_holder *perf_map_file__holder(struct perf_map_file *file)
{
	return &file->holder;
}

static FILE *open_stream(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (fd >= 0 && !stream)
		close(fd);
	return stream;
}

/* The user can change while the process runs; once it has ended, its last user counts. */
static int read_status(struct perf_map_file *file)
{
	FILE *status = open_stream(file->process, "status");
	int pid = 0, in_namespace = 0, found = 0;
	char line[1024];

	if (!status)
		return -errno;
	while (fgets(line, sizeof(line), status)) {
		uid_t *uids = file->uids;
		const char *last = strrchr(line, '\t');

		sscanf(line, "Pid:\t%d", &pid);
		if (sscanf(line, "Uid:\t%u\t%u\t%u\t%u", &uids[0], &uids[1], &uids[2], &uids[3]) ==
		    4)
			found = 1;
		/* NSpid lists the PIDs from our namespace's to the process's own, which is last. */
		if (!strncmp(line, "NSpid:", 6) && last)
			in_namespace = atoi(last);
	}
	fclose(status);
	if (!found || !pid)
		return -ESRCH;
	snprintf(file->name, sizeof(file->name), "perf-%d.map", in_namespace ? in_namespace : pid);
	return 0;
}

/*
 * Reads field 22 of /proc/PID/stat. The fields are counted after the command name in parentheses,
 * which may hold anything.
 */
static int read_start(struct perf_map_file *file)
{
	FILE *stat_file = open_stream(file->process, "stat");
	unsigned long long ticks = 0;
	char text[1024] = "";
	const char *fields;

	if (!stat_file)
		return -errno;
	text[fread(text, 1, sizeof(text) - 1, stat_file)] = '\0';
	fclose(stat_file);
	fields = strrchr(text, ')');
	for (int i = 2; fields && i < 22; i++)
		fields = strchr(fields + 1, ' ');
	if (!fields || sscanf(fields, " %llu", &ticks) != 1)
		return -ESRCH;
	file->started_s = (time_t)(clock__wall_ns() / NS_PER_S - clock__boot_ns() / NS_PER_S +
				   ticks / sysconf(_SC_CLK_TCK));
	return 0;
}

/* Opens the root and then /tmp within it: a container's /tmp can be a link to anywhere. */
static int open_folder(struct perf_map_file *file)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root = openat(file->process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (root < 0)
		return -errno;
	file->folder = (int)syscall(SYS_openat2, root, "tmp", &how, sizeof(how));
	if (file->folder < 0)
		err = -errno;
	close(root);
	return err;
}

struct perf_map_file *perf_map_file__new(pid_t tgid)
{
	struct perf_map_file *file = calloc(1, sizeof(*file));
	char path[32];
	int err;

	if (!file)
		return NULL;
	file->folder = file->fd = -1;
	file->holder.evict = evict;
	snprintf(path, sizeof(path), "/proc/%d", (int)tgid);
	file->process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = file->process < 0 ? (errno == ENOENT ? -ESRCH : -errno) : 0;
	if (!err)
		err = read_status(file);
	if (!err)
		err = read_start(file);
	if (!err)
		err = open_folder(file);
	if (!err)
		return file;
	perf_map_file__free(file);
	errno = -err;
	return NULL;
}

struct perf_map_file *perf_map_file__share(struct perf_map_file *file)
{
	if (file)
		file->nr_more_owners++;
	return file;
}

void perf_map_file__free(struct perf_map_file *file)
{
	if (!file)
		return;
	if (file->nr_more_owners) {
		file->nr_more_owners--;
		return;
	}
	name_budget__leave(&file->holder);
	if (file->process >= 0)
		close(file->process);
	if (file->folder >= 0)
		close(file->folder);
	if (file->fd >= 0)
		close(file->fd);
	perf_map__free(file->map);
	free(file);
}

static int check(const struct perf_map_file *file, const struct stat *status)
{
	bool is_own = !status->st_uid;

	if (!S_ISREG(status->st_mode))
		return -EINVAL;
	for (int i = 0; i < 4; i++)
		is_own = is_own || status->st_uid == file->uids[i];
	if (!is_own)
		return -EPERM;
	/* Anybody can hard-link another user's file to that name, unless the kernel forbids it. */
	if (status->st_nlink > 1)
		return -EMLINK;
	return status->st_mtim.tv_sec + CLOCK_SLACK_S < file->started_s ? -ESTALE : 0;
}

/* Opens the file that has that name now, unless it is open already. */
static int open_current(struct perf_map_file *file)
{
	/* Opening a FIFO would wait, and some devices act on it: first look, then open. */
	int path_fd = openat(file->folder, file->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd;
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	struct stat status;
	int err;

	if (path_fd < 0)
		return file->fd >= 0 ? 0 : -errno;
	err = fstat(path_fd, &status) ? -errno : check(file, &status);
	if (err || (file->fd >= 0 && status.st_dev == file->opened_as.st_dev &&
		    status.st_ino == file->opened_as.st_ino))
		goto out;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	if (file->fd >= 0) {
		close(file->fd);
		evict(&file->holder);
	}
	file->fd = fd;
	file->opened_as = status;
out:
	close(path_fd);
	return err;
}

void perf_map_file__look(struct perf_map_file *file)
{
	if (file->fd < 0)
		open_current(file);
}

static bool was_rewritten(const struct perf_map_file *file)
{
	char tail[TAIL_BYTES];
	size_t nr = file->tail_bytes;

	return nr && (pread(file->fd, tail, nr, file->taken - (off_t)nr) != (ssize_t)nr ||
		      memcmp(tail, file->tail, nr) != 0);
}

static void note_taken(struct perf_map_file *file, const char *text, size_t nr_bytes)
{
	size_t nr = nr_bytes < TAIL_BYTES ? nr_bytes : TAIL_BYTES;

	if (!nr)
		return;
	memcpy(file->tail, text + nr_bytes - nr, nr);
	file->tail_bytes = nr;
	file->taken += (off_t)nr_bytes;
}

int perf_map_file__refresh(struct perf_map_file *file)
{
	int err;
	char *text;

	read_status(file);
	err = open_current(file);
	if (err)
		return err;
	if (was_rewritten(file))
		evict(&file->holder);
	if (!file->map)
		file->map = perf_map__new();
	text = file->map ? malloc(CHUNK_BYTES) : NULL;
	if (!text)
		return -ENOMEM;
	while (file->taken < MAX_FILE_BYTES) {
		ssize_t nr = pread(file->fd, text, CHUNK_BYTES, file->taken);
		size_t taken = nr > 0 ? perf_map__add_text(file->map, text, nr) : 0;

		if (nr < 0)
			err = -errno;
		if (!taken)
			break;
		note_taken(file, text, taken);
	}
	free(text);
	return err;
}

int perf_map_file__refresh_once(struct perf_map_file *file, uint64_t report)
{
	if (file->report == report && (file->map || file->fd < 0))
		return 0;
	file->report = report;
	return perf_map_file__refresh(file);
}

const char *perf_map_file__find(struct perf_map_file *file, uint64_t address)
{
	return file->map ? perf_map__find(file->map, address) : NULL;
}
