/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts reports together from the data of other rooms, and hands them to the writer that the options
 * choose.
 */
#ifndef REPORTER_H
#define REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "output/outputs.h"
#include "probes/probe_paths.h"
#include "report_sources.h"

struct reporter;

/* Reads from sources, and writes to outputs. Both outlive it. NULL when there is no memory. */
struct reporter *reporter__new(const struct report_sources *sources, struct outputs *outputs);
void reporter__free(struct reporter *reporter);

/*
 * Writes the start of the report. nr_processes: how many are traced from the start; command_pid:
 * the command, or 0; ready_ns (CLOCK_MONOTONIC): the time since which all of them are probed, 0 for
 * a command, which begins probed.
 */
void reporter__start(struct reporter *reporter, const struct features *features,
		     const struct probe_paths *paths, unsigned int nr_processes, pid_t command_pid,
		     uint64_t ready_ns);
/*
 * Encloses the reports of what is outstanding at one moment: growth is counted from moment to
 * moment. Call it before what these tell is read.
 */
void reporter__begin_interval(struct reporter *reporter);
void reporter__end_interval(struct reporter *reporter);
/* Those of processes that have grown most since the last interval come first. */
void reporter__sort_by_growth(const struct reporter *reporter, struct space *spaces, size_t nr);

/*
 * Gathers the single blocks of spaces, where the options need them; call it before these are
 * reported. It takes as many of the first *nr as it can at once, and sets *nr to that number.
 * Returns 0 or -errno: -EINTR when somebody asks to stop.
 */
int reporter__gather(struct reporter *reporter, const struct space *spaces, size_t *nr);
void reporter__free_gathered(struct reporter *reporter);

/* memory_gone: false when the process is gone but its memory is still in use. */
void reporter__exit(struct reporter *reporter, const struct space *space, bool memory_gone);
void reporter__outstanding(struct reporter *reporter, const struct space *space);
/* Ranks running processes, and their stacks, by the memory that they hold. */
void reporter__ranking(struct reporter *reporter, const struct space *spaces, size_t nr_spaces);
/* A running process that has made no call yet: nothing else is known of it. */
void reporter__nothing_yet(struct reporter *reporter, pid_t tgid);
void reporter__trace(struct reporter *reporter, const struct event *event);
/* The sums over the run. lost: losses of the tracer itself. */
void reporter__total(struct reporter *reporter, const struct report_lost *lost);

/* The rules of --fail-on that were broken; those of leak checks are not known here. */
const struct broken_rules *reporter__broken_rules(const struct reporter *reporter);

/* Notes the machine's memory before anything runs. */
void reporter__note_before(struct reporter *reporter);
/*
 * Notes it at an end, before names are looked up: that look-up costs memory which is the tracer's,
 * not the process's.
 */
void reporter__note_after(struct reporter *reporter);

/* Writes the tail of the document: nothing can be reported after it. */
void reporter__end(struct reporter *reporter);

/* Lets a reader see what has been written so far. */
void reporter__flush(struct reporter *reporter);

#endif
