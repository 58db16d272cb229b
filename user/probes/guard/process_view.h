/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc tells of a process that may be a translator. */
#ifndef PROCESS_VIEW_H
#define PROCESS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/mapping.h"
#include "probes/guard/translator_kind.h"

/* The path of its executable, cut to fit; "" when there is none (any more). */
void process_view__exe(pid_t tgid, char *path, size_t size);

/* By its name; see translator_kind.h. */
enum translator_kind process_view__kind(pid_t tgid);
/* Is it a program that translates code? */
bool process_view__translates(pid_t tgid);

/*
 * Calls visit for each private mapping of a file: all that a breakpoint can be in. Waits while the
 * process changes its mappings.
 */
void process_view__each_mapping(pid_t tgid, void (*visit)(const struct mapping *map, void *context),
				void *context);

/* Calls visit for each process of the system. */
void process_view__each_process(void (*visit)(pid_t tgid, void *context), void *context);

/*
 * Its memory, to read and to write. Bound to what it runs now: of no use after an exec. May wait
 * for one that is under way. Returns a descriptor or -errno.
 */
int process_view__open_memory(pid_t tgid);

/* False for a zombie too. */
bool process_view__is_alive(pid_t tgid);

#endif
