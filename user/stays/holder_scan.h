/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the processes that hold memory files, with BPF iterators over all processes. The iterators
 * see every process, where /proc shows only those that we may look into, and are some hundred times
 * faster. They are loaded at first use. The only user of their skeleton.
 */
#ifndef HOLDER_SCAN_H
#define HOLDER_SCAN_H

#include <stdint.h>

#include "stays/holders.h"

struct holder_scan;

struct holder_scan *holder_scan__new(void);
void holder_scan__free(struct holder_scan *scan);

/*
 * *holders is as it was at since_ns (CLOCK_MONOTONIC) or later, and valid until the next call.
 * Returns 0, -EBUSY when that would take too many looks in a short time, or -errno.
 */
int holder_scan__look(struct holder_scan *scan, uint64_t since_ns, const struct holders **holders);

#endif
