// SPDX-License-Identifier: GPL-2.0
/* See shm_fate.h. Names go into the report as they are: writers make them safe to show. */
#include "stays/shm_fate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *words(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *words(const char *format, ...)
{
	char text[4352];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return strdup(text);
}

static const char *kind_of(const struct shared_object *object, const char *path)
{
	static const char *const kinds[][2] = {
		[SHARED_SYSV] = { "System V shared memory", "System V huge pages" },
		[SHARED_ANONYMOUS] = { "shared anonymous memory", "shared anonymous huge pages" },
		[SHARED_MEMFD] = { "memfd", "memfd of huge pages" },
		[SHARED_FILE] = { "tmpfs file", "hugetlbfs file" },
		[SHARED_DRIVER] = { "driver memory", "driver memory" },
	};

	if (object->kind == SHARED_FILE && !object->huge && !strncmp(path, "/dev/shm/", 9))
		return "POSIX shared memory";
	return kinds[object->kind][object->huge];
}

static char *name_of(const struct shared_object *object, const struct shm_facts *facts)
{
	switch (object->kind) {
	case SHARED_SYSV:
		if (!object->key)
			return words("shmid %" PRIu64 ", no key", object->file.inode);
		return words("shmid %" PRIu64 ", key 0x%" PRIx32, object->file.inode, object->key);
	case SHARED_ANONYMOUS:
		/* As in the holder's /proc/PID/maps. */
		return words("%s, inode %" PRIu64, object->huge ? "/anon_hugepage" : "/dev/zero",
			     object->file.inode);
	case SHARED_FILE:
		if (facts->path)
			return words("%s", facts->path);
		return words("%s%s", object->name, object->had_no_name ? " (deleted)" : "");
	case SHARED_MEMFD:
	case SHARED_DRIVER:
		break;
	}
	return words("%s", object->name);
}

static char *name_holders(const struct holding *holding)
{
	int first = (int)holding->first;

	if (holding->nr_processes > 1)
		return words("PID %d and %u more hold it", first, holding->nr_processes - 1);
	if (holding->open)
		return words("PID %d has it open", first);
	return words("PID %d maps it", first);
}

bool shm_fate__needs_holders(const struct shared_object *object, const struct shm_facts *facts)
{
	if (object->kind == SHARED_SYSV)
		return facts->segment && facts->segment->removed;
	return object->kind != SHARED_FILE || !facts->path;
}

static enum fate judge_segment(const struct shared_object *object, const struct shm_facts *facts)
{
	const struct sysv_segment *segment = facts->segment;

	if (object->elsewhere || !facts->segments_known)
		return FATE_UNKNOWN;
	if (!segment)
		return FATE_GONE;
	/*
	 * With another key it is, by chance, an identifier of another IPC namespace. A removed
	 * segment has lost its key.
	 */
	if (segment->key != object->key && !segment->removed)
		return FATE_UNKNOWN;
	/* The kernel has not completed its maker's end yet, which will remove it. */
	if (facts->removed_when_unused && !segment->nr_attached)
		return FATE_GONE;
	return FATE_STAYS;
}

static enum fate judge_file(const struct shared_object *object, const struct shm_facts *facts)
{
	if (object->kind == SHARED_FILE && facts->path)
		return FATE_STAYS;
	if (!facts->holders_known)
		return FATE_UNKNOWN;
	if (facts->holding.nr_processes)
		return FATE_STAYS;
	if (object->kind == SHARED_FILE && !object->had_no_name && !facts->place_known)
		return FATE_UNKNOWN;
	return FATE_GONE;
}

static char *why_segment(const struct shared_object *object, const struct shm_facts *facts)
{
	if (!facts->segment->removed)
		return words("until it is removed (ipcrm -m %" PRIu64 ")", object->file.inode);
	if (facts->holders_known && facts->holding.nr_processes)
		return name_holders(&facts->holding);
	return words("until its last attachment ends");
}

int shm_fate__decide(const struct shared_object *object, const struct shm_facts *facts,
		     enum fate *fate, struct report_kept *kept)
{
	bool sysv = object->kind == SHARED_SYSV;
	uint64_t bytes;

	*kept = (struct report_kept){ 0 };
	*fate = sysv ? judge_segment(object, facts) : judge_file(object, facts);
	if (*fate != FATE_STAYS)
		return 0;
	kept->kind = kind_of(object, facts->path ? facts->path : object->name);
	kept->name = name_of(object, facts);
	if (sysv) {
		bytes = facts->segment->bytes;
		kept->why = why_segment(object, facts);
	} else if (facts->path) {
		bytes = facts->file_bytes;
		kept->why = words("until it is removed");
	} else {
		bytes = facts->holding.bytes;
		kept->why = name_holders(&facts->holding);
	}
	kept->bytes = bytes <= INT64_MAX ? (figure)bytes : FIGURE_UNKNOWN;
	if (kept->name && kept->why)
		return 0;
	shm_fate__free(kept);
	return -ENOMEM;
}

bool shm_fate__created(const struct sysv_segment *segment, pid_t tgid, int64_t since_s)
{
	/* An earlier process may have had the same PID. */
	return segment->creator == tgid && segment->changed_s >= since_s;
}

void shm_fate__free(struct report_kept *kept)
{
	free((char *)kept->name);
	free((char *)kept->why);
	*kept = (struct report_kept){ 0 };
}
