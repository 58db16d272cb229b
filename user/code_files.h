/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that code is mapped from. A file that is met for the first time is shown to three
 * rooms: to the one that probes its allocator, the one that names its functions, and the one that
 * makes the table to unwind it by.
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
	const struct tracer *tracer; /* identifies the files */
	struct probed_files *probed;
	struct symbolizer *symbolizer;
	struct holds *holds; /* NULL: nobody is held back for a new file */
	struct unwind_tables *tables; /* NULL: stacks are walked by frame pointers */
	uint32_t max_frames; /* of a stack */
	struct mapping vdso; /* our copy of the vdso; inode 0: there is none */
};

/*
 * A process has mapped that file, right now or a while ago. Gives the mapping the numbers of the
 * file itself, if the file can still be opened: everyone knows it by those.
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
 * Looks at the allocators that the system has, though nobody may map them yet: the first process
 * that does so is seen from its first call. Only for a tracer of every process.
 */
void code_files__add_usual(const struct code_files *files);

/*
 * Somebody has just written that file. An allocator in it is probed before anybody maps it. Only
 * where probes go into every process.
 */
void code_files__written(const struct code_files *files, int fd, const char *path);

/*
 * The BPF side met a file without a table and broke off a walk, in a process that had these
 * mappings. *stack is the part that was walked; the finished stack replaces it.
 */
void code_files__finish_walk(const struct code_files *files,
			     const struct unfinished_walk *unfinished,
			     const struct mapping_set *mappings, struct stack *stack);

/*
 * Adds the vdso, of which fd is the copy files->vdso. Returns 0 and the key of its table, or
 * -ENOENT when it has none.
 */
int code_files__add_vdso(const struct code_files *files, int fd, struct unwind_file_key *key);

/* The BPF side met a file whose table it lacks. */
void code_files__requested(const struct code_files *files, const struct unwind_request *request);

#endif
