/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Process reports for the tests of the writers: one for each thing that a report can say. Every
 * format prints the same ones, so that their golden files can be read side by side.
 */
#ifndef EXAMPLE_REPORT_H
#define EXAMPLE_REPORT_H

#include "report/report.h"

struct example_report {
	const char *name;
	void (*change)(struct process_report *report); /* NULL: the plain one */
};

extern const struct example_report example_reports[];
extern const size_t nr_example_reports;

/* A program that mallocs 64 MiB, touches it and returns, then as the example changes it. */
struct process_report example_report__make(const struct example_report *example);
/* By name; fails the test when there is none. */
struct process_report example_report__find(const char *name);

#endif
