// SPDX-License-Identifier: GPL-2.0
/* See code_files.h. Called by monitor_targets.c and monitor_setup.c. */
#include "code_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"

#define MINOR_BITS 20
#define MINOR_MASK ((1u << MINOR_BITS) - 1)

static uint32_t read_generation(int fd)
{
	int generation = 0; /* the ioctl is declared to take a long, and writes an int */

	return ioctl(fd, FS_IOC_GETVERSION, &generation) ? 0 : (uint32_t)generation;
}

static void add_table(const struct code_files *files, const struct unwind_file_key *key, int fd,
		      const char *name)
{
	int err = unwind_tables__add(files->tables, key, fd);

	if (err)
		log__detail("%s: no table to unwind by: %s", name, strerror(-err));
}

static int open_mapped(pid_t tgid, const struct mapping *map)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)tgid,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static struct unwind_file_key key_of_mapping(const struct mapping *map)
{
	return (struct unwind_file_key){
		.inode = map->inode,
		.device = map->dev_major << MINOR_BITS | map->dev_minor,
		.generation = (uint32_t)map->inode_generation,
	};
}

static void add_table_of_mapping(const struct code_files *files, pid_t tgid,
				 const struct mapping *map)
{
	struct unwind_file_key key = key_of_mapping(map);
	int fd;

	if (!map->inode || (key.generation && unwind_tables__has(files->tables, &key)))
		return;
	fd = open_mapped(tgid, map);
	if (fd < 0)
		return; /* it is gone: should it be met all the same, BPF asks */
	if (!key.generation)
		key.generation = read_generation(fd);
	add_table(files, &key, fd, map->path);
	close(fd);
}

static void open_for_names(const struct code_files *files, pid_t tgid, const struct mapping *map)
{
	char path[96], root[64];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)tgid,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	snprintf(root, sizeof(root), "/proc/%d/root", (int)tgid);
	symbolizer__open_file(files->symbolizer, map, path, root);
}

void code_files__mapped(const struct code_files *files, pid_t tgid, const struct mapping *map)
{
	/* First: with the probes a stack can be asked for. */
	if (files->tables)
		add_table_of_mapping(files, tgid, map);
	targets__add_mapping(files->targets, tgid, map);
	open_for_names(files, tgid, map);
}

static int visit_closure(const char *path, void *context)
{
	const struct code_files *files = context;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct unwind_file_key key;
	struct stat status;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode)) {
		/* Where stat names another device than the mapping does, BPF will ask. */
		key = (struct unwind_file_key){
			.inode = status.st_ino,
			.device = major(status.st_dev) << MINOR_BITS | minor(status.st_dev),
			.generation = read_generation(fd),
		};
		add_table(files, &key, fd, path);
	}
	close(fd);
	return 0;
}

int code_files__add_command(const struct code_files *files, pid_t tgid, const char *executable,
			    const struct elf_closure_environment *environment)
{
	if (files->tables)
		elf_closure__each(executable, environment, visit_closure, (void *)files);
	return targets__add_command(files->targets, tgid, executable, environment);
}

void code_files__requested(const struct code_files *files, const struct unwind_request *request)
{
	char path[96], target[4096] = "";
	struct mapping map = {
		.start = request->start,
		.end = request->end,
		.dev_major = request->key.device >> MINOR_BITS,
		.dev_minor = request->key.device & MINOR_MASK,
		.inode = request->key.inode,
		.inode_generation = request->key.generation,
		.path = target,
	};
	int fd = open_mapped((pid_t)request->tgid, &map);

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", request->tgid,
		 (unsigned long long)map.start, (unsigned long long)map.end);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		target[0] = '\0';
	if (fd < 0) {
		/* The next process that maps it will be asked for. */
		unwind_tables__forget_request(files->tables, &request->key);
		return;
	}
	add_table(files, &request->key, fd, target);
	open_for_names(files, (pid_t)request->tgid, &map);
	close(fd);
}
