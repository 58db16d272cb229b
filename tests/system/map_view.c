// SPDX-License-Identifier: GPL-2.0
/* See map_view.h. A map is found among the tracer's descriptors: other tracers may run. */
#include "map_view.h"

#include <dirent.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

#define MAX_KEY_BYTES 64

struct view {
	int fd;
	uint32_t key_bytes;
	uint32_t max_entries;
};

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The ID of the descriptor's map; 0 when it is of no map. */
static uint32_t map_id_of(pid_t tracer, const char *descriptor)
{
	char path[300], line[256];
	unsigned int id = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", (int)tracer, descriptor);
	file = fopen(path, "r");
	while (file && !id && fgets(line, sizeof(line), file))
		sscanf(line, "map_id: %u", &id);
	if (file)
		fclose(file);
	return id;
}

static bool open_if_named(uint32_t id, const char *name, struct view *view)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { .map_id = id };
	long fd = id ? bpf(BPF_MAP_GET_FD_BY_ID, &attr) : -1;

	if (fd < 0)
		return false;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) || strcmp(info.name, name) != 0) {
		close((int)fd);
		return false;
	}
	*view = (struct view){ (int)fd, info.key_size, info.max_entries };
	return true;
}

static struct view open_map(pid_t tracer, const char *name)
{
	struct view view = { .fd = -1 };
	const struct dirent *entry;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)tracer);
	folder = opendir(path);
	while (folder && view.fd < 0 && (entry = readdir(folder)))
		open_if_named(map_id_of(tracer, entry->d_name), name, &view);
	if (folder)
		closedir(folder);
	if (view.fd < 0 || view.key_bytes > MAX_KEY_BYTES)
		fail_msg("PID %d has no map %s to look at", (int)tracer, name);
	return view;
}

/*
 * A walk that a deletion disturbs begins anew, so it is cut at the size of the largest possible
 * map.
 */
static size_t walk(const struct view *view, void (*visit)(const char *key, void *context),
		   void *context)
{
	char key[MAX_KEY_BYTES], next[MAX_KEY_BYTES];
	union bpf_attr attr;
	size_t nr = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)view->fd;
	attr.next_key = (uintptr_t)next;
	for (; nr <= view->max_entries && !bpf(BPF_MAP_GET_NEXT_KEY, &attr); nr++) {
		memcpy(key, next, view->key_bytes);
		attr.key = (uintptr_t)key;
		if (visit)
			visit(key, context);
	}
	return nr;
}

size_t map_entries(pid_t tracer, const char *name)
{
	struct view view = open_map(tracer, name);
	size_t nr = walk(&view, NULL, NULL);

	close(view.fd);
	return nr;
}

struct serials {
	uint64_t *serial;
	size_t nr, at;
};

static void note_serial(const char *key, void *context)
{
	struct serials *serials = context;
	uint64_t serial;

	memcpy(&serial, key + serials->at, sizeof(serial));
	for (size_t i = 0; i < serials->nr; i++)
		if (serials->serial[i] == serial)
			return;
	serials->serial = realloc(serials->serial, (serials->nr + 1) * sizeof(serial));
	assert_non_null(serials->serial);
	serials->serial[serials->nr++] = serial;
}

size_t map_serials(pid_t tracer, const char *name, size_t serial_at)
{
	struct view view = open_map(tracer, name);
	struct serials serials = { .at = serial_at };

	walk(&view, note_serial, &serials);
	free(serials.serial);
	close(view.fd);
	return serials.nr;
}
