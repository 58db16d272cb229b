/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that translate code rather than running it (Valgrind, qemu-user) read the breakpoints of
 * our probes as part of their guest's code and end it by SIGTRAP. They are found when they begin,
 * and the breakpoints are taken out of them, and of no other process, before they get so far. Their
 * guests' calls go unseen.
 *
 * The work is done by a process of its own (translator_guard.h) that ends with this object. Every
 * attaching of probes must go like this:
 *
 *	translators__wait(translators);                    once
 *	translators__add_file(translators, fd, probes);    once for each file
 *	translators__attaching(translators);
 *	tracer__attach_…(…);
 *	translators__attached(translators);
 *
 * and all probes must be gone before translators__free.
 */
#ifndef TRANSLATORS_H
#define TRANSLATORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "allocators/allocators.h"

struct translators;

/* NULL and errno: translators can't be guarded here. (EPERM: no writing to others' memory.) */
struct translators *translators__new(void);
/* Waits until the guard, which starts beside us, sees what begins. Returns 0 or -errno. */
int translators__wait(struct translators *translators);
void translators__free(struct translators *translators);
/* The same while probes still go by themselves: the guard stays until it finds none, and ends then.
 */
void translators__leave(struct translators *translators);

/* These return 0 or -errno: -EPIPE when the guard is gone. No probe must be attached then. */
int translators__add_file(struct translators *translators, int file_fd,
			  const struct allocator_probes *probes);
/* Its probes are gone: the guard lets go of the file. file_fd is the number it was added by. */
int translators__forget_file(struct translators *translators, int file_fd);
int translators__attaching(struct translators *translators);
int translators__attached(struct translators *translators);

/* Takes note of what the guard did; says it by log__detail, failures by log__warning. 0 or -EPIPE. */
int translators__consume(struct translators *translators);

/* Were breakpoints taken out of that process between the two times (CLOCK_MONOTONIC)? */
bool translators__guarded(const struct translators *translators, pid_t tgid, uint64_t from_ns,
			  uint64_t to_ns);

#endif
