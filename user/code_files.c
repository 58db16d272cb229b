// SPDX-License-Identifier: GPL-2.0
/* See code_files.h. Called by monitor_records.c, monitor_targets.c and monitor_command.c. */
#include "code_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocators/usual_places.h"
#include "base/living_thread.h"
#include "base/log.h"
#include "elf/elf_file.h"
#include "probes/mapped_file.h"

/*
 * Each takes descriptors. With that many, those in files that were just written wait until a
 * process maps them.
 */
#define MANY_ALLOCATORS 1024

static void add_table(const struct code_files *files, const struct unwind_file_key *key, int fd,
		      const char *name)
{
	int err = unwind_tables__add(files->tables, key, fd);

	if (err == -ENOSPC && unwind_tables__nr_refused(files->tables) == 1)
		log__warning(
			"no room is left for unwind tables: code of further files is walked by frame pointers; -v names them");
	if (err)
		log__detail("%s: no unwind table: %s", name, strerror(-err));
}

static const struct file_identifier *identifier_of(const struct code_files *files)
{
	return tracer__identifier(files->tracer);
}

/*
 * Opens the file of a mapping and gives the mapping the file's own numbers, unless the file is
 * known by the mapping's numbers. A mapping whose file can't be opened, or is another file by now,
 * keeps its numbers and gets no further look: the next process that maps the file gets one. Returns
 * a descriptor, -1 for a known file, or -errno.
 */
static int open_new(const struct code_files *files, pid_t tgid, struct mapping *map,
		    struct file_identity *identity)
{
	static bool told_shortage;
	struct unwind_file_key key = mapped_file__key(map);
	int fd;

	if (probed_files__knows(files->probed, map) &&
	    (!files->tables || unwind_tables__has(files->tables, &key)) &&
	    symbolizer__has_open(files->symbolizer, map))
		return -1;
	fd = mapped_file__open(identifier_of(files), tgid, map, identity);
	if (fd >= 0)
		mapped_file__set_identity(map, identity);
	else if ((fd == -EMFILE || fd == -ENFILE) && !told_shortage)
		log__warning(
			"%s can't be opened: %s: if it is an allocator, it is not probed, nor are further ones; raise the limit of open files (ulimit -n)",
			map->path, strerror(-fd));
	told_shortage |= fd == -EMFILE || fd == -ENFILE;
	return fd == -EPERM ? -EACCES : fd; /* -EPERM is -1, which means a known file */
}

static void open_for_names(const struct code_files *files, pid_t tgid, const struct mapping *map)
{
	char link[MAPPING_LINK_BYTES], root[64];

	mapping__write_link(link, tgid, map);
	snprintf(root, sizeof(root), "/proc/%d/root", (int)living_thread__of(tgid));
	symbolizer__open_file(files->symbolizer, map, link, root);
}

static int visit_closure(const char *path, int fd, void *context)
{
	const struct code_files *files = context;
	struct file_identity identity;

	if (!file_identity__read(identifier_of(files), fd, &identity))
		add_table(files, &identity.key, fd, path);
	return 0;
}

/*
 * A program runs for the first time. It will soon have mapped the files that it needs, and call
 * malloc: there is no time to wait for the records of those mappings. (Its LD_LIBRARY_PATH is not
 * read: the BPF side requests the tables of files that are found by it.) No gain was measurable in
 * two runs on a busy machine, whose load differed: 0.4 % of the walks lacked a table with this, 0.6
 * % without.
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

void code_files__mapped(const struct code_files *files, pid_t tgid, struct mapping *map,
			bool right_now)
{
	struct file_identity identity;
	struct unwind_file_key key;
	struct stat status;
	int fd, err;

	if (!map->file.inode)
		return;
	fd = open_new(files, tgid, map, &identity);
	/* Before it is read: what is written to it meanwhile makes it a new file. */
	if (fd >= 0 && fstat(fd, &status))
		status = (struct stat){ 0 };
	key = mapped_file__key(map);
	/* The table goes first: once the probes are in, stacks are walked. */
	if (fd >= 0 && files->tables && !unwind_tables__has_current(files->tables, &key, fd)) {
		add_table(files, &key, fd, map->path);
		/* A process that is new waits for each of its new files by itself. */
		if (right_now && !files->holds)
			add_tables_of_needed(files, tgid, map);
	}
	if (fd == -EACCES)
		tell_unreadable(map, tgid);
	err = probed_files__add_mapping(files->probed, tgid, map, fd, fd >= 0 ? &identity : NULL);
	map->look_error = err == -ETXTBSY ? err : probed_files__look_error(files->probed, map);
	if (map->look_error == -ENOENT && fd < -1)
		map->look_error = fd;
	if (fd >= 0) {
		holds__know(files->holds, &identity, &status);
		open_for_names(files, tgid, map);
		close(fd);
	}
}

