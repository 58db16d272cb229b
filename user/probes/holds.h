/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --hold-new: a process that maps a file which was not looked into yet stands still (SIGSTOP) until
 * the tracer has looked, so that its first blocks are seen. BPF stops it; here is what the tracer
 * says and hears. Every hold is bounded (HOLD_BOUND_NS), also when the tracer is stopped or killed:
 * see hold_keeper.h.
 */
#ifndef HOLDS_H
#define HOLDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "bpf/wire_hold.h"

struct holds;

/*
 * Loads and attaches the BPF side and starts the keeper; nobody is held yet. Call while the process
 * has no other thread. btf_path may be NULL. targets_fd: a map of the processes that may be held;
 * < 0: all may, but for this one, its ancestors, and its children to the fourth generation. NULL
 * and errno on failure: EOPNOTSUPP where the kernel lacks bpf_find_vma (Linux 5.17) or the machine
 * is not x86-64.
 */
struct holds *holds__new(const char *btf_path, int targets_fd);
/* Lets all go first. NULL is ignored. */
void holds__free(struct holds *holds);

/* Readable when holds__take has something to tell. */
int holds__fd(const struct holds *holds);

/* From now on processes are held. Call when what runs already has been looked into. */
void holds__begin(struct holds *holds);

/*
 * A sign of life of the tracer: without one each HOLD_ANSWER_NS nobody is held. Also looks whether
 * the keeper lives; if it does not, lets all go and holds nobody any more, with a warning.
 */
void holds__beat(struct holds *holds);

/* Calls taken for each event that has come, in the order of time for one process. */
void holds__take(struct holds *holds, void (*taken)(const struct hold_event *event, void *context),
		 void *context);

/*
 * The process's files have been looked into, as far as they could be: they hold nobody any more, and
 * the process goes on. Returns 0, or -EAGAIN when it was about to stop: then call this again, soon.
 */
int holds__answer(struct holds *holds, const struct hold_event *event);

/* A file was looked into; status is its stat(2). holds may be NULL, here and below. */
void holds__know(struct holds *holds, const struct file_identity *identity,
		 const struct stat *status);
/* What was found in it is not known any more, or not probed: the next process to map it is held. */
void holds__forget(struct holds *holds, const struct file_identity *identity);

#endif
