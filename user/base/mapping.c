// SPDX-License-Identifier: GPL-2.0
/*
 * A sorted array of mappings that never overlap. Lines of /proc/PID/maps and the kernel's mmap
 * records go in; the symbolizer and the block scans look addresses up. The traced process chose
 * the paths: they are carried, never interpreted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/living_thread.h"
#include "base/mapping.h"
#include "base/search.h"

/* The kernel's own limit, vm.max_map_count, is 65,530 unless someone raised it. */
#define MAX_MAPPINGS 65536
/*
 * A path in /proc/PID/maps can be longer than PATH_MAX, and each newline in it takes four bytes. A
 * path that is cut off here could not be used to open the file anyway.
 */
#define MAX_LINE_BYTES 32768

/* A set with more mappings counts as large. */
#define LARGE_NR 2048

/* A path that mappings share, in this set and in its clones. */
struct shared_path {
	size_t nr_users;
	char text[];
};

struct mapping_set {
	struct mapping_room *room; /* NULL: no bound */
	struct shared_path *last_path; /* added last; this pointer is one of its users */
	struct mapping *maps;
	size_t nr;
	size_t capacity;
	size_t nr_more_owners;
};

struct mapping_set *mapping_set__new(void)
{
	return calloc(1, sizeof(struct mapping_set));
}

struct mapping_set *mapping_set__new_in(struct mapping_room *room)
{
	struct mapping_set *set = mapping_set__new();

	if (set)
		set->room = room;
	return set;
}

static bool take_room(struct mapping_set *set, uint64_t bytes)
{
	struct mapping_room *room = set->room;
	uint64_t max_bytes = room ? room->max_bytes / (set->nr > LARGE_NR ? 2 : 1) : 0;

	if (!room)
		return true;
	if (room->bytes > max_bytes || bytes > max_bytes - room->bytes)
		return false;
	room->bytes += bytes;
	return true;
}

static void give_room(struct mapping_set *set, uint64_t bytes)
{
	if (set->room)
		set->room->bytes -= bytes;
}

static struct shared_path *path_of(const struct mapping *map)
{
	return (struct shared_path *)(map->path - offsetof(struct shared_path, text));
}

static void release_path(struct mapping_set *set, struct shared_path *path)
{
	if (!path || --path->nr_users)
		return;
	give_room(set, sizeof(*path) + strlen(path->text) + 1);
	free(path);
}

/* Makes that text the set's last path, and the mapping a user of it. */
static int set_path(struct mapping_set *set, struct mapping *map, const char *text)
{
	size_t bytes = sizeof(struct shared_path) + strlen(text) + 1;
	struct shared_path *path;

	if (set->last_path && !strcmp(set->last_path->text, text)) {
		set->last_path->nr_users++;
		map->path = set->last_path->text;
		return 0;
	}
	if (!take_room(set, bytes))
		return -ENOSPC;
	path = malloc(bytes);
	if (!path) {
		give_room(set, bytes);
		return -ENOMEM;
	}
	path->nr_users = 2;
	memcpy(path->text, text, strlen(text) + 1);
	release_path(set, set->last_path);
	set->last_path = path;
	map->path = path->text;
	return 0;
}

struct mapping_set *mapping_set__share(struct mapping_set *set)
{
	set->nr_more_owners++;
	return set;
}

bool mapping_set__is_shared(const struct mapping_set *set)
{
	return set->nr_more_owners;
}

void mapping_set__free(struct mapping_set *set)
{
	if (!set)
		return;
	if (set->nr_more_owners) {
		set->nr_more_owners--;
		return;
	}
	for (size_t i = 0; i < set->nr; i++)
		release_path(set, path_of(&set->maps[i]));
	release_path(set, set->last_path);
	give_room(set, set->capacity * sizeof(*set->maps));
	free(set->maps);
	free(set);
}

static int reserve(struct mapping_set *set, size_t nr)
{
	struct mapping *maps;
	uint64_t more_bytes;
	size_t capacity;

	if (nr > MAX_MAPPINGS)
		return -ENOSPC;
	if (nr <= set->capacity)
		return 0;
	capacity = set->capacity ? set->capacity * 2 : 16;
	while (capacity < nr)
		capacity *= 2;
	more_bytes = (capacity - set->capacity) * sizeof(*maps);
	if (!take_room(set, more_bytes))
		return -ENOSPC;
	maps = realloc(set->maps, capacity * sizeof(*maps));
	if (!maps) {
		give_room(set, more_bytes);
		return -ENOMEM;
	}
	set->maps = maps;
	set->capacity = capacity;
	return 0;
}

struct mapping_set *mapping_set__clone(const struct mapping_set *set)
{
	struct mapping_set *clone = mapping_set__new_in(set->room);
	int err;

	if (!clone || !set->nr)
		return clone;
	err = reserve(clone, set->nr);
	if (err) {
		mapping_set__free(clone);
		errno = -err;
		return NULL;
	}
	for (; clone->nr < set->nr; clone->nr++) {
		clone->maps[clone->nr] = set->maps[clone->nr];
		path_of(&clone->maps[clone->nr])->nr_users++;
	}
	return clone;
}

/* The first mapping that ends after the address: it covers the address or comes next. */
static size_t first_ending_after(const struct mapping_set *set, uint64_t address)
{
	return search__nr_before(set->nr, at, set->maps[at].end <= address);
}

