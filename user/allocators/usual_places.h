/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a system keeps its allocators: C libraries and those that programs are preloaded with. A
 * tracer of the whole system probes them before anybody maps them.
 */
#ifndef USUAL_PLACES_H
#define USUAL_PLACES_H

/*
 * Calls visit with the path of each file that is there; links can lead to one file by several.
 * root stands before each path ("" for the system's own).
 */
void usual_places__each(const char *root, void (*visit)(const char *path, void *context),
			void *context);

#endif
