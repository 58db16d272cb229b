/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that translate code rather than running it (Valgrind, qemu-user) read the breakpoints of
 * our probes as part of their guest's code, which ends the guest by SIGTRAP. The guard finds these
 * programs when they begin, and takes the breakpoints out of them alone, before they translate that
 * code. Their guests' calls go unseen.
 *
 * A separate process (translator_guard.h) does the work; it ends with this object. Attach probes
 * only in this order:
 *
 *	translators__wait(translators);                    once
 *	translators__add_file(translators, fd, probes);    once for each file
 *	translators__attaching(translators);
 *	tracer__attach_…(…);
 *	translators__attached(translators);
 *
 * All probes must be gone before translators__free.
 */
#ifndef TRANSLATORS_H
#define TRANSLATORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "allocators/allocators.h"

struct translators;

/*
 * NULL and errno: translators can't be guarded here. (EPERM: writes to others' memory are refused.)
 */
struct translators *translators__new(void);
/* Waits until the guard, which starts in parallel, sees programs begin. Returns 0 or -errno. */
int translators__wait(struct translators *translators);
void translators__free(struct translators *translators);
/*
 * Like free, for when probes are still being removed: the guard stays until it finds none, and ends
 * then.
 */
void translators__leave(struct translators *translators);

/* These return 0 or -errno. -EPIPE: the guard is gone, and no probe may be attached. */
int translators__add_file(struct translators *translators, int file_fd,
			  const struct allocator_probes *probes);
/*
 * Call when the file's probes are gone: the guard closes it. file_fd is the number by which it was
 * added.
 */
int translators__forget_file(struct translators *translators, int file_fd);
int translators__attaching(struct translators *translators);
int translators__attached(struct translators *translators);

/*
 * Reads the guard's messages. Logs each by log__detail, failures by log__warning. Returns 0 or
 * -EPIPE.
 */
int translators__consume(struct translators *translators);

/* Were breakpoints taken out of the process between these times (CLOCK_MONOTONIC)? */
bool translators__guarded(const struct translators *translators, pid_t tgid, uint64_t from_ns,
			  uint64_t to_ns);

#endif
