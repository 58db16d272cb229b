// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses with their mappings in, named frames out, for every report. Knows which files there are
 * and what was already found in them; object_file.c reads a file. Not for use by two threads at
 * once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "names/demangle.h"
#include "names/frame_cache.h"
#include "names/name_budget.h"
#include "names/object_file.h"
#include "elf/process_root.h"
#include "base/string_pool.h"
#include "names/symbolize.h"

#define MAX_FILES 65536
/* Beyond this many, files that nobody maps are forgotten. */
#define ENOUGH_FILES 4096
/* Open at once: at most MAX_OPEN files, and one part in OPEN_PARTS of the process's limit. */
#define MAX_OPEN 1024u
#define OPEN_PARTS 4
/* Frames in all caches together; they take 40 bytes each. */
#define MAX_CACHED_FRAMES (1u << 19)
/* The limit of lines.c, and the function itself. */
#define MAX_FRAMES_PER_ADDRESS 65

struct known_file {
	struct object_file *object;
	struct frame_cache *cache;
	const char *build_id; /* in the string pool; NULL: none, or not read yet */
	uint64_t used; /* the number of the last use */
	bool path_tried;
};

struct symbolizer {
	struct string_pool *strings;
	/* Open addressing by inode; capacity is a power of two, or 0. */
	struct known_file *files;
	size_t nr_files, capacity;
	struct process_root_list roots; /* of the files that were opened by a process's path */
	struct name_budget *budget;
	size_t nr_cached; /* frames */
	size_t nr_open, max_open;
	uint64_t nr_uses, report; /* so far */
};

static size_t nr_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / OPEN_PARTS > MAX_OPEN)
		return MAX_OPEN;
	return limit.rlim_cur / OPEN_PARTS + 1;
}

struct symbolizer *symbolizer__new(uint64_t max_bytes)
{
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return NULL;
	symbolizer->max_open = nr_descriptors();
	symbolizer->budget = name_budget__new(max_bytes);
	if (symbolizer->budget)
		symbolizer->strings =
			string_pool__new(name_budget__max_string_bytes(symbolizer->budget));
	if (symbolizer->strings)
		return symbolizer;
	symbolizer__free(symbolizer);
	return NULL;
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
	name_budget__free(symbolizer->budget);
	string_pool__free(symbolizer->strings);
	free(symbolizer);
}

/* The slot of the mapping's file, or the free one where it belongs. */
static struct known_file *find_slot(struct symbolizer *symbolizer, const struct mapping *map)
{
	size_t mask = symbolizer->capacity - 1;
	size_t i = file_key__slot(map->file.inode, symbolizer->capacity);

	while (symbolizer->files[i].object &&
	       !object_file__matches(symbolizer->files[i].object, map))
		i = (i + 1) & mask;
	return &symbolizer->files[i];
}

