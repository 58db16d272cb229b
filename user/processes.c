// SPDX-License-Identifier: GPL-2.0
/* See processes.h. Fed by monitor.c from events.h; read when a report is written. */
#include "processes.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NR_BUCKETS 1024
#define CGROUP_LINE_BYTES 4352

struct process {
	pid_t tgid;
	struct image *newest;
	char *cgroup;
	struct process *next; /* in the bucket */
};

struct processes {
	struct process *buckets[NR_BUCKETS];
};

static struct process **slot(const struct processes *processes, pid_t tgid)
{
	struct process **process =
		(struct process **)&processes->buckets[(unsigned int)tgid % NR_BUCKETS];

	while (*process && (*process)->tgid != tgid)
		process = &(*process)->next;
	return process;
}

static void free_images(struct image *image)
{
	while (image) {
		struct image *older = image->older;

		mapping_set__free(image->mappings);
		free(image->exe);
		free(image);
		image = older;
	}
}

static struct image *add_image(struct process *process, uint64_t since_ns)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->mappings = mapping_set__new();
	if (!image->mappings) {
		free(image);
		return NULL;
	}
	image->since_ns = since_ns;
	image->older = process->newest;
	process->newest = image;
	return image;
}

static FILE *open_proc(pid_t tgid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tgid, name);
	return fopen(path, "re");
}

static char *read_exe(pid_t tgid)
{
	char path[64], exe[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)tgid);
	length = readlink(path, exe, sizeof(exe) - 1);
	if (length <= 0)
		return NULL;
	exe[length] = '\0';
	return strdup(exe);
}

/*
 * A line is "hierarchy:controllers:path". The unified hierarchy (0) is the one that counts, unless
 * the memory controller is still on a hierarchy of its own.
 */
static char *read_cgroup(pid_t tgid)
{
	FILE *file = open_proc(tgid, "cgroup");
	char line[CGROUP_LINE_BYTES], *cgroup = NULL;

	if (!file)
		return NULL;
	while (fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		bool memory;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		memory = strstr(controllers + 1, "memory") != NULL;
		if (!memory && strcmp(line, "0:") != 0)
			continue;
		free(cgroup);
		cgroup = strdup(path);
		if (memory)
			break;
	}
	fclose(file);
	return cgroup;
}

struct processes *processes__new(void)
{
	return calloc(1, sizeof(struct processes));
}

void processes__free(struct processes *processes)
{
	if (!processes)
		return;
	for (size_t i = 0; i < NR_BUCKETS; i++)
		while (processes->buckets[i])
			processes__forget(processes, processes->buckets[i]->tgid);
	free(processes);
}

void processes__forget(struct processes *processes, pid_t tgid)
{
	struct process **at = slot(processes, tgid), *process = *at;

	if (!process)
		return;
	*at = process->next;
	free_images(process->newest);
	free(process->cgroup);
	free(process);
}

int processes__add(struct processes *processes, pid_t tgid)
{
	struct process *process;
	struct image *image;
	FILE *maps;
	int err;

	processes__forget(processes, tgid);
	maps = open_proc(tgid, "maps");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	process = calloc(1, sizeof(*process));
	image = process ? add_image(process, 0) : NULL;
	if (!image) {
		free(process);
		fclose(maps);
		return -ENOMEM;
	}
	process->tgid = tgid;
	*slot(processes, tgid) = process;
	err = mapping_set__read_maps(image->mappings, maps);
	fclose(maps);
	if (err < 0) {
		processes__forget(processes, tgid);
		return err;
	}
	image->exe = read_exe(tgid);
	process->cgroup = read_cgroup(tgid);
	return 0;
}

int processes__mapped(struct processes *processes, pid_t tgid, const struct mapping *map)
{
	struct process *process = *slot(processes, tgid);

	if (!process)
		return 0;
	/* The first file that exec maps is the program itself, its interpreter comes after. */
	if (!process->newest->exe && map->inode)
		process->newest->exe = strdup(map->path);
	return mapping_set__add(process->newest->mappings, map);
}

int processes__execed(struct processes *processes, pid_t tgid, uint64_t time_ns, const char *comm)
{
	struct process *process = *slot(processes, tgid);
	struct image *image;

	if (!process)
		return 0;
	image = add_image(process, time_ns);
	if (!image)
		return -ENOMEM;
	snprintf(image->comm, sizeof(image->comm), "%s", comm);
	return 0;
}

const struct image *processes__image(const struct processes *processes, pid_t tgid,
				     uint64_t time_ns)
{
	const struct process *process = *slot(processes, tgid);
	const struct image *image = process ? process->newest : NULL;

	while (image && image->since_ns > time_ns)
		image = image->older;
	return image;
}

const struct image *processes__next_image(const struct processes *processes, pid_t tgid,
					  uint64_t time_ns)
{
	const struct process *process = *slot(processes, tgid);
	const struct image *next = NULL;

	for (const struct image *image = process ? process->newest : NULL;
	     image && image->since_ns > time_ns; image = image->older)
		next = image;
	return next;
}

const char *processes__cgroup(const struct processes *processes, pid_t tgid)
{
	const struct process *process = *slot(processes, tgid);

	return process ? process->cgroup : NULL;
}
