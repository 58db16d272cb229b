/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /etc/ld.so.cache, where glibc's ld.so looks up the names of shared libraries: from the file's
 * bytes to paths. ldconfig writes it; its bytes are treated as hostile all the same.
 */
#ifndef LDSO_CACHE_H
#define LDSO_CACHE_H

#include <stddef.h>

#include "elf/process_root.h"

struct ldso_cache;

/* Copies the bytes. Returns 0, -EBADMSG when they are no such cache, or -ENOMEM. */
int ldso_cache__parse(const void *bytes, size_t nr_bytes, struct ldso_cache **cache);

/* Reads a file of at most 64 MiB. Returns 0, -EBADMSG, -EFBIG, or -errno. */
int ldso_cache__load(const struct path_root *root, const char *path, struct ldso_cache **cache);
void ldso_cache__free(struct ldso_cache *cache);

/*
 * Calls found for each library of this machine with that name, in the cache's order. found returns
 * 1 when the file exists, 0 when not, or -errno, which ends the search. Otherwise the search ends
 * at the first existing file that suits every processor; all those before it that need a particular
 * processor are reported, since ld.so may choose any of them. Returns the last result of found, or
 * 0.
 */
int ldso_cache__each(const struct ldso_cache *cache, const char *name,
		     int (*found)(const char *path, void *context), void *context);

#endif
