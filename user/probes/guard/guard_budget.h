/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much the guard may work in all, since it precedes everything else and what it does is brought
 * about by programs of any user. Of those that it looks after, only the one that takes more than
 * its share has to wait when all is spent. Pure; the caller locks.
 */
#ifndef GUARD_BUDGET_H
#define GUARD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define GUARD_WINDOW_NS 1000000000ULL
/* Of the time of all processors. */
#define GUARD_PERCENT 10

struct guard_budget {
	uint64_t window; /* the present one's number */
	uint64_t limit_ns, spent_ns; /* in the window */
	uint64_t nr_active; /* those that something was spent on */
};

/* What was spent on one of them. */
struct guard_share {
	uint64_t window;
	uint64_t spent_ns;
};

void guard_budget__init(struct guard_budget *budget, unsigned int nr_cpus);
void guard_budget__spend(struct guard_budget *budget, struct guard_share *share, uint64_t now_ns,
			 uint64_t ns);
/* Has it to wait for the next window? */
bool guard_budget__is_spent(struct guard_budget *budget, const struct guard_share *share,
			    uint64_t now_ns);

#endif
