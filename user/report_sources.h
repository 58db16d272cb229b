/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rooms that reports are put together from, and the part of their data that the options ask
 * for.
 */
#ifndef REPORT_SOURCES_H
#define REPORT_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "books/snapshot.h"
#include "names/symbolize.h"
#include "options.h"
#include "probes/guard/translators.h"
#include "probes/probed_files.h"
#include "processes/processes.h"
#include "report/aggregate.h"
#include "stays/shm_survivors.h"
#include "unwind/unwind_tables.h"

struct leak_reporting;

/* All members belong to the caller, and outlive the reports. */
struct report_sources {
	const struct options *options;
	const struct tracer_maps *maps;
	const struct processes *processes;
	const struct probed_files *probed;
	struct translators *translators; /* NULL: not guarded */
	struct symbolizer *symbolizer;
	struct unwind_tables *tables; /* NULL: stacks are walked by frame pointers */
	struct shm_survivors *survivors;
	struct leak_reporting *leaks; /* see reported_leaks.h */
	bool all_stacks; /* something that is written shows all of them */
};

/* Whether the options ask for single blocks. */
bool report_sources__need_blocks(const struct report_sources *sources);

/* The part of a space's blocks that the options ask for; now_ns: CLOCK_MONOTONIC, for ages. */
struct snapshot_request report_sources__request(const struct report_sources *sources,
						uint64_t now_ns);

/* So many stacks of a report are named. */
uint64_t report_sources__nr_stacks(const struct report_sources *sources);

/* Which stacks the options ask for; the caller adds what is known of their growth. */
struct aggregate_request report_sources__shown(const struct report_sources *sources);

/*
 * Where stacks and names are read; image: the process's, NULL when unknown or for many processes.
 */
struct aggregate_source report_sources__stacks(const struct report_sources *sources,
					       const struct image *image, uint64_t now_ns);

#endif
