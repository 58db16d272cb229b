/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has files in memory mapped, by /proc/PID/maps: for kernels without the iterator over mappings
 * (before 5.12). Processes that /proc lets us not look into are left out.
 */
#ifndef HOLDER_MAPS_H
#define HOLDER_MAPS_H

#include "stays/holders.h"

/* Adds a record for each file and process but our own. Returns 0 or -errno. */
int holder_maps__read(struct holders *holders);

#endif
