/* SPDX-License-Identifier: GPL-2.0 */
/* Fills the ranking: running processes, and their stacks, by the memory that they hold. */
#ifndef REPORTED_SYSTEM_H
#define REPORTED_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include "report/growth.h"
#include "report/ranking.h"
#include "report_sources.h"

/* What is remembered from ranking to ranking. */
struct system_history {
	struct ranking *ranking;
	struct growth *growth;
	const struct births *births; /* when the blocks of now were allocated; NULL: unknown */
};

/*
 * spaces: the living ones; they and the ranking must outlive *report, whose stacks
 * aggregate__free releases. now_ns: CLOCK_MONOTONIC. Returns 0 or -errno: -EINTR when
 * somebody asks to stop.
 */
int reported_system__fill(const struct report_sources *sources,
			  const struct system_history *history, const struct space *spaces,
			  size_t nr_spaces, uint64_t now_ns, struct ranking_report *report);

#endif
