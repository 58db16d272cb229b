/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes of the whole system by what they hold, and how that has grown since the last time.
 * Pure: records of address spaces in, rows out.
 */
#ifndef RANKING_H
#define RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "report/report.h"

struct ranking;

struct ranking *ranking__new(void);
void ranking__free(struct ranking *ranking);

/*
 * Fills the rows and sums of *report from the spaces of processes that run, the first `top` of
 * those that hold something as rows, in that order as far as processes have it. The rows point to
 * *ranking and to the spaces, and are valid until the next call. Returns 0 or -ENOMEM.
 */
int ranking__fill(struct ranking *ranking, struct ranking_report *report,
		  const struct space *spaces, size_t nr_spaces, uint64_t top,
		  enum stack_order order);

#endif
