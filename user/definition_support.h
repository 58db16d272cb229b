/* SPDX-License-Identifier: GPL-2.0 */
/* Whether this kernel can probe the functions that the user defined. */
#ifndef DEFINITION_SUPPORT_H
#define DEFINITION_SUPPORT_H

#include "probes/kernel_features.h"
#include "probes/probe_paths.h"

/*
 * Before Linux 5.15 a probe that is a perf event can't be told which function it is on. Returns
 * STATUS_OK, or tells in one line that the definitions are refused and returns STATUS_KERNEL.
 */
int definition_support__check(const struct features *features, const struct probe_paths *paths);

#endif
