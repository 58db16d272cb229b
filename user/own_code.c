// SPDX-License-Identifier: GPL-2.0
/* See own_code.h. Called by targets.c after each attaching. */
#include "own_code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mapping.h"

#define BREAKPOINT_BYTES 1 /* int3 */

struct restoring {
	int file_fd, mem_fd;
	ino_t inode;
	const struct allocator_probes *probes;
	int err;
};

/* Writing code is a copy-on-write of a page that is our own already. */
static void restore(struct restoring *restoring, uint64_t address, uint64_t file_offset)
{
	uint8_t in_file[BREAKPOINT_BYTES], in_memory[BREAKPOINT_BYTES];

	if (pread(restoring->file_fd, in_file, sizeof(in_file), (off_t)file_offset) !=
		    sizeof(in_file) ||
	    pread(restoring->mem_fd, in_memory, sizeof(in_memory), (off_t)address) !=
		    sizeof(in_memory))
		restoring->err = -EIO;
	else if (in_file[0] != in_memory[0] && pwrite(restoring->mem_fd, in_file, sizeof(in_file),
						      (off_t)address) != sizeof(in_file))
		restoring->err = -errno;
}

/* Another file with this inode number on another device: its bytes would not be these. */
static bool maps_the_file(int file_fd, const struct mapping *map)
{
	char path[96];
	struct stat here, wanted;

	snprintf(path, sizeof(path), "/proc/self/map_files/%llx-%llx",
		 (unsigned long long)map->start, (unsigned long long)map->end);
	return !stat(path, &here) && !fstat(file_fd, &wanted) && here.st_ino == wanted.st_ino &&
	       here.st_dev == wanted.st_dev;
}

static int visit(const struct mapping *map, void *context)
{
	struct restoring *restoring = context;

	if (map->inode != restoring->inode || !maps_the_file(restoring->file_fd, map))
		return 0;
	for (size_t i = 0; i < restoring->probes->nr; i++) {
		uint64_t offset = restoring->probes->probe[i].probe_offset;

		if (offset >= map->file_offset && offset - map->file_offset < map->end - map->start)
			restore(restoring, map->start + (offset - map->file_offset), offset);
	}
	return 0;
}

int own_code__restore(int file_fd, const struct allocator_probes *probes)
{
	struct restoring restoring = { .file_fd = file_fd, .probes = probes };
	struct mapping_set *maps = mapping_set__new();
	FILE *file = fopen("/proc/self/maps", "re");
	struct stat status;

	restoring.mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (!maps || !file || restoring.mem_fd < 0 || fstat(file_fd, &status)) {
		restoring.err = -errno;
	} else if (mapping_set__read_maps(maps, file) >= 0) {
		restoring.inode = status.st_ino;
		mapping_set__each(maps, visit, &restoring);
	}
	if (restoring.mem_fd >= 0)
		close(restoring.mem_fd);
	if (file)
		fclose(file);
	mapping_set__free(maps);
	return restoring.err;
}
