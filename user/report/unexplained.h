/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that no allocator accounts for: the program mapped it itself, or got it from functions
 * that are not probed. Its held figures are then right, and say little of its memory. A pure
 * function over a report.
 */
#ifndef UNEXPLAINED_H
#define UNEXPLAINED_H

#include "report/report.h"

/*
 * Fills unexplained_bytes of a process that has ended, after reclaim.h has filled rss_anon_bytes.
 * If it called no probed function, and had memory that a program without an allocator does not
 * have, has_allocator becomes false and uncalled true: what it held is not 0 but unknown.
 */
void unexplained__judge(struct process_report *report);

#endif
