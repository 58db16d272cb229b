// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses with their mappings in, named frames out, for every report. object_table.c knows which
 * files there are, and object_file.c reads a file. Not for use by two threads at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names/demangle.h"
#include "names/frame_cache.h"
#include "names/name_budget.h"
#include "names/object_file.h"
#include "names/object_table.h"
#include "elf/process_root.h"
#include "base/string_pool.h"
#include "names/symbolize.h"

/* Frames in all caches together; they take 40 bytes each. */
#define MAX_CACHED_FRAMES (1u << 19)
/* The limit of lines.c, and the function itself. */
#define MAX_FRAMES_PER_ADDRESS 65

struct symbolizer {
	struct string_pool *strings;
	struct object_table *files;
	struct process_root_list roots; /* of the files that were opened by a process's path */
	struct name_budget *budget;
	size_t nr_cached; /* frames */
	uint64_t report; /* so far */
};

struct symbolizer *symbolizer__new(uint64_t max_bytes)
{
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return NULL;
	symbolizer->files = object_table__new();
	symbolizer->budget = name_budget__new(max_bytes);
	if (symbolizer->budget)
		symbolizer->strings =
			string_pool__new(name_budget__max_string_bytes(symbolizer->budget));
	if (symbolizer->files && symbolizer->strings)
		return symbolizer;
	symbolizer__free(symbolizer);
	return NULL;
}

void symbolizer__free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	object_table__free(symbolizer->files);
	process_root_list__clear(&symbolizer->roots);
	name_budget__free(symbolizer->budget);
	string_pool__free(symbolizer->strings);
	free(symbolizer);
}

bool symbolizer__has_open(struct symbolizer *symbolizer, const struct mapping *map)
{
	const struct known_object *file = object_table__find(symbolizer->files, map);

	return file && object_file__is_open(file->object) &&
	       !object_file__has_changed(file->object);
}

int symbolizer__open_file(struct symbolizer *symbolizer, const struct mapping *map,
			  const char *open_path, const char *root_path)
{
	struct known_object *file;
	int err;

	if (!map->file.inode)
		return -EINVAL;
	err = object_table__get(symbolizer->files, map, &file);
	/* The names found before stay in the pool, for the frames that use them. */
	if (!err && object_file__has_changed(file->object))
		err = object_table__replace(symbolizer->files, file, map);
	if (err)
		return err;
	/* Most mappings are of files that are open already. */
	if (root_path && !object_file__is_open(file->object))
		object_file__set_root(file->object,
				      process_root_list__get(&symbolizer->roots, root_path));
	err = object_table__open(symbolizer->files, file, open_path);
	if (err != -ESTALE || !object_file__was_open(file->object))
		return err;
	/* It was rewritten while it was closed. */
	err = object_table__replace(symbolizer->files, file, map);
	return err ? err : object_table__open(symbolizer->files, file, open_path);
}

void symbolizer__sweep(struct symbolizer *symbolizer, const struct file_set *mapped)
{
	object_table__sweep(symbolizer->files, mapped);
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
	object_table__forget_frames(symbolizer->files);
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

/* Finds an offset that isn't in the file's cache yet. Returns the number of frames. */
static unsigned int look_up(struct symbolizer *symbolizer, struct known_object *file,
			    uint64_t file_offset, struct line_frame *frames)
{
	bool complete = true;
	const char *build_id;
	unsigned int nr;

	if (!object_table__ensure_open(symbolizer->files, file) ||
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
static unsigned int find_in_file(struct symbolizer *symbolizer, struct known_object *file,
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
static unsigned int show(struct symbolizer *symbolizer, struct known_object *file,
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
	struct known_object *file = NULL;

	if (!max_frames)
		return 0;
	if (map)
		place.module_offset = map->file_offset + (address - map->start);
	/* The kernel's records call memory without a file //anon, which is no module's name. */
	if (map && map->path[0] && strcmp(map->path, "//anon") != 0)
		place.module = intern(symbolizer, map->path);
	if (map && map->file.inode && object_table__get(symbolizer->files, map, &file))
		file = NULL;
	return show(symbolizer, file, &place, is_return_address, frames, max_frames);
}

unsigned int symbolizer__at(struct symbolizer *symbolizer, const struct file_key *key,
			    uint64_t file_offset, bool is_return_address,
			    struct report_frame *frames, unsigned int max_frames)
{
	struct report_frame place = { .module_offset = file_offset };
	struct known_object *file = object_table__find_by_key(symbolizer->files, key);

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
