// SPDX-License-Identifier: GPL-2.0
/* See written_files.h. Called by monitor_load.c, monitor_written.c and monitor_setup.c. */
#include "written_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"

#define MAX_FILE_SYSTEMS 64
#define READ_BYTES 4096
/* A look of the monitor takes that much longer at most, and one file. */
#define LOOK_NS 20000000ULL

struct watched {
	fsid_t id;
	char *point;
	int mount_fd; /* while events are read; < 0: it is not open */
	bool tried; /* to open it, for these events */
};

struct written_files {
	int fd;
	struct watched *watched;
	size_t nr, capacity;
	bool told_overflow;
	/* What was read and not yet visited. */
	_Alignas(struct fanotify_event_metadata) char events[READ_BYTES];
	size_t nr_bytes, at;
};

static bool is_at_or_below(const char *point, const char *folder)
{
	size_t length = strlen(folder);

	return !strncmp(point, folder, length) && (!point[length] || point[length] == '/');
}

/* Local ones: a server that doesn't answer would hang the tracer. */
bool written_files__are_watched_on(const char *type, const char *point)
{
	static const char *const types[] = { "bcachefs", "btrfs", "ext2",   "ext3",    "ext4",
					     "f2fs",	 "jfs",	  "nilfs2", "overlay", "ramfs",
					     "rootfs",	 "tmpfs", "xfs",    "zfs" };
	bool known = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		known |= !strcmp(type, types[i]);
	return known && !is_at_or_below(point, "/mnt") && !is_at_or_below(point, "/media") &&
	       !is_at_or_below(point, "/run/media");
}

static bool is_watched(const struct written_files *written, const fsid_t *id)
{
	for (size_t i = 0; i < written->nr; i++)
		if (!memcmp(&written->watched[i].id, id, sizeof(*id)))
			return true;
	return false;
}

/* Returns 0 when the file system is watched now, or -errno. */
static int watch_file_system(struct written_files *written, const char *point)
{
	struct watched watched = { .mount_fd = -1 };
	struct statfs status;

	if (statfs(point, &status))
		return -errno;
	watched.id = status.f_fsid;
	if (is_watched(written, &watched.id))
		return 0;
	if (written->nr == MAX_FILE_SYSTEMS ||
	    array__reserve(&written->watched, &written->capacity, written->nr + 1))
		return -ENOMEM;
	if (fanotify_mark(written->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CLOSE_WRITE,
			  AT_FDCWD, point))
		return -errno;
	watched.point = strdup(point);
	if (!watched.point)
		return -ENOMEM;
	written->watched[written->nr++] = watched;
	return 0;
}

static int watch_mounts(struct written_files *written)
{
	char line[PATH_MAX + 512];
	struct mntent entry;
	FILE *mounts = setmntent("/proc/self/mounts", "re");

	if (!mounts)
		return -errno;
	while (getmntent_r(mounts, &entry, line, sizeof(line))) {
		int err;

		if (!written_files__are_watched_on(entry.mnt_type, entry.mnt_dir))
			continue;
		err = watch_file_system(written, entry.mnt_dir);
		if (err)
			log__detail("%s: new files are not watched for: %s", entry.mnt_dir,
				    strerror(-err));
	}
	endmntent(mounts);
	return written->nr ? 0 : -ENODEV;
}

struct written_files *written_files__watch(void)
{
	struct written_files *written = calloc(1, sizeof(*written));
	int err;

	if (!written)
		return NULL;
	written->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC | FAN_NONBLOCK,
				    O_RDONLY);
	err = written->fd < 0 ? -errno : watch_mounts(written);
	if (!err)
		return written;
	written_files__free(written);
	errno = -err;
	return NULL;
}

void written_files__free(struct written_files *written)
{
	if (!written)
		return;
	for (size_t i = 0; i < written->nr; i++)
		free(written->watched[i].point);
	if (written->fd >= 0)
		close(written->fd);
	free(written->watched);
	free(written);
}

int written_files__fd(const struct written_files *written)
{
	return written ? written->fd : -1;
}

size_t written_files__nr_file_systems(const struct written_files *written)
{
	return written->nr;
}

