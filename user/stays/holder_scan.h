/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds out who holds files in memory, by BPF iterators over all processes: complete, where /proc
 * shows only what it lets one look into, and some hundred times faster. They are loaded when they
 * are needed for the first time. The only user of their skeleton.
 */
#ifndef HOLDER_SCAN_H
#define HOLDER_SCAN_H

#include <stdint.h>

#include "stays/holders.h"

struct holder_scan;

struct holder_scan *holder_scan__new(void);
void holder_scan__free(struct holder_scan *scan);

/*
 * *holders: as it was at since_ns (CLOCK_MONOTONIC) or later; valid until the next call. Returns 0,
 * -EBUSY when that would be too many looks in a short time, or -errno.
 */
int holder_scan__look(struct holder_scan *scan, uint64_t since_ns, const struct holders **holders);

#endif
