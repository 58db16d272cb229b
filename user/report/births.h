/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When the outstanding blocks of each site were allocated: bytes by the interval between two
 * reports. Pure: blocks in, sums out. growth.h compares them from report to report.
 */
#ifndef BIRTHS_H
#define BIRTHS_H

#include <stddef.h>
#include <stdint.h>

/* So many earlier reports are remembered. */
#define BIRTHS_MAX_REPORTS 8

/* The bytes of one site. in[0]: from before the first of the times; in[i]: after times[i - 1]. */
struct birth_sums {
	uint64_t in[BIRTHS_MAX_REPORTS + 1];
};

struct births;

/*
 * times_ns: of the earlier reports, ascending; now_ns: of this one, and blocks that are younger
 * don't count. NULL when there is no memory, or there are more times than BIRTHS_MAX_REPORTS.
 */
struct births *births__new(const uint64_t *times_ns, size_t nr_times, uint64_t now_ns);
void births__free(struct births *births);

/* Counts a block of the address space with that serial. Returns 0 or -ENOMEM. */
int births__add(struct births *births, uint64_t serial, uint64_t stack_id, uint64_t size_bytes,
		uint64_t time_ns);

/* NULL: the site has no blocks. Valid until the next births__add. */
const struct birth_sums *births__find(const struct births *births, uint64_t serial,
				      uint64_t stack_id);

#endif
