/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that code is mapped from. Each is shown, when it is met for the first time, to the room
 * that probes its allocator, to the one that names its functions, and to the one that makes the
 * table to unwind it by.
 */
#ifndef CODE_FILES_H
#define CODE_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "elf/elf_closure.h"
#include "base/mapping.h"
#include "names/symbolize.h"
#include "probes/probed_files.h"
#include "unwind/unfinished_walk.h"
#include "unwind/unwind_tables.h"

struct code_files {
	const struct tracer *tracer; /* which identifies them */
	struct probed_files *probed;
	struct symbolizer *symbolizer;
	struct unwind_tables *tables; /* NULL: stacks are walked by frame pointers */
	uint32_t max_frames; /* of a stack */
	struct mapping vdso; /* the copy of it; inode 0: there is none */
};

/*
 * A process has mapped that, right now or a while ago. Gives the mapping the numbers that its file
 * has itself, if that file is still to be had: everyone knows it by those.
 */
void code_files__mapped(const struct code_files *files, pid_t tgid, struct mapping *map,
			bool right_now);

/*
 * Looks at the files that the command in that process will map before it begins. Returns 0 or
 * -errno.
 */
int code_files__add_command(const struct code_files *files, pid_t tgid, const char *executable,
			    const struct elf_closure_environment *environment);

/*
 * BPF came to a file without a table, and broke off a walk of a process that had these mappings.
 * *stack is what it got to; what it comes to takes its place.
 */
void code_files__finish_walk(const struct code_files *files,
			     const struct unfinished_walk *unfinished,
			     const struct mapping_set *mappings, struct stack *stack);

/*
 * The vdso has been copied to files->vdso, which fd is. Returns 0 and by what key its table is
 * found, or -ENOENT when it has none.
 */
int code_files__add_vdso(const struct code_files *files, int fd, struct unwind_file_key *key);

/* BPF met a file whose table it lacks. */
void code_files__requested(const struct code_files *files, const struct unwind_request *request);

#endif
