/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of a file that are to be probed: those of its allocators, unless the user chose
 * other objects (-O), and those that the user defined.
 */
#ifndef FILE_FUNCTIONS_H
#define FILE_FUNCTIONS_H

#include <stdbool.h>

#include "allocators/allocator_probes.h"

#define FILE_FUNCTIONS_MAX_OBJECTS 4

/*
 * From now on allocators are looked for only in the objects that were chosen. The text must live as
 * long as the program. Ignored beyond FILE_FUNCTIONS_MAX_OBJECTS.
 */
void file_functions__choose(const char *object);

/* Was an allocator found in a file that was chosen by that name? */
bool file_functions__was_found(const char *object);

/* Are allocators looked for in the file of fd, which was opened by that path? */
bool file_functions__looks_into(const char *path, int fd);

/*
 * path is what the file of fd was opened by. Returns 0, with probes->nr == 0 when there are no such
 * functions; else what allocators__find returns.
 */
int file_functions__find(int fd, const char *path, struct allocator_probes *probes);

#endif
