// SPDX-License-Identifier: GPL-2.0
/* See mapped_file.h. Called by code_files.c, and by own_code.c for the tracer's own mappings. */
#include "probes/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/living_thread.h"
#include "elf/patient_open.h"
#include "elf/process_root.h"

#define FILE_SYSTEM_BYTES 32 /* two numbers */

static struct file_key file_of(const struct unwind_file_key *key)
{
	struct file_key file = file_key__of_device(key->device, key->inode);

	file.generation = key->generation;
	return file;
}

struct unwind_file_key mapped_file__key(const struct mapping *map)
{
	return (struct unwind_file_key){
		.inode = map->file.inode,
		.device = file_key__device(&map->file),
		.generation = (uint32_t)map->file.generation,
	};
}

void mapped_file__set_identity(struct mapping *map, const struct file_identity *identity)
{
	map->file = file_of(&identity->key);
	map->inode_address = identity->address;
}

/* The mapping may carry the numbers of the inode itself, or those that stat shows. */
static bool has_numbers(const struct mapping *map, int fd, const struct stat *status,
			const struct file_identity *identity)
{
	struct unwind_file_key key_by_stat = file_identity__key_by_stat(fd, status);
	struct file_key by_stat = file_of(&key_by_stat), mapped = file_of(&identity->key);

	return file_key__agrees(&mapped, &map->file) || file_key__agrees(&by_stat, &map->file);
}

/* The link's target must end with the path; it may begin at another root. */
static bool has_path(const struct mapping *map, const char *link)
{
	char target[PATH_MAX];
	size_t wanted = strlen(map->path);
	ssize_t length = readlink(link, target, sizeof(target));

	return wanted && length >= (ssize_t)wanted &&
	       !memcmp(target + length - wanted, map->path, wanted);
}

void mapped_file__read_path(pid_t tgid, const struct mapping *map, char *path, size_t size)
{
	char link[MAPPING_LINK_BYTES];
	ssize_t length;

	mapping__write_link(link, tgid, map);
	length = readlink(link, path, size - 1);
	path[length > 0 ? length : 0] = '\0';
}

/*
 * The process may have mapped another file there since: that one must not be taken. The record of
 * an overlay may carry numbers that nothing else shows; then the path has to match.
 */
static int open_in_process(const struct file_identifier *identifier, pid_t tgid,
			   const struct mapping *map, struct file_identity *identity)
{
	struct stat status;
	char link[MAPPING_LINK_BYTES], file_system[FILE_SYSTEM_BYTES];
	struct patient_request request = { -1, link, file_system, NULL };
	int fd, err;

	mapping__write_link(link, tgid, map);
	snprintf(file_system, sizeof(file_system), "%u:%u", map->file.dev_major,
		 map->file.dev_minor);
	fd = patient_open__regular(&request, &status);
	if (fd < 0)
		return fd;
	err = file_identity__read(identifier, fd, identity);
	if (!err && !has_numbers(map, fd, &status, identity) && !has_path(map, link))
		err = -ESTALE;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Opens a file only if stat shows it with the mapping's numbers. */
static int open_in_root(const struct file_identifier *identifier, const struct process_root *root,
			const struct mapping *map, struct file_identity *identity)
{
	struct expected_file expected = { .key = map->file };
	const char *path = map->path;
	struct patient_request request = { .root_fd = process_root__place(root, &path),
					   .expected = &expected };
	struct stat status;
	int fd, err;

	request.path = path;
	fd = patient_open__regular(&request, &status);
	if (fd < 0)
		return fd;
	err = file_identity__read(identifier, fd, identity);
	if (!err && !has_numbers(map, fd, &status, identity))
		err = -ESTALE;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int mapped_file__open(const struct file_identifier *identifier, pid_t tgid,
		      const struct mapping *map, struct file_identity *identity)
{
	int fd = open_in_process(identifier, tgid, map, identity);
	struct process_root *root;
	char path[64];

	if (fd >= 0 || map->path[0] != '/' || !strncmp(map->path, "//", 2))
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)living_thread__of(tgid));
	root = process_root__enter(path);
	fd = open_in_root(identifier, root, map, identity);
	process_root__free(root);
	return fd;
}

bool mapped_file__is_mapped(const struct file_identifier *identifier, pid_t tgid,
			    const struct mapping *map)
{
	struct file_identity identity;
	int fd = open_in_process(identifier, tgid, map, &identity);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool mapped_file__is_in(const struct file_set *files, const struct unwind_file_key *key)
{
	struct file_key file = file_of(key);

	return file_set__has(files, &file);
}
