/* SPDX-License-Identifier: GPL-2.0 */
/* Forgets the processes that are gone and that no report is due for. */
#ifndef PROCESS_SWEEP_H
#define PROCESS_SWEEP_H

#include "books/ended_spaces.h"
#include "processes/kernel_records.h"
#include "processes/processes.h"

/* Takes the spaces that have ended meanwhile into ended. Returns 0 or -errno. */
int process_sweep__run(struct processes *processes, struct kernel_records *records,
		       const struct tracer_maps *maps, struct ended_spaces *ended);

#endif
