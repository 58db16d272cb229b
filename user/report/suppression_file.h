/* SPDX-License-Identifier: GPL-2.0 */
/* One file of suppressions, parsed: its entries for leaks, and their patterns. */
#ifndef SUPPRESSION_FILE_H
#define SUPPRESSION_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/string_pool.h"
#include "leaks/leak_kind.h"
#include "report/report.h"

/* Lines of a stack in one entry; Valgrind has no deeper stacks (VG_DEEPEST_BACKTRACE). */
#define SUPPRESSION_MAX_LOCATIONS 500
#define SUPPRESSION_MAX_LINE_BYTES 8192

enum location_kind {
	LOCATION_FUNCTION, /* fun: */
	LOCATION_OBJECT, /* obj: */
	LOCATION_SOURCE, /* src: */
	LOCATION_FRAMES, /* "...": any number of frames */
	LOCATION_ANYWHERE, /* LeakSanitizer's pattern, which is the only one of its entry */
};

struct suppression_location {
	enum location_kind kind;
	bool has_wildcards; /* in Valgrind's patterns */
	bool at_start, at_end; /* LeakSanitizer's: ^ and $ */
	unsigned int line; /* of a source file; 0: any */
	const char *pattern;
	/*
	 * Of a function's pattern: the function that it names, demangled, without a version or the
	 * suffix of a clone, where that is another text. It is no pattern: wildcards stand for
	 * nothing here, so pthread_create@* gives pthread_create.
	 */
	const char *function;
};

struct suppression {
	const char *name;
	unsigned int line; /* of the name */
	unsigned int kinds; /* a sum of LEAK_KIND_BIT */
	size_t first_location, nr_locations;
	uint64_t records; /* that it has hidden since the last reset */
	struct leak_sum hidden;
};

struct suppression_file {
	char *name;
	char *text; /* all of it; patterns point into it */
	size_t nr_bytes;
	struct string_pool *strings; /* the other strings */
	struct suppression *list;
	size_t nr, capacity;
	struct suppression_location *locations;
	size_t nr_locations, locations_capacity;
};

/* What is wrong with a file. */
struct suppression_error {
	const char *reason;
	unsigned int line; /* 0: no line is to blame */
};

/*
 * Reads and parses a file. Returns 0, -EINVAL, -ENOMEM or -errno; the error then says why. Call
 * suppression_file__free in any case.
 */
int suppression_file__read(struct suppression_file *file, const char *name, FILE *in,
			   struct suppression_error *error);
void suppression_file__free(struct suppression_file *file);

/* As in match-leak-kinds: "definite" and so on. NULL for LEAK_UNCLASSIFIED. */
const char *suppression_file__kind_word(enum leak_kind kind);

#endif
