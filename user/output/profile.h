/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What processes held at their newest reports, with copies of all names: the formats that show all
 * stacks at once (folded, pprof, speedscope) are written from it when the document ends.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/hash_index.h"
#include "output/output.h"
#include "report/report.h"

/* Strings are NULL where nothing is known; equal ones have the same address. */
struct profile_frame {
	const char *function, *symbol, *file, *module, *build_id;
	unsigned int line;
	uint64_t module_offset, address;
	bool inlined; /* into the next frame of its stacks */
};

struct profile_stack {
	uint32_t *frames; /* of the profile, innermost first */
	uint32_t nr_frames;
	uint32_t process; /* of the profile */
	uint64_t bytes, blocks;
	enum leak_kind kind;
	struct report_growth growth;
};

struct profile_process {
	pid_t pid; /* 0: all processes, of a ranking */
	const char *comm, *exe, *cgroup;
	bool has_ended;
	bool has_leaks; /* the kinds of its stacks are known */
	bool late_attach, at_least;
	struct timespec time; /* of its newest report */
	uint64_t held_bytes, held_blocks;
};

struct profile {
	struct profile_frame *frames;
	size_t nr_frames, frames_capacity;
	struct profile_stack *stacks;
	size_t nr_stacks, stacks_capacity;
	struct profile_process *processes;
	size_t nr_processes, processes_capacity;
	bool is_partial; /* for want of memory, something is not in it */
	struct string_pool *names;
	struct hash_index index; /* of frames */
};

/* Leaves an empty one. */
void profile__free(struct profile *profile);

/* These are begin and report of a format whose state is a profile. */
void profile__begin(void *profile, FILE *out, const struct output_settings *settings);
/*
 * Adds what a process held; its earlier report, from before its end, is replaced. A ranking
 * replaces all that was there. Other reports add nothing.
 */
void profile__report(void *profile, FILE *out, const struct report *report);

/*
 * The name of a frame as each format has it: the function, or "module+0x1234", or the address.
 * Returns buffer, or the function. Raw: it may hold anything.
 */
const char *profile_frame__name(const struct profile_frame *frame, char *buffer, size_t size);

#endif
