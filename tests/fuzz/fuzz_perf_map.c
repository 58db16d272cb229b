// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over a perf map's text, which comes in two pieces as from a file that grows. Built and
 * run by make fuzz.
 */
#include <stdlib.h>
#include <string.h>

#include "names/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

static void check_name(struct perf_map *map, uint64_t address)
{
	const char *name = perf_map__find(map, address);

	if (!name)
		return;
	if (!*name || strlen(name) > PERF_MAP_MAX_NAME_BYTES)
		abort();
	for (; *name; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			abort();
}

/* After the part that was taken the rest comes again, with more. */
static size_t add(struct perf_map *map, const char *text, size_t nr_bytes)
{
	size_t taken = perf_map__add_text(map, text, nr_bytes);

	if (taken > nr_bytes || (!taken && nr_bytes >= PERF_MAP_MAX_LINE_BYTES))
		abort();
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	struct perf_map *map = perf_map__new();
	size_t taken;

	if (!map)
		abort();
	taken = add(map, (const char *)bytes, nr_bytes / 2);
	check_name(map, 0x1000);
	add(map, (const char *)bytes + taken, nr_bytes - taken);
	for (size_t i = 0; i + sizeof(uint64_t) <= nr_bytes; i += sizeof(uint64_t)) {
		uint64_t address;

		memcpy(&address, bytes + i, sizeof(address));
		check_name(map, address);
		check_name(map, address & 0xffff);
	}
	perf_map__free(map);
	return 0;
}
