/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens a file for writing in a folder that may be everybody's, such as /tmp. There, what is another
 * user's to choose is refused: a link, a file, a pipe, or a second name of a file. The kernel does
 * the same where fs.protected_symlinks and its like are set; this holds where they are not, too.
 */
#ifndef GUARDED_OPEN_H
#define GUARDED_OPEN_H

#include <sys/types.h>

/* As open(2); -1 with errno EACCES for what is refused. */
int guarded_open(const char *path, int flags, mode_t mode);

#endif
