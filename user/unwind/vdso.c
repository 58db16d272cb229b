// SPDX-License-Identifier: GPL-2.0
/* See vdso.h. Called by monitor_load.c; see vdso(7). */
#include "unwind/vdso.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char name[] = "[vdso]";

/* How many bytes of its mapping follow the address; 0: it is not mapped. */
static size_t mapped_bytes(uint64_t address)
{
	struct mapping_set *set = mapping_set__new();
	FILE *maps = fopen("/proc/self/maps", "re");
	const struct mapping *map = NULL;
	size_t nr_bytes = 0;

	if (set && maps && mapping_set__read_maps(set, maps) > 0)
		map = mapping_set__find(set, address);
	if (map)
		nr_bytes = map->end - address;
	if (maps)
		fclose(maps);
	mapping_set__free(set);
	return nr_bytes;
}

static int copy(int fd, const char *bytes, size_t nr_bytes)
{
	while (nr_bytes) {
		ssize_t written = write(fd, bytes, nr_bytes);

		if (written < 0 && errno != EINTR)
			return -errno;
		bytes += written > 0 ? written : 0;
		nr_bytes -= written > 0 ? (size_t)written : 0;
	}
	return 0;
}

int vdso__copy(struct mapping *file)
{
	uint64_t address = getauxval(AT_SYSINFO_EHDR);
	size_t nr_bytes = address ? mapped_bytes(address) : 0;
	struct stat status;
	int fd, err;

	memset(file, 0, sizeof(*file));
	if (!nr_bytes)
		return -ENOENT;
	fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = copy(fd, (const char *)(uintptr_t)address, nr_bytes);
	if (!err && fstat(fd, &status))
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	file->file = file_key__of_stat(&status);
	file->path = name;
	return fd;
}
