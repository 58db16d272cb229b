/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that define an allocator, and the processes in which each is probed. Attaches and
 * removes the probes; which files these are is decided in probed_files.h.
 */
#ifndef PROBED_ALLOCATORS_H
#define PROBED_ALLOCATORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "allocators/allocators.h"
#include "base/file_set.h"
#include "probes/file_identity.h"
#include "probes/guard/translators.h"
#include "probes/tracer.h"

struct probed_allocators;
struct probed_allocator;

/* translators may be NULL: then programs that translate code are not guarded. */
struct probed_allocators *probed_allocators__new(struct tracer *tracer,
						 struct translators *translators);
void probed_allocators__free(struct probed_allocators *allocators);

/* Call before the tracer is freed: from then on, who wants to write to a probed file waits. */
void probed_allocators__stop_watching(struct probed_allocators *allocators);

/*
 * Takes a lease on a file before it is looked into, see write_lease.h. Returns -errno where there
 * is none to be had; the file is probed all the same.
 */
int probed_allocators__lease(const struct probed_allocators *allocators, int fd);

/*
 * Keeps a file that defines an allocator, with its functions. Takes over the lease, or is told why
 * there is none. Returns 0 or -errno.
 */
int probed_allocators__add(struct probed_allocators *allocators, int fd, int lease,
			   const struct file_identity *identity,
			   const struct allocator_probes *probes, const char *name);

/*
 * certain: the numbers never identify another file; otherwise the inode's address has to be the
 * same, too. Returns NULL when there is none, or when it was written to since. Good until the next
 * file is added.
 */
struct probed_allocator *probed_allocators__find(const struct probed_allocators *allocators,
						 const struct file_identity *identity,
						 bool certain);

/* Is it known, and does who writes to it wait? certain: as above. */
bool probed_allocators__is_leased(struct probed_allocators *allocators,
				  const struct file_identity *identity, bool certain);

/* Removes the probes of a file that was written to without a wait, since it had no lease. */
void probed_allocators__forget_file(struct probed_allocators *allocators,
				    const struct file_identity *identity, bool certain);

/*
 * The time (CLOCK_MONOTONIC) when the file with that identity was first probed, or last put
 * everywhere. UINT64_MAX when it never was, or was written to since and is not known any more.
 * Without certain numbers another file may be meant, which has no allocator: 0.
 */
uint64_t probed_allocators__attached_ns(const struct probed_allocators *allocators,
					const struct file_identity *identity, bool certain);

/*
 * Probes the allocator in that process, unless it is probed there already. Returns 0 or -errno.
 */
int probed_allocators__probe(struct probed_allocators *allocators, struct probed_allocator *file,
			     pid_t tgid, const char *name);

/*
 * A process maps a file that uses vfork, so its children may allocate in its memory. Returns 0 or
 * -ENOMEM.
 */
int probed_allocators__note_vfork_user(struct probed_allocators *allocators, pid_t tgid);

/* See probed_files.h. */
void probed_allocators__attach_again(struct probed_allocators *allocators, pid_t tgid);
void probed_allocators__leader_left(struct probed_allocators *allocators, pid_t tgid);

/* See probed_files__sweep. Calls closed after each file that it closes. */
bool probed_allocators__sweep(struct probed_allocators *allocators, const struct file_set *mapped,
			      void (*closed)(const struct file_identity *identity, void *context),
			      void *context);

unsigned int probed_allocators__nr_files(const struct probed_allocators *allocators);
unsigned int probed_allocators__nr_functions(const struct probed_allocators *allocators);

#endif
