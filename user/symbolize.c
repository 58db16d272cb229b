// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses with their mappings in, named frames out, for every report. Knows which files there are
 * and what was already found in them; how a file is read is the business of object_file.c. Not
 * for use by two threads at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demangle.h"
#include "frame_cache.h"
#include "object_file.h"
#include "process_root.h"
#include "string_pool.h"
#include "symbolize.h"

#define MAX_FILES 65536
/* The limit of lines.c, and the function itself. */
#define MAX_FRAMES_PER_ADDRESS 65

struct known_file {
	struct object_file *object;
	struct frame_cache *cache;
	const char *build_id; /* in the string pool; NULL: none, or not read yet */
	bool path_tried;
};

struct symbolizer {
	struct string_pool *strings;
	/* Open addressing by inode; capacity is a power of two, or 0. */
	struct known_file *files;
	size_t nr_files, capacity;
	struct process_root_list roots; /* of the files that were opened by a process's path */
	uint64_t lines_bytes, max_lines_bytes; /* DWARF in memory */
};

struct symbolizer *symbolizer__new(void)
{
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return NULL;
	symbolizer->strings = string_pool__new();
	if (!symbolizer->strings) {
		free(symbolizer);
		return NULL;
	}
	symbolizer->max_lines_bytes =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 16;
	return symbolizer;
}

static void free_file(struct known_file *file)
{
	object_file__free(file->object);
	frame_cache__free(file->cache);
	*file = (struct known_file){ 0 };
}

void symbolizer__free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < symbolizer->capacity; i++)
		free_file(&symbolizer->files[i]);
	free(symbolizer->files);
	process_root_list__clear(&symbolizer->roots);
	string_pool__free(symbolizer->strings);
	free(symbolizer);
}

static size_t home_slot(uint64_t inode, size_t capacity)
{
	return (inode * 0x9e3779b97f4a7c15 >> 32) & (capacity - 1);
}

/* The slot of the mapping's file, or the free one where it belongs. */
static struct known_file *find_slot(struct symbolizer *symbolizer, const struct mapping *map)
{
	size_t mask = symbolizer->capacity - 1;
	size_t i = home_slot(map->inode, symbolizer->capacity);

	while (symbolizer->files[i].object &&
	       !object_file__matches(symbolizer->files[i].object, map))
		i = (i + 1) & mask;
	return &symbolizer->files[i];
}

static void place(struct known_file *files, size_t capacity, const struct known_file *file)
{
	size_t at = home_slot(object_file__inode(file->object), capacity);

	while (files[at].object)
		at = (at + 1) & (capacity - 1);
	files[at] = *file;
}

static int grow(struct symbolizer *symbolizer)
{
	size_t capacity = symbolizer->capacity ? symbolizer->capacity * 2 : 64;
	struct known_file *files;

	if (symbolizer->nr_files >= MAX_FILES)
		return -ENOSPC;
	if (symbolizer->nr_files < symbolizer->capacity / 2)
		return 0;
	files = calloc(capacity, sizeof(*files));
	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < symbolizer->capacity; i++)
		if (symbolizer->files[i].object)
			place(files, capacity, &symbolizer->files[i]);
	free(symbolizer->files);
	symbolizer->files = files;
	symbolizer->capacity = capacity;
	return 0;
}

/* The mapping's file, added when it isn't known yet. Returns 0 or -errno. */
static int get_file(struct symbolizer *symbolizer, const struct mapping *map,
		    struct known_file **file)
{
	struct known_file added = { 0 };
	int err;

	if (symbolizer->capacity) {
		*file = find_slot(symbolizer, map);
		if ((*file)->object)
			return 0;
	}
	err = grow(symbolizer);
	if (err)
		return err;
	added.object = object_file__new(map);
	added.cache = frame_cache__new();
	if (!added.object || !added.cache) {
		free_file(&added);
		return -ENOMEM;
	}
	*file = find_slot(symbolizer, map);
	**file = added;
	symbolizer->nr_files++;
	return 0;
}

