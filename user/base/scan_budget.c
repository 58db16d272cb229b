// SPDX-License-Identifier: GPL-2.0
/* See scan_budget.h. */
#include "base/scan_budget.h"

#define FRESH_NS 100000000ULL
#define MAX_CREDIT_NS 100000000LL
/* Credit grows by 1/PART of the time that passes. */
#define PART 5

bool scan_budget__is_fresh(const struct scan_budget *budget, uint64_t since_ns, uint64_t now_ns)
{
	return budget->ended_ns && budget->began_ns >= since_ns &&
	       now_ns - budget->ended_ns <= FRESH_NS;
}

static int64_t credit_ns(const struct scan_budget *budget, uint64_t now_ns)
{
	uint64_t grown_ns = (now_ns - budget->ended_ns) / PART;

	if (grown_ns >= (uint64_t)(MAX_CREDIT_NS - budget->credit_ns))
		return MAX_CREDIT_NS;
	return budget->credit_ns + (int64_t)grown_ns;
}

uint64_t scan_budget__wait_ns(const struct scan_budget *budget, uint64_t now_ns)
{
	int64_t credit = credit_ns(budget, now_ns);

	return credit > 0 ? 0 : PART * (uint64_t)(1 - credit);
}

void scan_budget__charge(struct scan_budget *budget, uint64_t began_ns, uint64_t ended_ns,
			 uint64_t cpu_ns)
{
	budget->credit_ns = credit_ns(budget, ended_ns) - (int64_t)cpu_ns;
	budget->began_ns = began_ns;
	budget->ended_ns = ended_ns;
}
