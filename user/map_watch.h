/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells at once when one process maps something: any of its threads, or a process that it forked
 * and that has not called exec since. All kinds of mappings: a translator need not make executable
 * what it translates.
 */
#ifndef MAP_WATCH_H
#define MAP_WATCH_H

#include <stddef.h>
#include <sys/types.h>

#include "mapping.h"

struct map_watch_handlers {
	/* A mapping came, or the protection of one changed. */
	void (*mapped)(pid_t tgid, const struct mapping *map, void *context);
	/* The kernel dropped records. */
	void (*lost)(void *context);
	void *context;
};

struct map_watch;

/* Until the process calls exec. May wait for an exec that is under way. NULL and errno. */
struct map_watch *map_watch__new(pid_t tgid, const struct map_watch_handlers *handlers);
void map_watch__free(struct map_watch *watch);

/* Readable when a record waits; each for the mappings made on one CPU. */
size_t map_watch__nr_fds(const struct map_watch *watch);
int map_watch__fd(const struct map_watch *watch, size_t index);
int map_watch__cpu(const struct map_watch *watch, size_t index);
/* Hands all that has arrived to the handlers. */
void map_watch__drain(struct map_watch *watch);

#endif
