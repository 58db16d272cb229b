/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of --features that is about allocators: which are installed, which of their functions
 * are found and how, and where each is probed.
 */
#ifndef FEATURES_ALLOCATORS_H
#define FEATURES_ALLOCATORS_H

#include <jansson.h>

#include "allocators/installed_allocators.h"
#include "options.h"

/*
 * Looks into the allocators in their usual places, into the C library that this program runs on,
 * and into files that -O, --alloc and --free name by a path. What these options and -S say must
 * have been taken over before. Returns 0 or -ENOMEM; installed_allocators__free ends it either way.
 */
int features_allocators__find(struct installed_allocators *installed,
			      const struct options *options);

/* Prints them to stdout. */
void features_allocators__print(const struct installed_allocators *installed,
				const struct options *options);

/* The same as an array of files, and as an array of what was asked for and not found. */
json_t *features_allocators__pack(const struct installed_allocators *installed);
json_t *features_allocators__pack_missing(const struct options *options);

/* The C library that this program runs on; null when it is not probed. */
json_t *features_allocators__pack_libc(const struct installed_allocators *installed);

#endif
