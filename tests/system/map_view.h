/* SPDX-License-Identifier: GPL-2.0 */
/* What a running tracer's BPF maps hold, as anybody with the right can see it. */
#ifndef MAP_VIEW_H
#define MAP_VIEW_H

#include <stddef.h>
#include <sys/types.h>

/* How many keys that map of the tracer has; fails the test when it has no such map. */
size_t map_entries(pid_t tracer, const char *name);

/* How many address spaces these are of: for maps whose keys hold a serial, that many bytes in. */
size_t map_serials(pid_t tracer, const char *name, size_t serial_at);

#endif
