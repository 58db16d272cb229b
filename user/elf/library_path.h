/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of folders as dynamic loaders read them (DT_RPATH, LD_LIBRARY_PATH, LD_PRELOAD): split at
 * separators, with $ORIGIN, $LIB and $PLATFORM replaced. Strings in, strings out; no file is opened.
 */
#ifndef LIBRARY_PATH_H
#define LIBRARY_PATH_H

#include <stdbool.h>

struct library_path_context {
	const char *origin; /* the folder of the object that the list belongs to */
	const char *root; /* goes before absolute paths; "" for none */
};

/*
 * Calls visit for each element, in order; an empty one is the current folder, if keep_empty. The
 * values of $LIB and $PLATFORM depend on how libc was built and on the processor: each possible
 * value is visited. Elements that grow beyond PATH_MAX are skipped. visit returns 1 when it has
 * found its file, which ends the search after this element; 0 when not; -errno, which ends it at
 * once. Returns the same.
 */
int library_path__each(const char *list, const char *separators, bool keep_empty,
		       const struct library_path_context *where,
		       int (*visit)(const char *path, void *context), void *context);

#endif
