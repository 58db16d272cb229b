// SPDX-License-Identifier: GPL-2.0
/*
 * An array of code ranges, sorted at the first look-up after lines were added, and their names in
 * one piece of memory. The text is hostile: any user can run a program that writes it.
 */
#include "names/perf_map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

#define MAX_CODES (1u << 20)
#define MAX_NAMES_BYTES (128u << 20)
/* At most this many ranges, back from the nearest, are tried: ranges may overlap. */
#define MAX_STEPS_BACK 64

struct code {
	uint64_t start, size_bytes;
	uint32_t name; /* offset in names */
	uint32_t order; /* of its line */
};

struct perf_map {
	struct code *codes;
	size_t nr, capacity;
	char *names;
	size_t names_bytes, names_capacity;
	uint32_t nr_lines;
	bool sorted;
	bool in_long_line; /* skip the rest of a long line, which goes on in the next text */
};

struct perf_map *perf_map__new(void)
{
	return calloc(1, sizeof(struct perf_map));
}

void perf_map__free(struct perf_map *map)
{
	if (!map)
		return;
	free(map->codes);
	free(map->names);
	free(map);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Takes a number and the blank after it; "0x" is not in the format, but in some files. */
static bool take_number(const char **cursor, const char *end, uint64_t *value)
{
	const char *text = *cursor, *digits;

	if (end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	digits = text;
	for (*value = 0; text < end && digit_value(*text) >= 0; text++) {
		if (*value >> 60)
			return false;
		*value = *value << 4 | digit_value(*text);
	}
	if (text == digits || text == end || *text != ' ')
		return false;
	*cursor = text + 1;
	return true;
}

static bool reserve(struct perf_map *map, size_t name_bytes)
{
	return !array__reserve(&map->codes, &map->capacity, map->nr + 1) &&
	       !array__reserve(&map->names, &map->names_capacity, map->names_bytes + name_bytes);
}

static void add_code(struct perf_map *map, uint64_t start, uint64_t size_bytes, const char *name,
		     size_t name_bytes)
{
	char *copy;

	if (map->nr_lines >= MAX_CODES || map->names_bytes + name_bytes + 1 > MAX_NAMES_BYTES ||
	    !reserve(map, name_bytes + 1))
		return;
	copy = map->names + map->names_bytes;
	for (size_t i = 0; i < name_bytes; i++)
		copy[i] = (unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i];
	copy[name_bytes] = '\0';
	map->codes[map->nr++] = (struct code){
		.start = start,
		.size_bytes = size_bytes,
		.name = map->names_bytes,
		.order = map->nr_lines++,
	};
	map->names_bytes += name_bytes + 1;
	map->sorted = false;
}

static void add_line(struct perf_map *map, const char *line, const char *end)
{
	uint64_t start, size_bytes;
	size_t name_bytes;

	if (!take_number(&line, end, &start) || !take_number(&line, end, &size_bytes) ||
	    !size_bytes || start + size_bytes < start)
		return;
	if (line < end && end[-1] == '\r')
		end--;
	name_bytes = end - line;
	if (!name_bytes)
		return;
	if (name_bytes > PERF_MAP_MAX_NAME_BYTES)
		name_bytes = PERF_MAP_MAX_NAME_BYTES;
	add_code(map, start, size_bytes, line, name_bytes);
}

size_t perf_map__add_text(struct perf_map *map, const char *text, size_t nr_bytes)
{
	size_t taken = 0;
	const char *newline;

	while ((newline = memchr(text + taken, '\n', nr_bytes - taken))) {
		if (!map->in_long_line)
			add_line(map, text + taken, newline);
		map->in_long_line = false;
		taken = newline + 1 - text;
	}
	if (map->in_long_line || nr_bytes - taken >= PERF_MAP_MAX_LINE_BYTES) {
		map->in_long_line = true;
		taken = nr_bytes;
	}
	return taken;
}

static int by_start(const void *a, const void *b)
{
	const struct code *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

/*
 * Ranges with the same start: only the last line's stays. Code that is compiled anew at a place
 * leaves nothing of what was there.
 */
static void sort(struct perf_map *map)
{
	size_t nr = 0;

	if (map->sorted || !map->nr)
		return;
	qsort(map->codes, map->nr, sizeof(*map->codes), by_start);
	for (size_t i = 0; i < map->nr; i++) {
		if (nr && map->codes[nr - 1].start == map->codes[i].start)
			nr--;
		map->codes[nr++] = map->codes[i];
	}
	map->nr = nr;
	map->sorted = true;
}

const char *perf_map__find(struct perf_map *map, uint64_t address)
{
	const struct code *found = NULL;
	size_t nr;

	sort(map);
	nr = search__nr_before(map->nr, at, map->codes[at].start <= address);
	for (size_t step = 0; step < MAX_STEPS_BACK && step < nr; step++) {
		const struct code *code = &map->codes[nr - 1 - step];

		if (address - code->start < code->size_bytes &&
		    (!found || code->order > found->order))
			found = code;
	}
	return found ? map->names + found->name : NULL;
}
