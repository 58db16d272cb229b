/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hooks on processes' lives: which programs of the skeleton the chosen paths take, and
 * attaching these. Used by tracer.c alone.
 */
#ifndef LIFECYCLE_HOOKS_H
#define LIFECYCLE_HOOKS_H

#include <stddef.h>

#include "probes/probe_paths.h"

#define LIFECYCLE_HOOKS_MAX 20

struct bpf_link;
struct memleak_bpf;

struct lifecycle_hooks {
	struct bpf_link *link[LIFECYCLE_HOOKS_MAX];
	size_t nr;
};

/* Before the skeleton is loaded: takes what is not needed out. Returns 0 or -errno. */
int lifecycle_hooks__choose(struct memleak_bpf *skeleton, const struct features *features,
			    const struct probe_paths *paths);

/* Returns 0 or -errno; detach what was attached either way. */
int lifecycle_hooks__attach(struct lifecycle_hooks *hooks, struct memleak_bpf *skeleton,
			    const struct features *features, const struct probe_paths *paths);
/* The descriptors of all links, up to LIFECYCLE_HOOKS_MAX. Returns how many they are. */
size_t lifecycle_hooks__fds(const struct lifecycle_hooks *hooks, int *fds);
void lifecycle_hooks__detach(struct lifecycle_hooks *hooks);

#endif
