/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells when to take the next expensive look, such as one through the whole system. A look serves
 * all of many processes that end together, and in the long run looks take at most a fifth of one
 * CPU's time. Times are CLOCK_MONOTONIC, given by the caller. All zero: no look was taken yet.
 */
#ifndef SCAN_BUDGET_H
#define SCAN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct scan_budget {
	uint64_t began_ns, ended_ns; /* of the last look */
	int64_t credit_ns; /* left when that look ended; below 0: it took too long */
};

/* The last look serves for an event at since_ns: it began no earlier and ended a moment ago. */
bool scan_budget__is_fresh(const struct scan_budget *budget, uint64_t since_ns, uint64_t now_ns);

/* How long to wait before the next look; 0: look now. */
uint64_t scan_budget__wait_ns(const struct scan_budget *budget, uint64_t now_ns);

/* Records a look. On a busy machine it takes longer than cpu_ns, the time that it worked. */
void scan_budget__charge(struct scan_budget *budget, uint64_t began_ns, uint64_t ended_ns,
			 uint64_t cpu_ns);

#endif