/* Something else may be mounted there by now. */
static void open_mount(struct watched *watched)
{
	struct statfs status;

	watched->tried = true;
	watched->mount_fd = open(watched->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (watched->mount_fd < 0)
		return;
	if (!fstatfs(watched->mount_fd, &status) &&
	    !memcmp(&status.f_fsid, &watched->id, sizeof(watched->id)))
		return;
	close(watched->mount_fd);
	watched->mount_fd = -1;
}

static int mount_of(struct written_files *written, const void *id)
{
	for (size_t i = 0; i < written->nr; i++) {
		struct watched *watched = &written->watched[i];

		if (memcmp(&watched->id, id, sizeof(watched->id)) != 0)
			continue;
		if (!watched->tried)
			open_mount(watched);
		return watched->mount_fd;
	}
	return -1;
}

static void close_mounts(struct written_files *written)
{
	for (size_t i = 0; i < written->nr; i++) {
		if (written->watched[i].mount_fd >= 0)
			close(written->watched[i].mount_fd);
		written->watched[i].mount_fd = -1;
		written->watched[i].tried = false;
	}
}

/* The kind is asked for before the file is opened: to open a device or a pipe can do harm. */
static int open_regular(int mount_fd, struct file_handle *handle, char *path, size_t path_size)
{
	int place = open_by_handle_at(mount_fd, handle, O_PATH | O_CLOEXEC), fd = -1;
	char link[64];
	struct stat status;
	ssize_t length;

	if (place < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
	length = readlink(link, path, path_size - 1);
	path[length > 0 ? length : 0] = '\0';
	if (!fstat(place, &status) && S_ISREG(status.st_mode) && status.st_nlink)
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(place);
	return fd;
}

static void visit_file(struct written_files *written,
		       const struct fanotify_event_info_fid *information, size_t nr_bytes,
		       void (*visit)(int fd, const char *path, void *context), void *context)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle;
	size_t bytes_at = sizeof(*information) + sizeof(handle.head);
	char path[PATH_MAX];
	int mount_fd, fd;

	if (nr_bytes < bytes_at)
		return;
	memcpy(&handle.head, information->handle, sizeof(handle.head));
	if (handle.head.handle_bytes > MAX_HANDLE_SZ ||
	    handle.head.handle_bytes > nr_bytes - bytes_at)
		return;
	memcpy(handle.bytes, information->handle + sizeof(handle.head), handle.head.handle_bytes);
	mount_fd = mount_of(written, &information->fsid);
	fd = mount_fd < 0 ? -1 : open_regular(mount_fd, &handle.head, path, sizeof(path));
	if (fd < 0)
		return;
	visit(fd, path, context);
	close(fd);
}

static void visit_event(struct written_files *written, const struct fanotify_event_metadata *event,
			void (*visit)(int fd, const char *path, void *context), void *context)
{
	const char *at = (const char *)event + event->metadata_len;
	const char *end = (const char *)event + event->event_len;

	if (event->mask & FAN_Q_OVERFLOW && !written->told_overflow) {
		log__detail(
			"more files were written than could be looked into; the others are when a process maps them");
		written->told_overflow = true;
	}
	if (event->pid == getpid() || event->metadata_len < sizeof(*event))
		return;
	while (at < end && (size_t)(end - at) >= sizeof(struct fanotify_event_info_header)) {
		const struct fanotify_event_info_header *header = (const void *)at;

		if (header->len < sizeof(*header) || header->len > end - at)
			return;
		if (header->info_type == FAN_EVENT_INFO_TYPE_FID &&
		    header->len >= sizeof(struct fanotify_event_info_fid))
			visit_file(written, (const void *)at, header->len, visit, context);
		at += header->len;
	}
}

static bool read_events(struct written_files *written)
{
	ssize_t nr_bytes = read(written->fd, written->events, sizeof(written->events));

	written->at = 0;
	written->nr_bytes = nr_bytes > 0 ? (size_t)nr_bytes : 0;
	return written->nr_bytes > 0;
}

void written_files__each(struct written_files *written,
			 void (*visit)(int fd, const char *path, void *context), void *context)
{
	uint64_t began_ns = clock__monotonic_ns();

	while (clock__monotonic_ns() - began_ns < LOOK_NS) {
		const struct fanotify_event_metadata *event;
		size_t left = written->nr_bytes - written->at;

		if (!left && !read_events(written))
			break;
		event = (const void *)(written->events + written->at);
		left = written->nr_bytes - written->at;
		if (!FAN_EVENT_OK(event, (long)left)) {
			written->nr_bytes = written->at = 0;
			continue;
		}
		written->at += event->event_len;
		visit_event(written, event, visit, context);
	}
	close_mounts(written);
}
