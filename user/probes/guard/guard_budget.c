// SPDX-License-Identifier: GPL-2.0
/* See guard_budget.h. */
#include "probes/guard/guard_budget.h"

void guard_budget__init(struct guard_budget *budget, unsigned int nr_cpus)
{
	*budget = (struct guard_budget){ .limit_ns =
						 GUARD_WINDOW_NS / 100 * GUARD_PERCENT * nr_cpus };
}

static void enter_window(struct guard_budget *budget, uint64_t now_ns)
{
	uint64_t window = now_ns / GUARD_WINDOW_NS;

	if (window == budget->window)
		return;
	budget->window = window;
	budget->spent_ns = budget->nr_active = 0;
}

void guard_budget__spend(struct guard_budget *budget, struct guard_share *share, uint64_t now_ns,
			 uint64_t ns)
{
	enter_window(budget, now_ns);
	if (share->window != budget->window || !share->spent_ns) {
		*share = (struct guard_share){ .window = budget->window };
		budget->nr_active++;
	}
	share->spent_ns += ns;
	budget->spent_ns += ns;
}

bool guard_budget__is_spent(struct guard_budget *budget, const struct guard_share *share,
			    uint64_t now_ns)
{
	enter_window(budget, now_ns);
	return budget->spent_ns >= budget->limit_ns && share->window == budget->window &&
	       share->spent_ns > budget->limit_ns / (budget->nr_active ? budget->nr_active : 1);
}