static void place(struct known_file *files, size_t capacity, const struct known_file *file)
{
	size_t at = file_key__slot(object_file__inode(file->object), capacity);

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

/* Puts a new, empty one in its place. */
static int replace_file(struct symbolizer *symbolizer, struct known_file *file,
			const struct mapping *map)
{
	struct known_file fresh = { .object = object_file__new(map), .cache = frame_cache__new() };

	if (!fresh.object || !fresh.cache) {
		free_file(&fresh);
		return -ENOMEM;
	}
	symbolizer->nr_open -= object_file__is_open(file->object);
	free_file(file);
	*file = fresh;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Closes the half of the files that was used least recently; they are opened again when needed. */
static void close_some(struct symbolizer *symbolizer)
{
	uint64_t *uses = calloc(symbolizer->nr_open, sizeof(*uses)), last;
	size_t nr = 0;

	for (size_t i = 0; i < symbolizer->capacity && uses && nr < symbolizer->nr_open; i++)
		if (symbolizer->files[i].object &&
		    object_file__is_open(symbolizer->files[i].object))
			uses[nr++] = symbolizer->files[i].used;
	if (!nr) {
		free(uses);
		return;
	}
	qsort(uses, nr, sizeof(*uses), by_number);
	last = uses[nr / 2];
	free(uses);
	for (size_t i = 0; i < symbolizer->capacity; i++) {
		struct known_file *file = &symbolizer->files[i];

		if (!file->object || !object_file__is_open(file->object) || file->used > last)
			continue;
		object_file__close(file->object);
		file->path_tried = false;
		symbolizer->nr_open--;
	}
}

static int open_object(struct symbolizer *symbolizer, struct known_file *file,
		       const char *open_path)
{
	int err;

	file->used = ++symbolizer->nr_uses;
	if (object_file__is_open(file->object))
		return 0;
	if (symbolizer->nr_open >= symbolizer->max_open)
		close_some(symbolizer);
	err = object_file__open(file->object, open_path);
	symbolizer->nr_open += !err;
	return err;
}

bool symbolizer__has_open(struct symbolizer *symbolizer, const struct mapping *map)
{
	const struct object_file *object =
		symbolizer->capacity ? find_slot(symbolizer, map)->object : NULL;

	return object && object_file__is_open(object) && !object_file__has_changed(object);
}

int symbolizer__open_file(struct symbolizer *symbolizer, const struct mapping *map,
			  const char *open_path, const char *root_path)
{
	struct known_file *file;
	int err;

	if (!map->file.inode)
		return -EINVAL;
	err = get_file(symbolizer, map, &file);
	/* The names found before stay in the pool, for the frames that use them. */
	if (!err && object_file__has_changed(file->object))
		err = replace_file(symbolizer, file, map);
	if (err)
		return err;
	/* Most mappings are of files that are open already. */
	if (root_path && !object_file__is_open(file->object))
		object_file__set_root(file->object,
				      process_root_list__get(&symbolizer->roots, root_path));
	err = open_object(symbolizer, file, open_path);
	if (err != -ESTALE || !object_file__was_open(file->object))
		return err;
	/* It was rewritten while it was closed. */
	err = replace_file(symbolizer, file, map);
	return err ? err : open_object(symbolizer, file, open_path);
}

/* Closes a file that nobody maps. Returns whether it is to be forgotten. */
static bool let_file_go(struct symbolizer *symbolizer, struct known_file *file)
{
	bool is_open = object_file__is_open(file->object);
	bool for_good = !is_open ? !object_file__was_open(file->object) :
				   object_file__is_deleted(file->object);

	symbolizer->nr_open -= is_open;
	object_file__close(file->object);
	object_file__set_root(file->object, NULL);
	file->path_tried = file->path_tried && !is_open;
	return for_good || symbolizer->nr_files > ENOUGH_FILES;
}

/*
 * Files that stay are placed anew: a search ends at the first free slot, so none may be left
 * between. The names found so far stay in the pool.
 */
void symbolizer__sweep(struct symbolizer *symbolizer, const struct file_set *mapped)
{
	struct known_file *old = symbolizer->files;
	struct known_file *files = calloc(symbolizer->capacity, sizeof(*files));

	if (!symbolizer->capacity || !files) {
		free(files);
		return;
	}
	symbolizer->files = files;
	for (size_t i = 0; i < symbolizer->capacity; i++) {
		if (!old[i].object)
			continue;
		if (!object_file__is_mapped(old[i].object, mapped) &&
		    let_file_go(symbolizer, &old[i])) {
			free_file(&old[i]);
			symbolizer->nr_files--;
		} else {
			place(files, symbolizer->capacity, &old[i]);
		}
	}
	free(old);
	process_root_list__sweep(&symbolizer->roots);
}

/* Forgets the names of all files: everything that was found can be found again. */
static void forget_names(struct symbolizer *symbolizer)
{
	uint64_t max_bytes = name_budget__max_string_bytes(symbolizer->budget);
	struct string_pool *strings = string_pool__new(max_bytes);

	if (!strings)
		return;
	string_pool__free(symbolizer->strings);
	symbolizer->strings = strings;
	symbolizer->nr_cached = 0;
	for (size_t i = 0; i < symbolizer->capacity; i++) {
		struct known_file *file = &symbolizer->files[i];

		if (!file->object)
			continue;
		frame_cache__clear(file->cache);
		file->build_id = NULL;
	}
}

void symbolizer__begin_report(struct symbolizer *symbolizer)
{
	uint64_t max_bytes = name_budget__max_string_bytes(symbolizer->budget);

	if (string_pool__bytes(symbolizer->strings) > max_bytes / 2 ||
	    symbolizer->nr_cached > MAX_CACHED_FRAMES / 2)
		forget_names(symbolizer);
	symbolizer->report++;
	name_budget__begin_report(symbolizer->budget);
}

/* NULL when there is no room. */
static const char *intern(struct symbolizer *symbolizer, const char *text)
{
	const char *own = string_pool__intern(symbolizer->strings, text);

	if (!own)
		name_budget__tell_refusal(symbolizer->budget);
	return own;
}

/*
 * Replaces strings of the file by our own. Returns false when memory has run out: the frame then
 * lacks a name that another attempt may find.
 */
static bool own_strings(struct symbolizer *symbolizer, struct line_frame *frame)
{
	const char *symbol = frame->function;
	char name[DEMANGLE_MAX_BYTES];
	bool complete = true;

	if (symbol) {
		demangle__name(symbol, name, sizeof(name));
		frame->function = intern(symbolizer, name);
		complete = frame->function;
		if (strnlen(symbol, DEMANGLE_MAX_BYTES) < DEMANGLE_MAX_BYTES) {
			frame->symbol = intern(symbolizer, symbol);
			complete = complete && frame->symbol;
		}
	}
	if (frame->file) {
		frame->file = intern(symbolizer, frame->file);
		complete = complete && frame->file;
	}
	return complete;
}

static bool is_open(struct symbolizer *symbolizer, struct known_file *file)
{
	int err;

	if (object_file__is_open(file->object)) {
		file->used = ++symbolizer->nr_uses;
		return true;
	}
	err = file->path_tried ? -ENOENT : open_object(symbolizer, file, NULL);
	file->path_tried = err != -ENOMEM && err != -EMFILE && err != -ENFILE;
	return !err;
}

/* Finds an offset that isn't in the file's cache yet. Returns the number of frames. */
static unsigned int look_up(struct symbolizer *symbolizer, struct known_file *file,
			    uint64_t file_offset, struct line_frame *frames)
{
	bool complete = true;
	const char *build_id;
	unsigned int nr;

	if (!is_open(symbolizer, file) ||
	    !name_budget__begin(symbolizer->budget, object_file__holder(file->object)))
		return 0;
	nr = object_file__find(file->object, file_offset, frames, MAX_FRAMES_PER_ADDRESS);
	name_budget__end(symbolizer->budget);
	for (unsigned int i = 0; i < nr; i++)
		complete = own_strings(symbolizer, &frames[i]) && complete;
	if (!nr) {
		frames[0] = (struct line_frame){ 0 };
		nr = 1;
	}
	build_id = file->build_id ? NULL : object_file__build_id(file->object);
	if (build_id) {
		file->build_id = intern(symbolizer, build_id);
		complete = complete && file->build_id;
	}
	if (complete && symbolizer->nr_cached < MAX_CACHED_FRAMES) {
		frame_cache__add(file->cache, file_offset, frames, nr);
		symbolizer->nr_cached += nr;
	}
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
		/* The function that the code belongs to is last, even when room is short. */
		bool last = i + 1 == nr_shown;
		const struct line_frame *frame = last ? &found[nr - 1] : &found[i];

		frames[i] = *place;
		frames[i].build_id = file->build_id;
		frames[i].function = frame->function;
		frames[i].symbol = frame->symbol;
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
	/* The kernel's records call memory without a file //anon, which is no module's name. */
	if (map && map->path[0] && strcmp(map->path, "//anon") != 0)
		place.module = intern(symbolizer, map->path);
	if (map && map->file.inode && get_file(symbolizer, map, &file))
		file = NULL;
	return show(symbolizer, file, &place, is_return_address, frames, max_frames);
}

/*
 * One file can be known by several paths, of containers or links; it doesn't matter which of them
 * is open. But numbers that mean two files are no answer: each subvolume of btrfs counts its inodes
 * by itself.
 */
static struct known_file *find_by_key(struct symbolizer *symbolizer, const struct file_key *key)
{
	size_t mask = symbolizer->capacity - 1;
	struct known_file *found = NULL;

	if (!symbolizer->capacity || !key->inode)
		return NULL;
	for (size_t i = file_key__slot(key->inode, symbolizer->capacity);
	     symbolizer->files[i].object; i = (i + 1) & mask) {
		struct known_file *file = &symbolizer->files[i];

		if (!object_file__has_key(file->object, key))
			continue;
		if (!found || (!is_open(symbolizer, found) && is_open(symbolizer, file)))
			found = file;
		else if (is_open(symbolizer, file) &&
			 !object_file__is_same(found->object, file->object))
			return NULL;
	}
	return found;
}

unsigned int symbolizer__at(struct symbolizer *symbolizer, const struct file_key *key,
			    uint64_t file_offset, bool is_return_address,
			    struct report_frame *frames, unsigned int max_frames)
{
	struct report_frame place = { .module_offset = file_offset };
	struct known_file *file = find_by_key(symbolizer, key);

	if (!max_frames)
		return 0;
	if (file)
		place.module = intern(symbolizer, object_file__path(file->object));
	return show(symbolizer, file, &place, is_return_address, frames, max_frames);
}

void symbolizer__name_code(struct symbolizer *symbolizer, struct perf_map_file *code,
			   bool is_return_address, struct report_frame *frame)
{
	const char *name;

	if (!code || frame->function || !frame->address ||
	    !name_budget__begin(symbolizer->budget, perf_map_file__holder(code)))
		return;
	perf_map_file__refresh_once(code, symbolizer->report);
	name = perf_map_file__find(code, frame->address - is_return_address);
	name_budget__end(symbolizer->budget);
	if (name)
		frame->function = intern(symbolizer, name);
}
