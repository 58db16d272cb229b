/* SPDX-License-Identifier: GPL-2.0 */
/* The content of a running tracer's BPF maps, as anybody with the privilege can see it. */
#ifndef MAP_VIEW_H
#define MAP_VIEW_H

#include <stddef.h>
#include <sys/types.h>

/* The number of keys in that map of the tracer; fails the test when it has no such map. */
size_t map_entries(pid_t tracer, const char *name);

/*
 * The number of address spaces that the keys are of, for maps whose keys have a serial, at that
 * byte.
 */
size_t map_serials(pid_t tracer, const char *name, size_t serial_at);

#endif