int symbolizer__open_file(struct symbolizer *symbolizer, const struct mapping *map,
			  const char *open_path, const char *root_path)
{
	struct known_file *file;
	int err;

	if (!map->inode)
		return -EINVAL;
	err = get_file(symbolizer, map, &file);
	if (err)
		return err;
	if (object_file__has_changed(file->object)) {
		/* The names found before stay in the pool, for the frames that use them. */
		struct known_file fresh = { .object = object_file__new(map),
					    .cache = frame_cache__new() };

		if (!fresh.object || !fresh.cache) {
			free_file(&fresh);
			return -ENOMEM;
		}
		symbolizer->lines_bytes -= object_file__lines_bytes(file->object);
		free_file(file);
		*file = fresh;
	}
	/* Most mappings are of files that are open already. */
	if (root_path && !object_file__is_open(file->object))
		object_file__set_root(file->object,
				      process_root_list__get(&symbolizer->roots, root_path));
	return object_file__open(file->object, open_path);
}

/*
 * Those that stay are put into their places anew: a search ends at the first free slot. The names
 * found so far stay in the pool.
 */
void symbolizer__forget_deleted(struct symbolizer *symbolizer, const struct file_set *mapped)
{
	struct known_file *old = symbolizer->files;
	struct known_file *files = calloc(symbolizer->capacity, sizeof(*files));

	if (!symbolizer->capacity || !files) {
		free(files);
		return;
	}
	symbolizer->files = files;
	symbolizer->nr_files = 0;
	for (size_t i = 0; i < symbolizer->capacity; i++) {
		if (!old[i].object)
			continue;
		if (object_file__is_forlorn(old[i].object, mapped)) {
			symbolizer->lines_bytes -= object_file__lines_bytes(old[i].object);
			free_file(&old[i]);
		} else {
			place(files, symbolizer->capacity, &old[i]);
			symbolizer->nr_files++;
		}
	}
	free(old);
	process_root_list__forget_unused(&symbolizer->roots);
}

/* Keeps the DWARF of all files together within bounds, at the price of reading some again. */
static void limit_lines(struct symbolizer *symbolizer, const struct known_file *keep)
{
	for (size_t i = 0; i < symbolizer->capacity; i++) {
		struct known_file *file = &symbolizer->files[i];

		if (symbolizer->lines_bytes <= symbolizer->max_lines_bytes)
			return;
		if (!file->object || file == keep)
			continue;
		symbolizer->lines_bytes -= object_file__lines_bytes(file->object);
		object_file__drop_lines(file->object);
	}
}

/*
 * Replaces strings of the file by our own. Returns false when memory has run out: the frame then
 * lacks a name that another attempt may find.
 */
static bool own_strings(struct symbolizer *symbolizer, struct line_frame *frame)
{
	char name[DEMANGLE_MAX_BYTES];
	bool complete = true;

	if (frame->function) {
		demangle__name(frame->function, name, sizeof(name));
		frame->function = string_pool__intern(symbolizer->strings, name);
		complete = frame->function;
	}
	if (frame->file) {
		frame->file = string_pool__intern(symbolizer->strings, frame->file);
		complete = complete && frame->file;
	}
	return complete;
}

static bool is_open(struct known_file *file)
{
	int err;

	if (object_file__is_open(file->object))
		return true;
	err = file->path_tried ? -ENOENT : object_file__open(file->object, NULL);
	file->path_tried = err != -ENOMEM && err != -EMFILE && err != -ENFILE;
	return !err;
}

/* Finds an offset that isn't in the file's cache yet. Returns the number of frames. */
static unsigned int look_up(struct symbolizer *symbolizer, struct known_file *file,
			    uint64_t file_offset, struct line_frame *frames)
{
	uint64_t bytes_before = object_file__lines_bytes(file->object);
	bool complete = true;
	const char *build_id;
	unsigned int nr;

	if (!is_open(file))
		return 0;
	nr = object_file__find(file->object, file_offset, frames, MAX_FRAMES_PER_ADDRESS);
	for (unsigned int i = 0; i < nr; i++)
		complete = own_strings(symbolizer, &frames[i]) && complete;
	if (!nr) {
		frames[0] = (struct line_frame){ 0 };
		nr = 1;
	}
	build_id = file->build_id ? NULL : object_file__build_id(file->object);
	if (build_id) {
		file->build_id = string_pool__intern(symbolizer->strings, build_id);
		complete = complete && file->build_id;
	}
	if (complete)
		frame_cache__add(file->cache, file_offset, frames, nr);
	symbolizer->lines_bytes += object_file__lines_bytes(file->object) - bytes_before;
	limit_lines(symbolizer, file);
	return nr;
}

