// SPDX-License-Identifier: GPL-2.0
/* See process_view.h. Used by suspect.c and suspects.c. */
#include "process_view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program headers follow the file header. */
#define HEADER_BYTES 4096

void process_view__exe(pid_t tgid, char *path, size_t size)
{
	char link[64];
	ssize_t nr;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tgid);
	nr = readlink(link, path, size - 1);
	path[nr > 0 ? nr : 0] = '\0';
}

/* The link can be followed even where the path leads elsewhere: containers, deleted files. */
static enum translator_kind kind_by_file(pid_t tgid)
{
	char path[64], bytes[HEADER_BYTES];
	ssize_t nr;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return TRANSLATOR_NO; /* it is gone */
	nr = pread(fd, bytes, sizeof(bytes), 0);
	close(fd);
	return translator_kind__of_file(bytes, nr > 0 ? (size_t)nr : 0);
}

enum translator_kind process_view__kind(pid_t tgid)
{
	char path[PATH_MAX];
	enum translator_kind kind;

	process_view__exe(tgid, path, sizeof(path));
	if (!*path)
		return TRANSLATOR_NO; /* a kernel thread, or gone */
	kind = translator_kind__of_path(path);
	return kind == TRANSLATOR_PERHAPS ? kind_by_file(tgid) : kind;
}

void process_view__each_mapping(pid_t tgid, void (*visit)(const struct mapping *map, void *context),
				void *context)
{
	char path[64], line[PATH_MAX + 128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tgid);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		unsigned long long start, end, offset, inode;
		struct mapping map;
		char permissions[5], name[] = "";
		unsigned int major, minor;

		if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu", &start, &end, permissions,
			   &offset, &major, &minor, &inode) != 7 ||
		    permissions[3] != 'p' || !inode)
			continue;
		map = (struct mapping){
			.start = start,
			.end = end,
			.file_offset = offset,
			.dev_major = major,
			.dev_minor = minor,
			.inode = inode,
			.path = name,
		};
		visit(&map, context);
	}
	fclose(file);
}

void process_view__each_process(void (*visit)(pid_t tgid, void *context), void *context)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		pid_t tgid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tgid > 0)
			visit(tgid, context);
	}
	closedir(folder);
}

int process_view__open_memory(pid_t tgid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tgid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool process_view__exists(pid_t tgid)
{
	return !kill(tgid, 0) || errno == EPERM;
}
