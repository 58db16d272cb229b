// SPDX-License-Identifier: GPL-2.0
/* See processes.h. monitor_records.c feeds it the records of kernel_records.h; reports read it. */
#include "processes/processes.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/living_thread.h"
#include "base/log.h"
#include "base/memory_share.h"
#include "processes/process_cgroup.h"

#define NR_BUCKETS 1024
/* The share of the machine's memory for all mappings; the maximum has room for a million. */
#define MEMORY_PARTS 64
#define MAX_MAPPING_BYTES (64ull << 20)

struct process {
	pid_t tgid;
	uint64_t read_ns; /* CLOCK_MONOTONIC, when /proc was read; 0: never */
	uint64_t gone_ns; /* CLOCK_MONOTONIC, when the last look found it gone; 0: it was there */
	struct image *newest;
	struct process *next; /* in the bucket */
};

struct processes {
	struct process *buckets[NR_BUCKETS];
	struct mapping_room room;
	bool told_full;
};

static struct process **slot(const struct processes *processes, pid_t tgid)
{
	struct process **process =
		(struct process **)&processes->buckets[(unsigned int)tgid % NR_BUCKETS];

	while (*process && (*process)->tgid != tgid)
		process = &(*process)->next;
	return process;
}

static void free_image(struct image *image)
{
	mapping_set__free(image->mappings);
	perf_map_file__free(image->code);
	shared_memory__free(image->shared);
	image_holds__free(&image->holds);
	free(image->exe);
	free(image->cgroup);
	free(image);
}

static void free_images(struct image *image)
{
	while (image) {
		struct image *older = image->older;

		free_image(image);
		image = older;
	}
}

/* Takes over the mappings, also on failure. mappings NULL stands for a failure to make them. */
static struct image *add_image(struct process *process, uint64_t since_ns,
			       struct mapping_set *mappings)
{
	struct image *image = mappings ? calloc(1, sizeof(*image)) : NULL;

	if (!image) {
		mapping_set__free(mappings);
		return NULL;
	}
	image->mappings = mappings;
	image->since_ns = since_ns;
	image->older = process->newest;
	process->newest = image;
	return image;
}

static char *read_exe(pid_t tgid)
{
	char path[64], exe[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)living_thread__of(tgid));
	length = readlink(path, exe, sizeof(exe) - 1);
	if (length <= 0)
		return NULL;
	exe[length] = '\0';
	return strdup(exe);
}

struct processes *processes__new(void)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (processes)
		processes->room.max_bytes = memory_share(MEMORY_PARTS, MAX_MAPPING_BYTES);
	return processes;
}

/* Logs an -ENOSPC, once as a warning. Returns err. */
static int tell_full(struct processes *processes, pid_t tgid, int err)
{
	if (err != -ENOSPC)
		return err;
	if (!processes->told_full)
		log__warning("there is no room for all mappings of processes: code that is mapped "
			     "from now on may be shown by its address; -v names the processes");
	processes->told_full = true;
	log__detail("PID %d: no room for another mapping", (int)tgid);
	return err;
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

static void free_process(struct process *process)
{
	free_images(process->newest);
	free(process);
}

void processes__forget(struct processes *processes, pid_t tgid)
{
	struct process **at = slot(processes, tgid), *process = *at;

	if (!process)
		return;
	*at = process->next;
	free_process(process);
}

void processes__set_relative(struct processes *processes, pid_t tgid, pid_t relative)
{
	struct process *process = *slot(processes, tgid);

	if (process)
		process->newest->relative = relative;
}

/* Returns the entry of a process, made if there is none; NULL when memory has run out. */
static struct process *get_process(struct processes *processes, pid_t tgid)
{
	struct process **at = slot(processes, tgid);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (*at)
			(*at)->tgid = tgid;
	}
	return *at;
}

/* Copies a text that may be NULL. */
static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

/*
 * Can the mapping hold code made at run time? Such code is in anonymous memory; some run-time
 * compilers map a memfd twice instead, to write to it at another address.
 */