/* The frames of a place in a file. *found points to the cache or to the buffer. */
static unsigned int find_in_file(struct symbolizer *symbolizer, struct known_file *file,
				 uint64_t file_offset, struct line_frame *buffer,
				 const struct line_frame **found)
{
	unsigned int nr = frame_cache__find(file->cache, file_offset, found);

	if (nr)
		return nr;
	*found = buffer;
	return look_up(symbolizer, file, file_offset, buffer);
}

/* The frames of a place in a file, or in none (NULL), as reports show them. */
static unsigned int show(struct symbolizer *symbolizer, struct known_file *file,
			 const struct report_frame *place, bool is_return_address,
			 struct report_frame *frames, unsigned int max_frames)
{
	struct line_frame buffer[MAX_FRAMES_PER_ADDRESS];
	const struct line_frame *found = NULL;
	unsigned int nr = 0, nr_shown;

	if (file)
		nr = find_in_file(symbolizer, file, place->module_offset - is_return_address,
				  buffer, &found);
	nr_shown = nr < max_frames ? nr : max_frames;
	for (unsigned int i = 0; i < nr_shown; i++) {
		/* When room is short the function that the code belongs to is last even so. */
		bool last = i + 1 == nr_shown;
		const struct line_frame *frame = last ? &found[nr - 1] : &found[i];

		frames[i] = *place;
		frames[i].build_id = file->build_id;
		frames[i].function = frame->function;
		frames[i].file = frame->file;
		frames[i].line = frame->line;
		frames[i].inlined = !last;
	}
	if (nr_shown)
		return nr_shown;
	frames[0] = *place;
	return 1;
}

unsigned int symbolizer__resolve(struct symbolizer *symbolizer, const struct mapping *map,
				 uint64_t address, bool is_return_address,
				 struct report_frame *frames, unsigned int max_frames)
{
	struct report_frame place = { .address = address };
	struct known_file *file = NULL;

	if (!max_frames)
		return 0;
	if (map)
		place.module_offset = map->file_offset + (address - map->start);
	/* What the kernel's records call //anon has no name. */
	if (map && map->path[0] && strcmp(map->path, "//anon") != 0)
		place.module = string_pool__intern(symbolizer->strings, map->path);
	if (map && map->inode && get_file(symbolizer, map, &file))
		file = NULL;
	return show(symbolizer, file, &place, is_return_address, frames, max_frames);
}

static bool is_of_build(struct known_file *file, const char *build_id)
{
	const char *own = is_open(file) ? object_file__build_id(file->object) : NULL;

	return own && !strcmp(own, build_id);
}

/*
 * One file can be known by several paths, of containers or links; it doesn't matter which of them
 * is open. But numbers that mean two files (subvolumes of btrfs count their inodes each for itself)
 * mean none.
 */
static struct known_file *find_by_key(struct symbolizer *symbolizer, const struct object_key *key)
{
	size_t mask = symbolizer->capacity - 1;
	struct known_file *found = NULL;

	if (!symbolizer->capacity || !key->inode)
		return NULL;
	for (size_t i = home_slot(key->inode, symbolizer->capacity); symbolizer->files[i].object;
	     i = (i + 1) & mask) {
		struct known_file *file = &symbolizer->files[i];

		if (!object_file__has_numbers(file->object, key->dev_major, key->dev_minor,
					      key->inode, key->inode_generation) ||
		    (key->build_id && !is_of_build(file, key->build_id)))
			continue;
		if (!found || (!is_open(found) && is_open(file)))
			found = file;
		else if (is_open(file) && !object_file__is_same(found->object, file->object))
			return NULL;
	}
	return found;
}

unsigned int symbolizer__at(struct symbolizer *symbolizer, const struct object_key *key,
			    uint64_t file_offset, bool is_return_address,
			    struct report_frame *frames, unsigned int max_frames)
{
	struct report_frame place = { .module_offset = file_offset };
	struct known_file *file = find_by_key(symbolizer, key);

	if (!max_frames)
		return 0;
	if (file)
		place.module =
			string_pool__intern(symbolizer->strings, object_file__path(file->object));
	return show(symbolizer, file, &place, is_return_address, frames, max_frames);
}

void symbolizer__name_code(struct symbolizer *symbolizer, struct perf_map_file *code,
			   bool is_return_address, struct report_frame *frame)
{
	const char *name = NULL;

	if (code && !frame->function && frame->address)
		name = perf_map_file__find(code, frame->address - is_return_address);
	if (name)
		frame->function = string_pool__intern(symbolizer->strings, name);
}
