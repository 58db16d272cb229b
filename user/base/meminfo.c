// SPDX-License-Identifier: GPL-2.0
/*
 * Turns /proc/meminfo into the figures of free(1). Lines are found by name: their order and number
 * change with the kernel, and a container's lines (lxcfs) may be incomplete or contradict each
 * other.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/meminfo.h"

enum meminfo_line { TOTAL, FREE, AVAILABLE, BUFFERS, CACHED, RECLAIMABLE, NR_LINES };

static const struct {
	const char *name;
	bool needed;
} lines[NR_LINES] = {
	[TOTAL] = { "MemTotal:", true },   [FREE] = { "MemFree:", true },
	[AVAILABLE] = { "MemAvailable:" }, [BUFFERS] = { "Buffers:", true },
	[CACHED] = { "Cached:", true },	   [RECLAIMABLE] = { "SReclaimable:" },
};

/* "   1234 kB\n": digits, then the unit that the kernel has always written. */
static bool parse_kib(const char *text, uint64_t *bytes)
{
	uint64_t kib = 0;

	while (*text == ' ' || *text == '\t')
		text++;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		if (kib > (UINT64_MAX / 1024 - 9) / 10)
			return false;
		kib = kib * 10 + (*text - '0');
	}
	*bytes = kib * 1024;
	return strcmp(text, " kB\n") == 0 || strcmp(text, " kB") == 0;
}

static void parse_line(const char *line, uint64_t bytes[NR_LINES], bool found[NR_LINES])
{
	for (int i = 0; i < NR_LINES; i++) {
		size_t length = strlen(lines[i].name);

		if (!found[i] && strncmp(line, lines[i].name, length) == 0)
			found[i] = parse_kib(line + length, &bytes[i]);
	}
}

static uint64_t subtract(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

int meminfo__read(FILE *meminfo, struct memory_report *memory)
{
	uint64_t bytes[NR_LINES] = { 0 };
	bool found[NR_LINES] = { false };
	bool at_line_start = true;
	char line[256];

	/* A line longer than the buffer comes in pieces; only the first can hold a name. */
	while (fgets(line, sizeof(line), meminfo)) {
		if (at_line_start)
			parse_line(line, bytes, found);
		at_line_start = strchr(line, '\n') != NULL;
	}
	for (int i = 0; i < NR_LINES; i++) {
		if (lines[i].needed && !found[i])
			return -EBADMSG;
	}

	memory->per_cpu_lists_bytes = FIGURE_UNKNOWN;
	memory->total_bytes = bytes[TOTAL];
	memory->free_bytes = bytes[FREE];
	memory->buff_cache_bytes = add(add(bytes[BUFFERS], bytes[CACHED]), bytes[RECLAIMABLE]);
	/* Available can exceed the total: a container's total next to its host's available. */
	if (found[AVAILABLE] && bytes[AVAILABLE] <= bytes[TOTAL]) {
		memory->available_bytes = bytes[AVAILABLE];
		memory->used_bytes = bytes[TOTAL] - bytes[AVAILABLE];
	} else {
		memory->available_bytes = bytes[FREE];
		memory->used_bytes =
			subtract(subtract(bytes[TOTAL], bytes[FREE]), memory->buff_cache_bytes);
	}
	return 0;
}

figure meminfo__read_per_cpu_lists(FILE *zoneinfo, size_t page_bytes)
{
	uint64_t pages = 0, nr_lists = 0;
	char line[256];

	while (fgets(line, sizeof(line), zoneinfo)) {
		uint64_t count;

		/* "count:", with "high:" and "batch:", is a list's; no other line has this name. */
		if (sscanf(line, " count: %" SCNu64, &count) != 1)
			continue;
		pages = add(pages, count);
		nr_lists++;
	}
	if (!nr_lists || pages > INT64_MAX / page_bytes)
		return FIGURE_UNKNOWN;
	return (figure)(pages * page_bytes);
}
