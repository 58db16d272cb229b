/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that are probed: each distinct file, by its inode in the kernel, that defines an
 * allocator and is in a command's closure or mapped by a process of interest. Each is looked into
 * once.
 */
#ifndef PROBED_FILES_H
#define PROBED_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "elf/elf_closure.h"
#include "base/file_set.h"
#include "base/mapping.h"
#include "probes/holds.h"
#include "probes/tracer.h"
#include "probes/guard/translators.h"
#include "processes/processes.h"

struct probed_files;

/* translators may be NULL: then programs that translate code are not guarded. */
struct probed_files *probed_files__new(struct tracer *tracer, struct translators *translators);
void probed_files__free(struct probed_files *probed);

/* holds, which the caller owns, is told which files are not probed any more. Both may be NULL. */
void probed_files__set_holds(struct probed_files *probed, struct holds *holds);

/* Call before the tracer is freed. NULL is ignored. */
void probed_files__stop_watching(struct probed_files *probed);

/*
 * Probes the files that a command will map, before it begins; tgid is the process that will run it.
 * 0 or -errno.
 */
int probed_files__add_command(struct probed_files *probed, pid_t tgid, const char *executable,
			      const struct elf_closure_environment *environment);

/* Probes a file in every process, those that will map it too. Returns 0 or -errno. */
int probed_files__add_file(struct probed_files *probed, int fd,
			   const struct file_identity *identity, const char *name);

/*
 * Looks into a file that was just written, which nobody may map yet. Returns whether it has an
 * allocator that can be probed: probed_files__add_file does that. Not one that is open for writing,
 * or can't be leased: who writes to it would not wait until its probes are gone.
 */
bool probed_files__look_at_written(struct probed_files *probed, int fd,
				   const struct file_identity *identity, const char *name);

/*
 * /proc/PID/maps has no generation. Gives a mapping read from there the generation of the known
 * file with its device and inode. That is right while every known file was mapped just now. Not
 * done on devices whose numbers are given to the next mount at once (major 0).
 */
void probed_files__complete(const struct probed_files *probed, struct mapping *map);

/*
 * Is the mapping's file known already, by numbers that never identify another file? Then it need
 * not be opened.
 */
bool probed_files__knows(const struct probed_files *probed, const struct mapping *map);

/*
 * The result of looking into the mapping's file: 0; -ENOENT when the file is not known; -ENOEXEC
 * for a 32-bit file, where nothing is probed; or the -errno of the failure.
 */
int probed_files__look_error(const struct probed_files *probed, const struct mapping *map);

/*
 * Probes the file of one mapping of a running process. map has the file's own numbers. fd is that
 * file, and identity is its identity; NULL for a known file. Returns 0, -ENOENT when the file is
 * not known, or -errno.
 */
int probed_files__add_mapping(struct probed_files *probed, pid_t tgid, const struct mapping *map,
			      int fd, const struct file_identity *identity);

/* Probes the files of that process again, after an exec by a thread that was not its first. */
void probed_files__attach_again(struct probed_files *probed, pid_t tgid);

/*
 * The first thread of that process has ended, and others live. Keeps the breakpoints in place
 * wherever the process was probed.
 */
void probed_files__leader_left(struct probed_files *probed, pid_t tgid);

/*
 * Removes the probes of files that no process maps, and closes those files: an open descriptor
 * keeps disk space or a mount busy. Deleted files go at once; files on a mount that can be
 * unmounted go once nobody was seen to map them for a second; files on the mounts that the system
 * runs from stay. Returns whether that is done: after some time it stops, and is to be called again
 * soon.
 */
bool probed_files__sweep(struct probed_files *probed, const struct file_set *mapped);

/*
 * The time (CLOCK_MONOTONIC) since which the calls of every allocator that the program maps have
 * been seen; earlier calls went unseen. 0: it maps none. UINT64_MAX: that is not known, since a
 * file that it maps, beside an allocator, could not be looked into. An allocator that was probed
 * before the program had mapped it, or while the program was held back for it, has missed nothing.
 */
uint64_t probed_files__covers_since(const struct probed_files *probed, const struct image *image);

unsigned int probed_files__nr_files(const struct probed_files *probed);
unsigned int probed_files__nr_functions(const struct probed_files *probed);

#endif
