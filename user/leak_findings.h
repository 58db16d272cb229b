/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The result of one leak check, kept until it is reported and compared with the next: sums by call
 * site, not single blocks. Pure.
 */
#ifndef LEAK_FINDINGS_H
#define LEAK_FINDINGS_H

#include <sys/types.h>

#include "leaks/leak_scan.h"
#include "report/leak_stacks.h"

struct leak_findings {
	uint64_t serial; /* of the address space; 0: it has made no call yet */
	pid_t tgid;
	bool at_end; /* it stood at its end */
	unsigned int round; /* of checks of running processes; 0: at its end */
	uint64_t checked_ns; /* CLOCK_MONOTONIC */
	double pause_s; /* < 0: at its end */
	double since_s; /* since the check before; < 0: none */
	const char *why; /* nothing was found out, because of this; NULL: the rest holds */
	bool was_due; /* with why: a check should have taken place */
	struct leak_site *sites; /* sorted by kind and stack */
	size_t nr_sites;
	struct snapshot_block *blocks; /* those that the sites list, if they do */
	struct leak_result result; /* without what it says of single blocks */
};

/*
 * Sums up what *result says of the blocks, and takes its other figures over. with_blocks: the sites
 * list them. Returns 0 or -ENOMEM; leak_findings__free releases the sites.
 */
int leak_findings__sum(struct leak_findings *findings, const struct leak_block *blocks,
		       size_t nr_blocks, const struct leak_result *result, bool with_blocks);
void leak_findings__free(struct leak_findings *findings);

/* Fills in how each site grew since an earlier check of the same process. */
void leak_findings__compare(struct leak_findings *findings, const struct leak_findings *earlier);

#endif
