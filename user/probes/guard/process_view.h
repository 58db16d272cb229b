/* SPDX-License-Identifier: GPL-2.0 */
/* The view that /proc gives of a process that may be a translator. */
#ifndef PROCESS_VIEW_H
#define PROCESS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/mapping.h"
#include "probes/guard/translator_kind.h"

/* The path of the executable, cut to fit; "" when there is none (any more). */
void process_view__exe(pid_t tgid, char *path, size_t size);

/* The kind that the executable's path implies; see translator_kind.h. */
enum translator_kind process_view__kind(pid_t tgid);
/* Does the process translate code? Its mappings must confirm its name. */
bool process_view__translates(pid_t tgid);

/*
 * Calls visit for each private mapping of a file: only these can have breakpoints. Waits while the
 * process changes its mappings.
 */
void process_view__each_mapping(pid_t tgid, void (*visit)(const struct mapping *map, void *context),
				void *context);

/* Calls visit for each process of the system. */
void process_view__each_process(void (*visit)(pid_t tgid, void *context), void *context);

/*
 * Opens the process's memory for reading and writing. The descriptor is bound to the program that
 * runs now, and useless after an exec. May wait for an exec that is under way. Returns a descriptor
 * or -errno.
 */
int process_view__open_memory(pid_t tgid);

/* Also false for a zombie. */
bool process_view__is_alive(pid_t tgid);

#endif
