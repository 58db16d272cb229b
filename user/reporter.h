/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts reports together from what the other rooms know, and hands them to the writer that the
 * options choose.
 */
#ifndef REPORTER_H
#define REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "output/report_file.h"
#include "probes/probe_paths.h"
#include "report_sources.h"

struct reporter;

/* Reads from sources, and writes to file. Both outlive it. NULL when there is no memory. */
struct reporter *reporter__new(const struct report_sources *sources, struct report_file *file);
void reporter__free(struct reporter *reporter);

/*
 * Writes the start of the report. nr_processes: how many are traced from the start; ready_ns
 * (CLOCK_MONOTONIC): since when all of them are probed, 0 for a command, which begins probed.
 */
void reporter__start(struct reporter *reporter, const struct features *features,
		     const struct probe_paths *paths, unsigned int nr_processes, uint64_t ready_ns);
/*
 * Before spaces are reported, their single blocks are gathered, where the options need them: of the
 * first *nr at once, which is set to how many these are. Returns 0 or -errno: -EINTR when somebody
 * asks to stop.
 */
int reporter__gather(struct reporter *reporter, const struct space *spaces, size_t *nr);
void reporter__forget_gathered(struct reporter *reporter);

/* memory_gone: false when the process is gone but its memory is still in use. */
void reporter__exit(struct reporter *reporter, const struct space *space, bool memory_gone);
void reporter__outstanding(struct reporter *reporter, const struct space *space);
/* All that run: processes and stacks by what is held. */
void reporter__ranking(struct reporter *reporter, const struct space *spaces, size_t nr_spaces);
/* A running process that made no call yet: nothing is known of it but that. */
void reporter__nothing_yet(struct reporter *reporter, pid_t tgid);
void reporter__trace(struct reporter *reporter, const struct event *event);
/* The sums over the run. lost: what the tracer itself could not record or report. */
void reporter__total(struct reporter *reporter, const struct report_lost *lost);

/* Takes the machine's memory before anything runs. */
void reporter__note_before(struct reporter *reporter);
/*
 * Takes it at an end, before names are looked up: what that costs the tracer is not the process's
 * doing.
 */
void reporter__note_after(struct reporter *reporter);

/* Writes the tail of the document: nothing can be reported after it. */
void reporter__end(struct reporter *reporter);

/* See document__reopen. */
int reporter__reopen(struct reporter *reporter, const char *path);

/* Lets a reader see what has been written so far. */
void reporter__flush(struct reporter *reporter);

#endif
