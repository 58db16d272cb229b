/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keeper: a small process of its own that lets held processes go on when their time is over,
 * the tracer is stopped, or the tracer is gone. BPF holds nobody without a sign of life of the
 * keeper, and the keeper gives none without one of the tracer.
 */
#ifndef HOLD_KEEPER_H
#define HOLD_KEEPER_H

#include <sys/types.h>

#include "probes/hold_release.h"

#define HOLD_KEEPER_NAME "memleak-hold"

/*
 * Starts it. control is in memory that BPF, the tracer and the keeper share. Call while the tracer
 * has no other thread. The keeper ends soon after the tracer has, however that happens; until then
 * it is a child to be waited for. Returns its PID or -errno.
 */
pid_t hold_keeper__start(volatile struct hold_control *control, const struct hold_maps *maps);

#endif
