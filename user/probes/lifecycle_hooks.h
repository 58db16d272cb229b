/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hooks on the life cycle of processes: selects the programs of the skeleton that the chosen
 * paths need, and attaches them. Only tracer.c calls this.
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

/* Call before the skeleton is loaded: turns off unneeded programs. Returns 0 or -errno. */
int lifecycle_hooks__choose(struct memleak_bpf *skeleton, const struct features *features,
			    const struct probe_paths *paths);

/* Returns 0 or -errno. In both cases, detach what was attached. */
int lifecycle_hooks__attach(struct lifecycle_hooks *hooks, struct memleak_bpf *skeleton,
			    const struct features *features, const struct probe_paths *paths);
/* Writes the descriptors of all links, up to LIFECYCLE_HOOKS_MAX. Returns their number. */
size_t lifecycle_hooks__fds(const struct lifecycle_hooks *hooks, int *fds);
void lifecycle_hooks__detach(struct lifecycle_hooks *hooks);

#endif
