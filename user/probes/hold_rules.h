/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a process may be held, and when it must go on. The tracer and the keeper go by the same
 * rules; time is an argument, CLOCK_MONOTONIC.
 */
#ifndef HOLD_RULES_H
#define HOLD_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire_hold.h"

/* The keeper looks that often. */
#define HOLD_TICK_MS 20
/* How long BPF may hold without another word of the keeper. */
#define HOLD_BEAT_NS 100000000ULL
/* A tracer that has not looked for so long is stopped, or has other things to do. */
#define HOLD_ANSWER_NS HOLD_BOUND_NS
/* A keeper that has not looked for so long is stopped, or starved. */
#define HOLD_MUTE_NS 300000000ULL
/* After the tracer's end: a program of BPF that was interrupted may have to finish yet. */
#define HOLD_LINGER_NS 500000000ULL
/* What is known of a parent is kept that much longer than it counts. */
#define HOLD_PARENT_KEPT_NS 1000000000ULL

/* Will the tracer see to a process that is held now? */
static inline bool hold_rules__may_hold(const struct hold_control *control, uint64_t now_ns)
{
	return control->wanted && now_ns < control->tracer_ns + HOLD_ANSWER_NS;
}

/* Is it time to let the process go, looked at or not? all: no hold goes on. */
static inline bool hold_rules__is_over(const struct held *held, uint64_t now_ns, bool all)
{
	return all || now_ns >= held->from_ns + HOLD_BOUND_NS;
}

/*
 * Has the parent stopped itself because its child was stopped, and can it go on? Not while the
 * child is held: such a parent continues its child first of all.
 */
static inline bool hold_rules__parent_waits(const struct hold_parent *parent, uint64_t now_ns,
					    bool child_is_held)
{
	return parent->stopped_ns && now_ns < parent->until_ns && !child_is_held;
}

static inline bool hold_rules__parent_is_old(const struct hold_parent *parent, uint64_t now_ns)
{
	return now_ns >= parent->until_ns + HOLD_PARENT_KEPT_NS;
}

/* Must the tracer do what the keeper should? */
static inline bool hold_rules__keeper_is_mute(const struct hold_control *control, uint64_t now_ns)
{
	return now_ns >= control->keeper_ns + HOLD_MUTE_NS;
}

#endif
