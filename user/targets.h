/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which files are probed: each distinct file, by device and inode, that defines an allocator and is
 * in a command's closure or mapped by a process of interest. Each is looked at once.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include <stdint.h>
#include <sys/types.h>

#include "elf_closure.h"
#include "file_set.h"
#include "mapping.h"
#include "tracer.h"
#include "translators.h"

struct targets;

/* translators may be NULL: then programs that translate code are not guarded from the probes. */
struct targets *targets__new(struct tracer *tracer, struct translators *translators);
void targets__free(struct targets *targets);

/* Probes what the command that will run in that process maps before it begins. 0 or -errno. */
int targets__add_command(struct targets *targets, pid_t tgid, const char *executable,
			 const struct elf_closure_environment *environment);

/*
 * Probes the file of one mapping of a running process, through the process, so that containers and
 * deleted files come out right; by its path when the process is gone already. Returns 0 or -errno.
 */
int targets__add_mapping(struct targets *targets, pid_t tgid, const struct mapping *map);

/* Probes again, in that process, every file that was probed there: its first thread is another. */
void targets__attach_again(struct targets *targets, pid_t tgid);

/*
 * The first thread of that process has ended, and others live: keeps the breakpoints in, wherever
 * the process was probed.
 */
void targets__leader_left(struct targets *targets, pid_t tgid);

/*
 * Lets go of the files that were deleted and that nobody maps any more: their probes, and the disk
 * space that an open descriptor keeps.
 */
void targets__forget_deleted(struct targets *targets, const struct file_set *mapped);

/*
 * Since when (CLOCK_MONOTONIC) every allocator that the process maps has been probed; 0: it maps
 * none. Calls of before then went unseen.
 */
uint64_t targets__covers_since(const struct targets *targets, const struct mapping_set *mappings);

unsigned int targets__nr_files(const struct targets *targets);
unsigned int targets__nr_functions(const struct targets *targets);

#endif