/* Every step that can fail comes before the first change, so a failed call changes no mapping. */
int mapping_set__add(struct mapping_set *set, const struct mapping *map)
{
	struct mapping added = *map, right = { 0 };
	size_t first, past, at, tail;
	bool keeps_left, keeps_right;
	int err;

	if (map->start >= map->end)
		return -EINVAL;

	first = first_ending_after(set, map->start);
	for (past = first; past < set->nr && set->maps[past].start < map->end; past++)
		;
	keeps_left = first < past && set->maps[first].start < map->start;
	keeps_right = first < past && set->maps[past - 1].end > map->end;

	err = reserve(set, set->nr - (past - first) + 1 + keeps_left + keeps_right);
	if (err)
		return err;
	err = set_path(set, &added, map->path ? map->path : "");
	if (err)
		return err;
	if (keeps_right) {
		right = set->maps[past - 1];
		path_of(&right)->nr_users++;
		right.file_offset += map->end - right.start;
		right.start = map->end;
	}

	for (size_t i = first + keeps_left; i < past; i++)
		release_path(set, path_of(&set->maps[i]));
	if (keeps_left)
		set->maps[first].end = map->start;
	at = first + keeps_left;
	tail = at + 1 + keeps_right;
	memmove(&set->maps[tail], &set->maps[past], (set->nr - past) * sizeof(*set->maps));
	set->nr = set->nr - past + tail;
	set->maps[at] = added;
	if (keeps_right)
		set->maps[at + 1] = right;
	return 0;
}

const struct mapping *mapping_set__find(const struct mapping_set *set, uint64_t address)
{
	size_t i = first_ending_after(set, address);

	return i < set->nr && set->maps[i].start <= address ? &set->maps[i] : NULL;
}

int mapping_set__each(const struct mapping_set *set,
		      int (*visit)(const struct mapping *map, void *context), void *context)
{
	for (size_t i = 0; i < set->nr; i++) {
		int result = visit(&set->maps[i], context);

		if (result)
			return result;
	}
	return 0;
}

int mapping_set__identify(struct mapping_set *set, int (*visit)(struct mapping *map, void *context),
			  void *context)
{
	int result = 0;

	for (size_t i = 0; i < set->nr && !result; i++)
		result = visit(&set->maps[i], context);
	return result;
}

/*
 * Reads one line without its newline; the part that doesn't fit is skipped. A NUL, which the kernel
 * never writes, ends the text of the line but not the line. Returns false at the end of the file.
 */
static bool read_line(FILE *file, char *line, size_t size)
{
	size_t used = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (used < size - 1)
			line[used++] = c;
	}
	line[used] = '\0';
	return c != EOF || used;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 16;
}

/*
 * Takes a number and the delimiter after it. It is stricter than strtoull, which would also take
 * blanks, a sign and "0x".
 */
static bool take_number(const char **cursor, unsigned int base, char delimiter, uint64_t max,
			uint64_t *value)
{
	const char *text = *cursor;

	*value = 0;
	for (; (unsigned int)digit_value(*text) < base; text++) {
		unsigned int digit = digit_value(*text);

		if (*value > (max - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	if (text == *cursor || *text != delimiter)
		return false;
	*cursor = delimiter ? text + 1 : text;
	return true;
}

/*
 * "start-end rwxp offset major:minor inode    path"; the path may hold blanks or be absent.
 * permissions points to "rwxp" in the line.
 */
static bool parse_line(const char *line, struct mapping *map, const char **permissions)
{
	uint64_t dev_major, dev_minor;

	if (!take_number(&line, 16, '-', UINT64_MAX, &map->start) ||
	    !take_number(&line, 16, ' ', UINT64_MAX, &map->end))
		return false;
	*permissions = line;
	if (strnlen(line, 5) < 5 || line[4] != ' ')
		return false;
	line += 5;
	if (!take_number(&line, 16, ' ', UINT64_MAX, &map->file_offset) ||
	    !take_number(&line, 16, ':', UINT32_MAX, &dev_major) ||
	    !take_number(&line, 16, ' ', UINT32_MAX, &dev_minor))
		return false;
	if (!take_number(&line, 10, ' ', UINT64_MAX, &map->file.inode) &&
	    !take_number(&line, 10, '\0', UINT64_MAX, &map->file.inode))
		return false;
	map->file.dev_major = dev_major;
	map->file.dev_minor = dev_minor;
	line += strspn(line, " ");
	map->path = (char *)line;
	return map->start < map->end;
}

int mapping_set__read_maps(struct mapping_set *set, FILE *maps)
{
	char line[MAX_LINE_BYTES];
	int nr_added = 0;

	while (read_line(maps, line, sizeof(line))) {
		struct mapping map = { 0 };
		const char *permissions;
		int err;

		if (!parse_line(line, &map, &permissions) || permissions[2] != 'x')
			continue;
		err = mapping_set__add(set, &map);
		if (err)
			return err;
		nr_added++;
	}
	return ferror(maps) ? -EIO : nr_added;
}

int mapping__read_lines(FILE *maps, enum mapping_choice choice,
			void (*visit)(const struct mapping *map, void *context), void *context)
{
	char line[MAX_LINE_BYTES];

	while (read_line(maps, line, sizeof(line))) {
		struct mapping map = { 0 };
		const char *permissions;

		if (parse_line(line, &map, &permissions) &&
		    (choice == MAPPINGS_SHARED ? permissions[3] == 's' : map.file.inode != 0))
			visit(&map, context);
	}
	return ferror(maps) ? -EIO : 0;
}

void mapping__write_link(char link[MAPPING_LINK_BYTES], pid_t tgid, const struct mapping *map)
{
	snprintf(link, MAPPING_LINK_BYTES, "/proc/%d/map_files/%llx-%llx",
		 (int)living_thread__of(tgid), (unsigned long long)map->start,
		 (unsigned long long)map->end);
}
