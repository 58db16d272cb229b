/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When to look through the whole system anew: not for each of many processes that end together, and
 * in the long run for no more than a fifth of one CPU's time. Times are CLOCK_MONOTONIC, given by
 * the caller. All zero: no look was taken yet.
 */
#ifndef SCAN_BUDGET_H
#define SCAN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct scan_budget {
	uint64_t began_ns, ended_ns; /* of the last look */
	int64_t credit_ns; /* that was left when it ended; below 0: it took too long */
};

/* What was seen last time is good for something that happened at since_ns. */
bool scan_budget__is_fresh(const struct scan_budget *budget, uint64_t since_ns, uint64_t now_ns);

/* How long to wait before the next look; 0: look now. */
uint64_t scan_budget__wait_ns(const struct scan_budget *budget, uint64_t now_ns);

/* A look was taken; on a busy machine it takes longer than it works. */
void scan_budget__charge(struct scan_budget *budget, uint64_t began_ns, uint64_t ended_ns,
			 uint64_t cpu_ns);

#endif
