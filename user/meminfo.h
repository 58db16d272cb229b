/* SPDX-License-Identifier: GPL-2.0 */
/* The machine's memory from /proc/meminfo, counted as free(1) counts it. */
#ifndef MEMINFO_H
#define MEMINFO_H

#include <stdio.h>

#include "report.h"

/*
 * Parses a /proc/meminfo text. used = total - available where the kernel tells available (3.14+),
 * as procps 4 does; buff/cache = Buffers + Cached + SReclaimable. Where it does not, available =
 * free and used = total - free - buff/cache. Returns 0, or -EBADMSG when MemTotal, MemFree, Buffers
 * or Cached is missing or not a number; *memory is then untouched.
 */
int meminfo__read(FILE *meminfo, struct memory_report *memory);

#endif
