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

#include "elf_file.h"
#include "living_thread.h"
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

	if (err == -ENOSPC && unwind_tables__nr_refused(files->tables) == 1)
		log__warning("the room for unwind tables is taken: code of further files is walked "
			     "by frame pointers; -v names them");
	if (err)
		log__detail("%s: no table to unwind by: %s", name, strerror(-err));
}

static struct unwind_file_key key_of_file(int fd, const struct stat *status)
{
	return (struct unwind_file_key){
		.inode = status->st_ino,
		.device = major(status->st_dev) << MINOR_BITS | minor(status->st_dev),
		.generation = read_generation(fd),
	};
}

static struct unwind_file_key key_of_mapping(const struct mapping *map)
{
	return (struct unwind_file_key){
		.inode = map->inode,
		.device = map->dev_major << MINOR_BITS | map->dev_minor,
		.generation = (uint32_t)map->inode_generation,
	};
}

static int open_mapped(pid_t tgid, const struct mapping *map)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)living_thread__of(tgid),
		 (unsigned long long)map->start, (unsigned long long)map->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* The process is gone already, but the file that it had mapped may still be where it was. */
static int open_left(const struct mapping *map)
{
	struct unwind_file_key wanted = key_of_mapping(map), key;
	struct stat status;
	int fd = elf_file__open_regular(map->path, &status);

	if (fd < 0)
		return fd;
	key = key_of_file(fd, &status);
	if (wanted.generation && !memcmp(&wanted, &key, sizeof(key)))
		return fd;
	close(fd);
	return -ESTALE;
}

/* Also completes the key. False: the file was known, or can't be opened. */
static bool add_table_of_mapping(const struct code_files *files, pid_t tgid,
				 const struct mapping *map, struct unwind_file_key *key)
{
	bool is_new;
	int fd;

	*key = key_of_mapping(map);
	if (!map->inode || (key->generation && unwind_tables__has(files->tables, key)))
		return false;
	fd = open_mapped(tgid, map);
	if (fd < 0)
		fd = open_left(map);
	if (fd < 0)
		return false; /* should it be met all the same, BPF asks */
	if (!key->generation)
		key->generation = read_generation(fd);
	is_new = !unwind_tables__has(files->tables, key);
	if (is_new)
		add_table(files, key, fd, map->path);
	close(fd);
	return is_new;
}

static void open_for_names(const struct code_files *files, pid_t tgid, const struct mapping *map)
{
	int entry = (int)living_thread__of(tgid);
	char path[96], root[64];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", entry,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	snprintf(root, sizeof(root), "/proc/%d/root", entry);
	symbolizer__open_file(files->symbolizer, map, path, root);
}

static int visit_closure(const char *path, void *context)
{
	const struct code_files *files = context;
	struct unwind_file_key key;
	struct stat status;
	int fd = elf_file__open_regular(path, &status);

	if (fd < 0)
		return 0;
	/* Where stat names another device than the mapping does, BPF will ask. */
	key = key_of_file(fd, &status);
	add_table(files, &key, fd, path);
	close(fd);
	return 0;
}

/*
 * A program that was never seen runs now, and before long it will have mapped what it needs and
 * call malloc: no time to wait for the records of that. (Its LD_LIBRARY_PATH is not looked at:
 * what that changes, BPF asks for.)
 */
static void add_tables_of_needed(const struct code_files *files, pid_t tgid,
				 const struct mapping *map)
{
	char root[64];
	struct elf_closure_environment environment = { .root = root };

	snprintf(root, sizeof(root), "/proc/%d/root", (int)living_thread__of(tgid));
	elf_closure__each(map->path, &environment, visit_closure, (void *)files);
}

/* Root is kept out of some file systems, such as another user's FUSE mount. */
static void tell_unreadable(const struct mapping *map, pid_t tgid)
{
	static bool warned;

	if (!warned)
		log__warning(
			"%s, which PID %d maps, can't be read: %s; an allocator in it is not seen, and its functions have no names (-v names others)",
			map->path, (int)tgid, strerror(EACCES));
	else
		log__detail("%s can't be read: %s", map->path, strerror(EACCES));
	warned = true;
}

void code_files__mapped(const struct code_files *files, pid_t tgid, const struct mapping *map,
			bool right_now)
{
	struct unwind_file_key key;

	/* First: with the probes a stack can be asked for. */
	if (files->tables && add_table_of_mapping(files, tgid, map, &key) && right_now)
		add_tables_of_needed(files, tgid, map);
	if (targets__add_mapping(files->targets, tgid, map) == -EACCES)
		tell_unreadable(map, tgid);
	open_for_names(files, tgid, map);
}

int code_files__add_command(const struct code_files *files, pid_t tgid, const char *executable,
			    const struct elf_closure_environment *environment)
{
	if (files->tables)
		elf_closure__each(executable, environment, visit_closure, (void *)files);
	return targets__add_command(files->targets, tgid, executable, environment);
}

struct walked_files {
	const struct code_files *files;
	const struct mapping_set *mappings;
	const struct unfinished_walk *unfinished;
};

static bool is_vdso(const struct code_files *files, const struct mapping *map)
{
	return files->vdso.inode && !strcmp(map->path, files->vdso.path);
}

static enum stack_end find_code(uint64_t address, struct walked_code *code, void *context)
{
	const struct walked_files *walked = context;
	const struct unwind_tables *tables = walked->files->tables;
	const struct unfinished_walk *unfinished = walked->unfinished;
	const struct mapping *map = mapping_set__find(walked->mappings, address);
	struct unwind_file_key key;
	uint64_t offset;

	/* Whatever has taken its place since, BPF saw the file whose table was missing. */
	code->base = unfinished->base;
	if ((address == unfinished->ip || address == unfinished->ip - 1) &&
	    !unwind_tables__find(tables, &unfinished->file, address - code->base, &code->file_id,
				 &code->rule))
		return STACK_COMPLETE;
	code->base = 0;
	if (!map)
		return STACK_NO_CODE;
	if (map->since_ns > unfinished->time_ns)
		return STACK_NO_TABLE; /* what was there then is not known any more */
	if (!map->inode && !is_vdso(walked->files, map))
		return STACK_COMPLETE; /* made at run time: frame pointers */
	key = key_of_mapping(map->inode ? map : &walked->files->vdso);
	offset = address - map->start + map->file_offset;
	code->base = map->start - map->file_offset;
	if (!unwind_tables__find(tables, &key, offset, &code->file_id, &code->rule))
		return STACK_COMPLETE;
	add_table_of_mapping(walked->files, (pid_t)unfinished->tgid, map, &key);
	if (!unwind_tables__find(tables, &key, offset, &code->file_id, &code->rule))
		return STACK_COMPLETE;
	code->base = 0;
	return STACK_NO_TABLE;
}

void code_files__finish_walk(const struct code_files *files,
			     const struct unfinished_walk *unfinished,
			     const struct mapping_set *mappings, struct stack *stack)
{
	struct walked_files walked = { files, mappings, unfinished };
	const struct walked_process process = { find_code, &walked, files->max_frames };

	unfinished_walk__finish(unfinished, &process, stack);
}

int code_files__add_vdso(const struct code_files *files, int fd, struct unwind_file_key *key)
{
	char path[64];

	*key = key_of_mapping(&files->vdso);
	add_table(files, key, fd, files->vdso.path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	symbolizer__open_file(files->symbolizer, &files->vdso, path, NULL);
	return unwind_tables__has(files->tables, key) ? 0 : -ENOENT;
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

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx",
		 (int)living_thread__of((pid_t)request->tgid), (unsigned long long)map.start,
		 (unsigned long long)map.end);
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
