/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the processes that map memory files by reading /proc/PID/maps, for kernels without the BPF
 * iterator over mappings (before 5.12). Processes that /proc does not let us look into are left
 * out.
 */
#ifndef HOLDER_MAPS_H
#define HOLDER_MAPS_H

#include "stays/holders.h"

/*
 * Adds a record for each memory file and process, except for our own process. Returns 0 or -errno.
 */
int holder_maps__read(struct holders *holders);

#endif
