/* SPDX-License-Identifier: GPL-2.0 */
/* Rankings for the tests of the writers, as example_report.h has reports for them. */
#ifndef EXAMPLE_RANKING_H
#define EXAMPLE_RANKING_H

#include "report/report.h"

struct example_ranking {
	const char *name;
	struct ranking_report ranking;
};

extern const struct example_ranking example_rankings[];
extern const size_t nr_example_rankings;

#endif