int code_files__add_command(const struct code_files *files, pid_t tgid, const char *executable,
			    const struct elf_closure_environment *environment)
{
	if (files->tables)
		elf_closure__each(executable, environment, visit_closure, (void *)files);
	return probed_files__add_command(files->probed, tgid, executable, environment);
}

static void add_usual(const char *path, void *context)
{
	const struct code_files *files = context;
	struct file_identity identity;
	struct stat status;
	int fd = elf_file__open_below(&(struct path_root){ .prefix = "" }, path, &status);

	if (fd < 0)
		return;
	if (!file_identity__read(identifier_of(files), fd, &identity)) {
		if (files->tables)
			add_table(files, &identity.key, fd, path);
		probed_files__add_file(files->probed, fd, &identity, path);
		holds__know(files->holds, &identity, &status);
	}
	close(fd);
}

void code_files__add_usual(const struct code_files *files)
{
	usual_places__each("", add_usual, (void *)files);
}

/* The table goes first, as above. */
void code_files__written(const struct code_files *files, int fd, const char *path)
{
	struct file_identity identity;
	struct stat status;

	if (!elf_headers__may_be_mapped(fd) || fstat(fd, &status) ||
	    probed_files__nr_files(files->probed) >= MANY_ALLOCATORS ||
	    file_identity__read(identifier_of(files), fd, &identity) ||
	    !probed_files__look_at_written(files->probed, fd, &identity, path))
		return;
	if (files->tables && !unwind_tables__has_current(files->tables, &identity.key, fd))
		add_table(files, &identity.key, fd, path);
	if (!probed_files__add_file(files->probed, fd, &identity, path))
		holds__know(files->holds, &identity, &status);
}

/* *key is the mapping's and becomes its file's. */
static void add_table_of_mapping(const struct code_files *files, pid_t tgid,
				 const struct mapping *map, struct unwind_file_key *key)
{
	struct file_identity identity;
	int fd = mapped_file__open(identifier_of(files), tgid, map, &identity);

	if (fd < 0)
		return;
	*key = identity.key;
	add_table(files, key, fd, map->path);
	close(fd);
}

struct walked_files {
	const struct code_files *files;
	const struct mapping_set *mappings;
	const struct unfinished_walk *unfinished;
};

static bool is_vdso(const struct code_files *files, const struct mapping *map)
{
	return files->vdso.file.inode && !strcmp(map->path, files->vdso.path);
}

static enum stack_end find_code(uint64_t address, struct walked_code *code, void *context)
{
	const struct walked_files *walked = context;
	const struct unwind_tables *tables = walked->files->tables;
	const struct unfinished_walk *unfinished = walked->unfinished;
	const struct mapping *map = mapping_set__find(walked->mappings, address);
	struct unwind_file_key key;
	uint64_t offset;

	/*
	 * The mapping may have been replaced since: BPF saw the very file whose table was missing.
	 */
	code->base = unfinished->base;
	if ((address == unfinished->ip || address == unfinished->ip - 1) &&
	    !unwind_tables__find(tables, &unfinished->file, address - code->base, &code->file_id,
				 &code->rule))
		return STACK_COMPLETE;
	code->base = 0;
	if (!map)
		return STACK_NO_CODE;
	if (map->since_ns > unfinished->time_ns)
		return STACK_NO_TABLE; /* the older mapping is not known any more */
	if (!map->file.inode && !is_vdso(walked->files, map))
		return STACK_COMPLETE; /* made at run time: frame pointers */
	key = mapped_file__key(map->file.inode ? map : &walked->files->vdso);
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

	*key = mapped_file__key(&files->vdso);
	add_table(files, key, fd, files->vdso.path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	symbolizer__open_file(files->symbolizer, &files->vdso, path, NULL);
	return unwind_tables__has(files->tables, key) ? 0 : -ENOENT;
}

void code_files__requested(const struct code_files *files, const struct unwind_request *request)
{
	char path[PATH_MAX] = "";
	/* It has no path: only the numbers prove which file is mapped there by now. */
	struct mapping map = { .start = request->start, .end = request->end, .path = path };
	struct file_identity identity = { .key = request->key };
	int fd;

	mapped_file__set_identity(&map, &identity);
	fd = mapped_file__open(identifier_of(files), (pid_t)request->tgid, &map, &identity);
	if (fd < 0) {
		/* The next process that maps it causes a new request. */
		unwind_tables__forget_request(files->tables, &request->key);
		return;
	}
	mapped_file__read_path((pid_t)request->tgid, &map, path, sizeof(path));
	add_table(files, &request->key, fd, path);
	open_for_names(files, (pid_t)request->tgid, &map);
	close(fd);
}
