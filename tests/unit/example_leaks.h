/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Process reports after a leak check, for the tests of the writers: one for each thing that a check
 * can say.
 */
#ifndef EXAMPLE_LEAKS_H
#define EXAMPLE_LEAKS_H

#include "report/report.h"

struct example_leaks {
	const char *name;
	void (*change)(struct process_report *report, struct report_leaks *leaks);
};

extern const struct example_leaks example_leaks[];
extern const size_t nr_example_leaks;

/*
 * A program that builds trees, checked at its end with all kinds shown, then as the example changes
 * it. The report points to static data: it holds until the next call.
 */
struct process_report example_leaks__make(const struct example_leaks *example);
/* By name; fails the test when there is none. */
struct process_report example_leaks__find(const char *name);

#endif
