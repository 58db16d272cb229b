/* SPDX-License-Identifier: GPL-2.0 */
/* Files in the tests' folder that are written by this program itself, without a process for each. */
#ifndef ODD_FILES_H
#define ODD_FILES_H

#include <stddef.h>

/* The content of a file of at most 16 MiB; to be freed. */
char *odd_files__read(const char *path, size_t *size);
/* Makes an executable file, or writes to the one that is there. */
void odd_files__write(const char *path, const char *content, size_t size);

/*
 * Writes to a FIFO and a device, makes sparse files of 10 GB, files of garbage and parts of a
 * program, and files that are removed right after they were written.
 */
void odd_files__make(void);

#endif
