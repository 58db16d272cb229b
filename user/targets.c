// SPDX-License-Identifier: GPL-2.0
/* See targets.h. */
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"

#define MAX_FILES 65536

struct known_file {
	dev_t device;
	ino_t inode;
	bool probed;
};

struct targets {
	struct tracer *tracer;
	struct known_file *files;
	size_t nr_files;
	unsigned int nr_probed, nr_functions;
};

struct targets *targets__new(struct tracer *tracer)
{
	struct targets *targets = calloc(1, sizeof(*targets));

	if (targets)
		targets->tracer = tracer;
	return targets;
}

void targets__free(struct targets *targets)
{
	if (!targets)
		return;
	free(targets->files);
	free(targets);
}

static const struct known_file *find_file(const struct targets *targets, dev_t device, ino_t inode)
{
	for (size_t i = 0; i < targets->nr_files; i++)
		if (targets->files[i].inode == inode && targets->files[i].device == device)
			return &targets->files[i];
	return NULL;
}

static int remember_file(struct targets *targets, dev_t device, ino_t inode, bool probed)
{
	if (targets->nr_files == MAX_FILES)
		return -ENOSPC;
	if (!(targets->nr_files & (targets->nr_files - 1))) {
		size_t capacity = targets->nr_files ? 2 * targets->nr_files : 1;
		struct known_file *grown =
			realloc(targets->files, capacity * sizeof(*targets->files));

		if (!grown)
			return -ENOMEM;
		targets->files = grown;
	}
	targets->files[targets->nr_files++] =
		(struct known_file){.device = device, .inode = inode, .probed = probed};
	return 0;
}

/* Takes a look at one opened file. Returns 1 when it is probed, 0 when it is no allocator. */
static int probe_file(struct targets *targets, int fd, const char *name)
{
	struct allocator_probes probes;
	int err = allocators__find(fd, &probes);

	if (err || !probes.nr) {
		if (err && err != -ENOEXEC)
			log__detail("%s: not looked at: %s", name, strerror(-err));
		return 0;
	}
	err = tracer__attach_allocator(targets->tracer, fd, &probes);
	if (err < 0) {
		log__warning("cannot probe the allocator in %s: %s; its blocks are not counted",
			     name, strerror(-err));
		return err;
	}
	for (size_t i = 0; i < probes.nr; i++)
		log__detail("%s: probe on %s at file offset 0x%llx", name, probes.probe[i].symbol,
			    (unsigned long long)probes.probe[i].file_offset);
	targets->nr_probed++;
	targets->nr_functions += (unsigned int)probes.nr;
	return 1;
}

/* Returns 1 when the file is probed, now or from before, 0 when it need not be, or -errno. */
static int add_open_file(struct targets *targets, int fd, const char *name)
{
	const struct known_file *known;
	struct stat status;
	int probed, err;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return 0;
	known = find_file(targets, status.st_dev, status.st_ino);
	if (known)
		return known->probed;
	probed = probe_file(targets, fd, name) > 0;
	err = remember_file(targets, status.st_dev, status.st_ino, probed);
	return err ? err : probed;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static int visit_closure(const char *path, void *context)
{
	int fd = open_file(path);

	if (fd >= 0) {
		add_open_file(context, fd, path);
		close(fd);
	}
	return 0;
}

int targets__add_command(struct targets *targets, const char *executable,
			 const struct elf_closure_environment *environment)
{
	return elf_closure__each(executable, environment, visit_closure, targets);
}

int targets__add_mapping(struct targets *targets, pid_t tgid, const struct mapping *map)
{
	dev_t device = makedev(map->dev_major, map->dev_minor);
	char path[96];
	int fd, probed;

	if (!map->inode || find_file(targets, device, map->inode))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)tgid,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	fd = open_file(path);
	if (fd < 0)
		fd = open_file(map->path);
	if (fd < 0)
		return fd;
	probed = add_open_file(targets, fd, map->path);
	close(fd);
	if (probed < 0)
		return probed;
	/* On overlayfs and btrfs stat names another device than the mapping does: know both. */
	if (find_file(targets, device, map->inode))
		return 0;
	return remember_file(targets, device, map->inode, probed);
}

static int is_probed(const struct mapping *map, void *context)
{
	const struct targets *targets = context;
	const struct known_file *file =
		find_file(targets, makedev(map->dev_major, map->dev_minor), map->inode);

	return file && file->probed;
}

bool targets__covers(const struct targets *targets, const struct mapping_set *mappings)
{
	return mapping_set__each(mappings, is_probed, (void *)targets);
}

unsigned int targets__nr_files(const struct targets *targets)
{
	return targets->nr_probed;
}

unsigned int targets__nr_functions(const struct targets *targets)
{
	return targets->nr_functions;
}
