/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which pages of a process's memory exist: those in its page table or in swap. The rest is not
 * read. It holds nothing that the process wrote, but where memory is shared (shared_file.h).
 * Reading it would make the kernel fill it in, and could wait for a userfaultfd or a file system
 * that the stopped process itself serves.
 */
#ifndef TOUCHED_PAGES_H
#define TOUCHED_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "leaks/glibc_arenas.h"

struct touched_pages;

/* tid: of any thread of the process that still has its memory. NULL and errno on failure. */
struct touched_pages *touched_pages__new(pid_t tid);
void touched_pages__free(struct touched_pages *pages);

/* From here on, touched_pages__next gives runs of [start, end), which are whole pages. */
void touched_pages__begin(struct touched_pages *pages, uint64_t start, uint64_t end);

/* The next run, by address. False: there are no more. */
bool touched_pages__next(struct touched_pages *pages, struct address_range *run);

/* Whether some pages were not looked at, since that would have taken too long. */
bool touched_pages__incomplete(const struct touched_pages *pages);

#endif
