/* SPDX-License-Identifier: GPL-2.0 */
/* Fills the ranking: running processes, and their stacks, by the memory that they hold. */
#ifndef REPORTED_SYSTEM_H
#define REPORTED_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include "report/ranking.h"
#include "report_sources.h"

/*
 * spaces: the living ones; they and ranking must outlive *report, whose stacks
 * aggregate__free releases. now_ns: CLOCK_MONOTONIC. Returns 0 or -errno: -EINTR when
 * somebody asks to stop.
 */
int reported_system__fill(const struct report_sources *sources, struct ranking *ranking,
			  const struct space *spaces, size_t nr_spaces, uint64_t now_ns,
			  struct ranking_report *report);

#endif
