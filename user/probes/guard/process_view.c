// SPDX-License-Identifier: GPL-2.0
/* See process_view.h. Used by the guard's other files, and by probed_files.c. */
#include "probes/guard/process_view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/living_thread.h"

void process_view__exe(pid_t tgid, char *path, size_t size)
{
	char link[64];
	ssize_t nr;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)living_thread__of(tgid));
	nr = readlink(link, path, size - 1);
	path[nr > 0 ? nr : 0] = '\0';
}

enum translator_kind process_view__kind(pid_t tgid)
{
	char path[PATH_MAX];

	process_view__exe(tgid, path, sizeof(path));
	return translator_kind__of(path);
}

void process_view__each_mapping(pid_t tgid, void (*visit)(const struct mapping *map, void *context),
				void *context)
{
	char path[64], line[PATH_MAX + 128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)living_thread__of(tgid));
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
			.file = { .inode = inode, .dev_major = major, .dev_minor = minor },
			.path = name,
		};
		visit(&map, context);
	}
	fclose(file);
}

struct recognition {
	enum translator_kind kind;
	bool shown;
};

static void recognise(const struct mapping *map, void *context)
{
	struct recognition *recognition = context;

	recognition->shown |= translator_kind__shows_in(recognition->kind, map);
}

bool process_view__translates(pid_t tgid)
{
	struct recognition recognition = { .kind = process_view__kind(tgid) };

	if (recognition.kind)
		process_view__each_mapping(tgid, recognise, &recognition);
	return recognition.shown;
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

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)living_thread__of(tgid));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool process_view__is_alive(pid_t tgid)
{
	char path[PATH_MAX];

	process_view__exe(tgid, path, sizeof(path));
	return *path;
}