static int is_made_at_run_time(const struct mapping *map, void *context)
{
	(void)context;
	return map->file.inode ? !strncmp(map->path, "/memfd:", 7) :
				 !*map->path || !strcmp(map->path, "//anon");
}

/* A child has its parent's code, with the parent's names, until it makes code of its own. */
static void note_code(struct image *image, pid_t tgid)
{
	struct perf_map_file *own;

	if (image->code && !image->code_is_parents) {
		perf_map_file__look(image->code);
		return;
	}
	own = perf_map_file__new(tgid);
	if (!own)
		return;
	perf_map_file__free(image->code);
	image->code = own;
	image->code_is_parents = false;
	perf_map_file__look(own);
}

int processes__add(struct processes *processes, pid_t tgid)
{
	uint64_t now_ns = clock__monotonic_ns();
	struct process *process;
	struct image *image;
	FILE *maps;
	int err;

	processes__forget(processes, tgid);
	maps = living_thread__open(tgid, "maps");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	process = get_process(processes, tgid);
	image = process ? add_image(process, 0, mapping_set__new_in(&processes->room)) : NULL;
	if (!image) {
		processes__forget(processes, tgid);
		fclose(maps);
		return -ENOMEM;
	}
	process->read_ns = now_ns;
	err = mapping_set__read_maps(image->mappings, maps);
	fclose(maps);
	/* A process with some of its mappings is better than no process. */
	if (err < 0 && tell_full(processes, tgid, err) != -ENOSPC) {
		processes__forget(processes, tgid);
		return err;
	}
	if (mapping_set__each(image->mappings, is_made_at_run_time, NULL))
		note_code(image, tgid);
	image->exe = read_exe(tgid);
	image->cgroup = process_cgroup__read(tgid);
	return 0;
}

/*
 * Gives the image a set of mappings of its own, to change. If there is no room for a copy of the
 * parent's, the image starts with an empty set: mappings that are not known are better than stale
 * ones.
 */
static int own_mappings(struct processes *processes, struct process *process)
{
	struct image *image = process->newest;
	struct mapping_set *clone;

	if (!mapping_set__is_shared(image->mappings))
		return 0;
	clone = mapping_set__clone(image->mappings);
	if (!clone && tell_full(processes, process->tgid, -errno) == -ENOSPC)
		clone = mapping_set__new_in(&processes->room);
	if (!clone)
		return -ENOMEM;
	mapping_set__free(image->mappings);
	image->mappings = clone;
	return 0;
}

int processes__mapped(struct processes *processes, pid_t tgid, uint64_t time_ns,
		      const struct mapping *map)
{
	struct process *process = *slot(processes, tgid);
	int err;

	if (!process || time_ns < process->read_ns)
		return 0;
	err = own_mappings(processes, process);
	if (err)
		return err;
	if (is_made_at_run_time(map, NULL))
		note_code(process->newest, tgid);
	/* The first file that exec maps is the program itself; its interpreter comes after it. */
	if (!process->newest->exe && map->file.inode)
		process->newest->exe = strdup(map->path);
	return tell_full(processes, tgid, mapping_set__add(process->newest->mappings, map));
}

int processes__execed(struct processes *processes, pid_t tgid, uint64_t time_ns, const char *comm)
{
	struct process *process = *slot(processes, tgid);
	struct image *image;

	if (!process || time_ns < process->read_ns)
		return 0;
	image = add_image(process, time_ns, mapping_set__new_in(&processes->room));
	if (!image)
		return -ENOMEM;
	snprintf(image->comm, sizeof(image->comm), "%s", comm);
	/* A service is often put into its cgroup between fork and exec. */
	image->cgroup = process_cgroup__read(tgid);
	if (!image->cgroup)
		image->cgroup = copy_text(image->older->cgroup);
	return 0;
}

