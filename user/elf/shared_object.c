// SPDX-License-Identifier: GPL-2.0
/*
 * Reads strings from an ELF file's dynamic section; the file is closed again before they are used.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "elf/elf_file.h"
#include "elf/elf_image.h"
#include "elf/load_list.h"
#include "elf/shared_object.h"

#define NEEDED_MAX 1024

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int shared_object__resolve_origin(struct shared_object *object, const struct path_root *root)
{
	char link[64], resolved[PATH_MAX], *origin;
	struct stat status;
	int fd = elf_file__open_below(root, object->path, &status);
	ssize_t length;

	if (fd < 0)
		return load_list__is_shortage(fd) ? fd : 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, resolved, sizeof(resolved) - 1);
	close(fd);
	if (length <= 0 || resolved[0] != '/') /* a memfd has no path */
		return 0;
	resolved[length] = '\0';
	origin = folder_of(resolved);
	if (!origin)
		return -ENOMEM;
	free(object->origin);
	object->origin = origin;
	return 0;
}

/* An unreadable string is ld.so's affair; only our own shortage of memory is an error here. */
static int optional(int err)
{
	return err == -EBADMSG ? 0 : err;
}

static int add_needed(struct shared_object *object, char *name)
{
	int err = array__reserve(&object->needed, &object->needed_capacity, object->nr_needed + 1);

	if (err) {
		free(name);
		return err;
	}
	object->needed[object->nr_needed++] = name;
	return 0;
}

static int read_needed(struct shared_object *object, const struct elf_image *image, int64_t tag)
{
	uint64_t unused;

	for (size_t i = 0; elf_image__dynamic(image, tag, i, &unused); i++) {
		char *name;
		int err;

		if (object->nr_needed == NEEDED_MAX)
			return 0;
		err = optional(elf_image__dynamic_string(image, tag, i, &name));
		if (!err && name)
			err = add_needed(object, name);
		if (err)
			return err;
	}
	return 0;
}

static int read_strings(struct shared_object *object, const struct elf_image *image)
{
	static const int64_t needed_tags[] = { DT_NEEDED, DT_AUXILIARY, DT_FILTER };
	uint64_t flags;
	int err;

	err = optional(elf_image__interpreter(image, &object->interpreter));
	if (!err)
		err = optional(elf_image__dynamic_string(image, DT_SONAME, 0, &object->soname));
	if (!err)
		err = optional(elf_image__dynamic_string(image, DT_RUNPATH, 0, &object->runpath));
	if (!err && !object->runpath)
		err = optional(elf_image__dynamic_string(image, DT_RPATH, 0, &object->rpath));
	for (size_t i = 0; i < sizeof(needed_tags) / sizeof(*needed_tags) && !err; i++)
		err = read_needed(object, image, needed_tags[i]);
	object->no_default_folders = elf_image__dynamic(image, DT_FLAGS_1, 0, &flags) &&
				     (flags & DF_1_NODEFLIB);
	return err;
}

static int read_descriptor(struct shared_object *object, int fd)
{
	struct elf_image *image;
	int err = elf_image__open(fd, &image);
	if (err)
		return err;
	err = read_strings(object, image);
	elf_image__free(image);
	return err;
}

static int fill_object(struct shared_object *object, const struct path_root *root, const char *path)
{
	struct stat status;
	int fd, err;

	object->path = strdup(path);
	object->origin = folder_of(path);
	if (!object->path || !object->origin)
		return -ENOMEM;
	fd = elf_file__open_below(root, path, &status);
	if (fd < 0)
		return fd;
	object->key = file_key__of_stat(&status);
	err = read_descriptor(object, fd);
	close(fd);
	return err;
}

int shared_object__read(const struct path_root *root, const char *path,
			struct shared_object **object)
{
	struct shared_object *filled = calloc(1, sizeof(*filled));
	int err;

	*object = NULL;
	if (!filled)
		return -ENOMEM;
	err = fill_object(filled, root, path);
	if (err) {
		shared_object__free(filled);
		return err;
	}
	*object = filled;
	return 0;
}

void shared_object__free(struct shared_object *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < object->nr_needed; i++)
		free(object->needed[i]);
	free(object->needed);
	free(object->path);
	free(object->origin);
	free(object->interpreter);
	free(object->soname);
	free(object->rpath);
	free(object->runpath);
	free(object);
}
