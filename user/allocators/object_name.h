/* SPDX-License-Identifier: GPL-2.0 */
/* How a user names a file of code: libpool.so, or /opt/pool/libpool.so. */
#ifndef OBJECT_NAME_H
#define OBJECT_NAME_H

#include <stdbool.h>

/*
 * Is that the name of the file of fd, which was opened by path? A name without a slash is the last
 * part of the path, or that without a version: libpool.so is libpool.so.1.2, too. A path may lead
 * to the file in another way. fd may be -1.
 */
bool object_name__fits(const char *object, const char *path, int fd);

#endif
