/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which files are probed: each distinct file, by its inode in the kernel, that defines an allocator
 * and is in a command's closure or mapped by a process of interest. Each is looked at once.
 */
#ifndef PROBED_FILES_H
#define PROBED_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "elf/elf_closure.h"
#include "base/file_set.h"
#include "base/mapping.h"
#include "probes/tracer.h"
#include "probes/guard/translators.h"

struct probed_files;

/* translators may be NULL: then programs that translate code are not guarded from the probes. */
struct probed_files *probed_files__new(struct tracer *tracer, struct translators *translators);
void probed_files__free(struct probed_files *probed);

/* Probes what the command that will run in that process maps before it begins. 0 or -errno. */
int probed_files__add_command(struct probed_files *probed, pid_t tgid, const char *executable,
			      const struct elf_closure_environment *environment);

/*
 * /proc/PID/maps tells no generation: gives a mapping from there that of a file with its device and
 * inode that is known, for as long as all that is known was mapped just now. Not where device
 * numbers are given to the next mount at once.
 */
void probed_files__complete(const struct probed_files *probed, struct mapping *map);

/*
 * Is the file of that mapping known already, by numbers that mean no other file for ever? Then it
 * need not be opened.
 */
bool probed_files__knows(const struct probed_files *probed, const struct mapping *map);

/*
 * Whether the file of that mapping was looked into: 0; -ENOENT when it is not known; -ENOEXEC when
 * it is a 32-bit program's, where nothing is probed; or the -errno of the look.
 */
int probed_files__look_error(const struct probed_files *probed, const struct mapping *map);

/*
 * Probes the file of one mapping of a running process. map has the file's own numbers. fd is that
 * file, and identity what it is; NULL for one that is known. Returns 0, -ENOENT when it is not
 * known, or -errno.
 */
int probed_files__add_mapping(struct probed_files *probed, pid_t tgid, const struct mapping *map,
			      int fd, const struct file_identity *identity);

/* Probes again, in that process, every file that was probed there: its first thread is another. */
void probed_files__attach_again(struct probed_files *probed, pid_t tgid);

/*
 * The first thread of that process has ended, and others live: keeps the breakpoints in, wherever
 * the process was probed.
 */
void probed_files__leader_left(struct probed_files *probed, pid_t tgid);

/*
 * Lets go of files that nobody maps: their probes, and the disk space or the mount that an open
 * descriptor keeps. A deleted file goes at once, one of a mount that can be unmounted at the second
 * look, what the system runs from never.
 */
void probed_files__forget_unused(struct probed_files *probed, const struct file_set *mapped);

/*
 * Since when (CLOCK_MONOTONIC) every allocator that the process maps has been probed; 0: it maps
 * none. Calls of before then went unseen.
 */
uint64_t probed_files__covers_since(const struct probed_files *probed,
				    const struct mapping_set *mappings);

unsigned int probed_files__nr_files(const struct probed_files *probed);
unsigned int probed_files__nr_functions(const struct probed_files *probed);

#endif