int processes__forked(struct processes *processes, pid_t tgid, pid_t parent, uint64_t time_ns)
{
	const struct process *from = *slot(processes, parent);
	const struct image *of_parent = processes__image(processes, parent, time_ns);
	struct process *process;
	struct image *image;

	if (!from || !of_parent)
		return 0;
	process = get_process(processes, tgid);
	if (!process)
		return -ENOMEM;
	if (time_ns < process->read_ns)
		return 0;
	image = add_image(process, time_ns, mapping_set__share(of_parent->mappings));
	if (!image) {
		if (!process->newest)
			processes__forget(processes, tgid);
		return -ENOMEM;
	}
	image->exe = copy_text(of_parent->exe);
	image->cgroup = copy_text(of_parent->cgroup);
	image->code = perf_map_file__share(of_parent->code);
	image->code_is_parents = true;
	image_holds__copy(&image->holds, &of_parent->holds);
	if (of_parent->shared)
		image->shared = shared_memory__clone(of_parent->shared);
	memcpy(image->comm, of_parent->comm, sizeof(image->comm));
	return 0;
}

void processes__reported(struct processes *processes, pid_t tgid, uint64_t time_ns)
{
	struct process *process = *slot(processes, tgid);
	struct image **at = process ? &process->newest : NULL;
	struct image *reported;

	while (at && *at && (*at)->since_ns > time_ns)
		at = &(*at)->older;
	if (!at || !*at)
		return;
	reported = *at;
	*at = NULL;
	free_images(reported);
	if (!process->newest)
		processes__forget(processes, tgid);
}

void processes__each(const struct processes *processes,
		     void (*visit)(pid_t tgid, const struct image *newest, void *context),
		     void *context)
{
	for (size_t i = 0; i < NR_BUCKETS; i++)
		for (const struct process *process = processes->buckets[i]; process;
		     process = process->next)
			visit(process->tgid, process->newest, context);
}

size_t processes__find_gone(struct processes *processes)
{
	uint64_t now_ns = clock__monotonic_ns();
	size_t nr = 0;

	for (size_t i = 0; i < NR_BUCKETS; i++) {
		for (struct process *process = processes->buckets[i]; process;
		     process = process->next) {
			bool gone = kill(process->tgid, 0) && errno == ESRCH;

			process->gone_ns = gone ? now_ns : 0;
			nr += gone;
		}
	}
	return nr;
}

/* The PID may have been reused since: then the newest image began after gone_ns. */
static bool can_go(const struct process *process, bool (*is_needed)(pid_t tgid, void *context),
		   void *context)
{
	return process->gone_ns && process->newest->since_ns < process->gone_ns &&
	       !is_needed(process->tgid, context);
}

void processes__sweep_gone(struct processes *processes,
			   bool (*is_needed)(pid_t tgid, void *context), void *context)
{
	for (size_t i = 0; i < NR_BUCKETS; i++) {
		struct process **at = &processes->buckets[i];

		while (*at) {
			struct process *process = *at;

			if (can_go(process, is_needed, context)) {
				*at = process->next;
				free_process(process);
			} else {
				at = &process->next;
			}
		}
	}
}

struct shared_memory *processes__shared(struct processes *processes, pid_t tgid)
{
	struct process *process = *slot(processes, tgid);

	if (!process)
		return NULL;
	if (!process->newest->shared)
		process->newest->shared = shared_memory__new();
	return process->newest->shared;
}

static struct image *find_image(const struct processes *processes, pid_t tgid, uint64_t time_ns)
{
	const struct process *process = *slot(processes, tgid);
	struct image *image = process ? process->newest : NULL;

	while (image && image->since_ns > time_ns)
		image = image->older;
	return image;
}

struct image_holds *processes__holds(const struct processes *processes, pid_t tgid,
				     uint64_t time_ns)
{
	struct image *image = find_image(processes, tgid, time_ns);

	return image ? &image->holds : NULL;
}

const struct image *processes__image(const struct processes *processes, pid_t tgid,
				     uint64_t time_ns)
{
	return find_image(processes, tgid, time_ns);
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
