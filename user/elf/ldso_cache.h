/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /etc/ld.so.cache, in which glibc's ld.so looks up the names of shared libraries: from the file's
 * bytes to paths. Written by ldconfig; treated as hostile all the same.
 */
#ifndef LDSO_CACHE_H
#define LDSO_CACHE_H

#include <stddef.h>

#include "elf/process_root.h"

struct ldso_cache;

/* Takes a copy of the bytes. Returns 0, -EBADMSG when they are no such cache, or -ENOMEM. */
int ldso_cache__parse(const void *bytes, size_t nr_bytes, struct ldso_cache **cache);

/* Reads a file of at most 64 MiB. Returns 0, -EBADMSG, -EFBIG, or -errno. */
int ldso_cache__load(const struct path_root *root, const char *path, struct ldso_cache **cache);
void ldso_cache__free(struct ldso_cache *cache);

/*
 * Calls found for each library of this machine with that name, in the cache's order. found returns
 * 1 when the file is there, 0 when not, or -errno, which stops. The search ends at the first file
 * that is there and suits every processor; those before it that need a particular one are all
 * reported, for ld.so may choose any of them. Returns what found last returned, or 0.
 */
int ldso_cache__each(const struct ldso_cache *cache, const char *name,
		     int (*found)(const char *path, void *context), void *context);

#endif
