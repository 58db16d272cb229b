/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of code that a process made at run time, as its compiler lists them in /tmp/perf-PID.map:
 * "START SIZE name", the numbers in hex (Linux, tools/perf/Documentation/jit-interface.txt). Text
 * in, a table out; perf_map_file.h knows whose text it is.
 */
#ifndef PERF_MAP_H
#define PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Longer names are cut. */
#define PERF_MAP_MAX_NAME_BYTES 1024
/* perf_map__add_text always takes some of a text of this length. */
#define PERF_MAP_MAX_LINE_BYTES 8192

struct perf_map;

struct perf_map *perf_map__new(void);
void perf_map__free(struct perf_map *map);

/*
 * Adds the lines that are complete; those that don't parse are skipped. A later line wins over
 * those that it overlaps: compilers move code. Returns how many bytes were taken; the rest has to
 * come again, with more text after it. Beyond a million lines, or when memory has run out, lines
 * are taken and ignored.
 */
size_t perf_map__add_text(struct perf_map *map, const char *text, size_t nr_bytes);

/*
 * The name of the code at the address, or NULL: a string with neither a newline nor another control
 * character. Good until text is added.
 */
const char *perf_map__find(struct perf_map *map, uint64_t address);

#endif
