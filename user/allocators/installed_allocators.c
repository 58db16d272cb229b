// SPDX-License-Identifier: GPL-2.0
/*
 * Looks into the files of usual_places.h, and into others that the user named, for --features. The
 * files are hostile input: a bad one ends nothing.
 */
#include "allocators/installed_allocators.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocators/file_functions.h"
#include "allocators/usual_places.h"
#include "base/array.h"
#include "elf/elf_file.h"

struct paths {
	char **path;
	size_t nr, capacity;
	int err;
};

static void take_path(const char *path, void *context)
{
	struct paths *paths = context;
	char *copy = strdup(path);

	if (!paths->err)
		paths->err = copy ? array__reserve(&paths->path, &paths->capacity, paths->nr + 1) :
				    -ENOMEM;
	if (paths->err)
		free(copy);
	else
		paths->path[paths->nr++] = copy;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted: of several links to one file, the same one is named each time. */
int installed_allocators__add_usual(struct installed_allocators *installed, const char *root)
{
	struct paths paths = { 0 };
	int err;

	usual_places__each(root, take_path, &paths);
	err = paths.err;
	if (paths.nr)
		qsort(paths.path, paths.nr, sizeof(*paths.path), compare_paths);
	for (size_t i = 0; i < paths.nr; i++) {
		if (!err)
			err = installed_allocators__add(installed, paths.path[i]);
		free(paths.path[i]);
	}
	free(paths.path);
	return err;
}

static bool is_listed(const struct installed_allocators *installed, const char *path,
		      const struct stat *status)
{
	for (size_t i = 0; i < installed->nr; i++) {
		const struct installed_allocator *known = &installed->list[i];

		if (status ? known->device == status->st_dev && known->inode == status->st_ino :
			     !strcmp(known->path, path))
			return true;
	}
	return false;
}

/* Returns NULL where there is nothing to tell: the file was not asked for, or has probes. */
static const char *why_no_probes(int err, int fd, const char *path,
				 const struct allocator_probes *probes)
{
	if (err == -ENOEXEC)
		return elf_headers__is_32_bit(fd) ? "a 32-bit file" : "no ELF file";
	if (err == -EBADMSG)
		return "a damaged ELF file";
	if (err)
		return strerror(-err);
	if (!probes->nr && file_functions__looks_into(path, fd))
		return "no allocator in it";
	return NULL;
}

static int append(struct installed_allocators *installed, const char *path, const char *no_probes,
		  const struct allocator_probes *probes, const struct stat *status)
{
	struct installed_allocator *last;

	if (array__reserve(&installed->list, &installed->capacity, installed->nr + 1))
		return -ENOMEM;
	last = &installed->list[installed->nr];
	last->path = strdup(path);
	last->no_probes = no_probes ? strdup(no_probes) : NULL;
	if (!last->path || (no_probes && !last->no_probes)) {
		free(last->path);
		free(last->no_probes);
		return -ENOMEM;
	}
	last->probes = *probes;
	last->device = status->st_dev;
	last->inode = status->st_ino;
	installed->nr++;
	return 0;
}

static int add_open(struct installed_allocators *installed, const char *path, int fd,
		    const struct stat *status)
{
	struct allocator_probes probes;
	const char *no_probes;
	int err = file_functions__find(fd, path, &probes);

	if (err == -ENOMEM)
		return err;
	if (err)
		probes.nr = 0;
	no_probes = why_no_probes(err, fd, path, &probes);
	return no_probes || probes.nr ? append(installed, path, no_probes, &probes, status) : 0;
}

int installed_allocators__add(struct installed_allocators *installed, const char *path)
{
	static const struct allocator_probes none;
	struct stat status = { 0 };
	int fd = elf_file__open_below(&(struct path_root){ .prefix = "" }, path, &status);
	int err = 0;

	if (fd < 0) {
		memset(&status, 0, sizeof(status));
		if (fd == -ENOMEM || is_listed(installed, path, NULL))
			return fd == -ENOMEM ? fd : 0;
		return append(installed, path, fd == -EINVAL ? "no regular file" : strerror(-fd),
			      &none, &status);
	}
	if (!is_listed(installed, path, &status))
		err = add_open(installed, path, fd, &status);
	close(fd);
	return err;
}

const struct installed_allocator *
installed_allocators__find(const struct installed_allocators *installed, const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return NULL;
	for (size_t i = 0; i < installed->nr; i++)
		if (installed->list[i].device == status.st_dev &&
		    installed->list[i].inode == status.st_ino)
			return &installed->list[i];
	return NULL;
}

void installed_allocators__free(struct installed_allocators *installed)
{
	for (size_t i = 0; i < installed->nr; i++) {
		free(installed->list[i].path);
		free(installed->list[i].no_probes);
	}
	free(installed->list);
	*installed = (struct installed_allocators){ 0 };
}
