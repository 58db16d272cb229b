/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens a file for writing in a folder that everybody may write, such as /tmp. There it refuses
 * whatever another user may have put in place: a link, a file, a pipe, or a second name of a file.
 * The kernel does the same where fs.protected_symlinks and its like are set; this works without
 * them, too.
 */
#ifndef GUARDED_OPEN_H
#define GUARDED_OPEN_H

#include <sys/types.h>

/* As open(2). A refusal is -1 with errno EACCES. */
int guarded_open(const char *path, int flags, mode_t mode);

#endif
