/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits the guard's total work, since it precedes everything else, and programs of any user can
 * cause it. When the budget is spent, only processes that took more than their share have to wait.
 * Pure; the caller locks.
 */
#ifndef GUARD_BUDGET_H
#define GUARD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define GUARD_WINDOW_NS 1000000000ULL
/* Percentage of the time of all processors. */
#define GUARD_PERCENT 10

struct guard_budget {
	uint64_t window; /* number of the present window */
	uint64_t limit_ns, spent_ns; /* both of the window */
	uint64_t nr_active; /* processes that used time in the window */
};

/* The time spent on one process. */
struct guard_share {
	uint64_t window;
	uint64_t spent_ns;
};

void guard_budget__init(struct guard_budget *budget, unsigned int nr_cpus);
void guard_budget__spend(struct guard_budget *budget, struct guard_share *share, uint64_t now_ns,
			 uint64_t ns);
/* Does the process have to wait for the next window? */
bool guard_budget__is_spent(struct guard_budget *budget, const struct guard_share *share,
			    uint64_t now_ns);

#endif
