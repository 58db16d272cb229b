// SPDX-License-Identifier: GPL-2.0
/* See usual_places.h. Called by code_files.c. */
#include "allocators/usual_places.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>

/* Of Debian's, Fedora's, Arch's and Alpine's kind; GLOB_BRACE spells them out. */
#define FOLDERS \
	"{/lib,/lib64,/usr/lib,/usr/lib64,/usr/local/lib}{,/x86_64-linux-gnu,/x86_64-linux-musl}/"
#define FILES                                                                                             \
	"{libc.so.6,libc.so,ld-musl-x86_64.so.1,libjemalloc.so*,libtcmalloc.so*,libtcmalloc_minimal.so*," \
	"libmimalloc.so*,libtbbmalloc.so*,libtbbmalloc_proxy.so*}"

void usual_places__each(const char *root, void (*visit)(const char *path, void *context),
			void *context)
{
	char pattern[PATH_MAX];
	glob_t found;
	int length = snprintf(pattern, sizeof(pattern), "%s%s%s", root, FOLDERS, FILES);

	if (length < 0 || (size_t)length >= sizeof(pattern) ||
	    glob(pattern, GLOB_BRACE | GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		visit(found.gl_pathv[i], context);
	globfree(&found);
}
