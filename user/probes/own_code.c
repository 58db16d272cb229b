// SPDX-License-Identifier: GPL-2.0
/* See own_code.h. Called by probed_files.c after probes have been put into every process. */
#include "probes/own_code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probes/mapped_file.h"

#define BREAKPOINT_BYTES 1 /* int3 */

struct restoring {
	const struct file_identifier *identifier;
	struct file_identity identity;
	int file_fd, mem_fd;
	const struct allocator_probes *probes;
	int err;
};

/* Another file that is mapped there has other bytes, and must not be written to. */
static bool maps_the_file(const struct restoring *restoring, const struct mapping *map)
{
	struct file_identity identity;
	int fd = mapped_file__open(restoring->identifier, getpid(), map, &identity);

	if (fd < 0)
		return false;
	close(fd);
	return !memcmp(&identity, &restoring->identity, sizeof(identity));
}

/* The page is already a private copy, so this write changes no other process. */
static void restore(struct restoring *restoring, const struct mapping *map, uint64_t file_offset)
{
	off_t address = (off_t)(map->start + (file_offset - map->file_offset));
	uint8_t in_file[BREAKPOINT_BYTES], in_memory[BREAKPOINT_BYTES];

	if (pread(restoring->file_fd, in_file, sizeof(in_file), (off_t)file_offset) !=
		    sizeof(in_file) ||
	    pread(restoring->mem_fd, in_memory, sizeof(in_memory), address) != sizeof(in_memory))
		return;
	if (in_file[0] != in_memory[0] && maps_the_file(restoring, map) &&
	    pwrite(restoring->mem_fd, in_file, sizeof(in_file), address) != sizeof(in_file))
		restoring->err = -errno;
}

static int visit(const struct mapping *map, void *context)
{
	struct restoring *restoring = context;

	for (size_t i = 0; i < restoring->probes->nr && map->file.inode; i++) {
		uint64_t offset = restoring->probes->probe[i].probe_offset;

		if (offset >= map->file_offset && offset - map->file_offset < map->end - map->start)
			restore(restoring, map, offset);
	}
	return 0;
}

int own_code__restore(const struct file_identifier *identifier, int file_fd,
		      const struct allocator_probes *probes)
{
	struct restoring restoring = {
		.identifier = identifier,
		.file_fd = file_fd,
		.probes = probes,
	};
	struct mapping_set *maps = mapping_set__new();
	FILE *file = fopen("/proc/self/maps", "re");

	restoring.mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (!maps || !file || restoring.mem_fd < 0) {
		restoring.err = -errno;
	} else {
		restoring.err = file_identity__read(identifier, file_fd, &restoring.identity);
		if (!restoring.err && mapping_set__read_maps(maps, file) >= 0)
			mapping_set__each(maps, visit, &restoring);
	}
	if (restoring.mem_fd >= 0)
		close(restoring.mem_fd);
	if (file)
		fclose(file);
	mapping_set__free(maps);
	return restoring.err;
}
