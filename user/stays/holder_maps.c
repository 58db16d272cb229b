// SPDX-License-Identifier: GPL-2.0
/* See holder_maps.h. Called by holder_scan.c. */
#include "stays/holder_maps.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/living_thread.h"
#include "base/mapping.h"

#define BYTES_OF_A_BLOCK 512

struct visit {
	struct holders *holders;
	pid_t tgid;
	uint32_t ways; /* enum holding_way */
	int err;
};

static uint64_t bytes_of_file(pid_t tgid, const struct mapping *map)
{
	char link[MAPPING_LINK_BYTES];
	struct stat status;

	mapping__write_link(link, tgid, map);
	return stat(link, &status) ? 0 : (uint64_t)status.st_blocks * BYTES_OF_A_BLOCK;
}

static void note_mapping(const struct mapping *map, void *context)
{
	struct visit *visit = context;
	struct holder holder = {
		.inode = map->file.inode,
		.device = file_key__device(&map->file),
		.tgid = (uint32_t)visit->tgid,
		.ways = visit->ways,
		.sysv = !strncmp(map->path, "/SYSV", 5),
	};

	/* A file system in memory has no device: its major number is 0. */
	if (visit->err || map->file.dev_major)
		return;
	holder.bytes = bytes_of_file(visit->tgid, map);
	visit->err = holders__add(visit->holders, &holder);
}

int holder_maps__read(struct holders *holders)
{
	struct visit visit = { .holders = holders };
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (!proc)
		return -errno;
	while (!visit.err && (entry = readdir(proc))) {
		char path[64];
		FILE *maps;

		visit.tgid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (visit.tgid <= 0 || visit.tgid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)living_thread__of(visit.tgid));
		maps = fopen(path, "re");
		if (!maps)
			continue;
		visit.ways = HOLDING_MAPPED;
		mapping__read_lines(maps, MAPPINGS_OF_FILES, note_mapping, &visit);
		rewind(maps);
		visit.ways = HOLDING_MAPPED | HOLDING_SHARED;
		mapping__read_lines(maps, MAPPINGS_SHARED, note_mapping, &visit);
		fclose(maps);
	}
	closedir(proc);
	return visit.err;
}
