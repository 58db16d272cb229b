/* SPDX-License-Identifier: GPL-2.0 */
/* The search for the libraries that a program needs, by the rules of glibc's and musl's loaders. */
#ifndef LIBRARY_SEARCH_H
#define LIBRARY_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "elf/ldso_cache.h"
#include "elf/load_list.h"

/* All strings are the caller's; members are NULL or 0 when there is none. */
struct library_search {
	struct load_list *list; /* found files are added to it; its first entry is the program */
	const char *root; /* goes before absolute paths */
	const char *library_path; /* LD_LIBRARY_PATH */
	bool musl;
	const char *musl_path; /* the text of /etc/ld-musl-ARCH.path */
	const char *loader_folder; /* of a glibc installed elsewhere; before cache and defaults */
	const struct ldso_cache *cache;

	/* Private to the search. */
	size_t nr_lookups;
	size_t nr_found_names;
	const char *found_names[LOAD_LIST_MAX];
};

/*
 * Finds the library that the requester needs under that name, which must outlive the search. It is
 * no error when none is found. Returns 0; -ECANCELED when the list's visitor wants no more; -E2BIG
 * when a bound is exceeded; -ENOMEM and the like.
 */
int library_search__needed(struct library_search *search, const struct load_entry *requester,
			   const char *name);

/* The same for each name of a list of libraries to be preloaded. */
int library_search__preload(struct library_search *search, const char *names,
			    const char *separators);

/*
 * Whether glibc, as distributions build it, searches this folder by default. The folder begins with
 * the root.
 */
bool library_search__is_default_folder(const char *root, const char *folder);

#endif
