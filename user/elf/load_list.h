/* SPDX-License-Identifier: GPL-2.0 */
/* The files that a dynamic loader has mapped so far, in its order, and which object needed each. */
#ifndef LOAD_LIST_H
#define LOAD_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "elf/program_loader.h"
#include "elf/shared_object.h"

#define LOAD_LIST_MAX 4096

struct load_entry {
	struct shared_object *object;
	const struct load_entry *requester; /* NULL for the program */
};

struct load_list {
	const struct path_root *root; /* where all paths begin */
	struct load_entry *entries[LOAD_LIST_MAX];
	size_t nr;
	size_t nr_opens;
	int (*visit)(const struct loaded_file *file, void *context); /* called for each entry */
	void *context;
	int result; /* the return value of visit, when it was not 0 */
};

/*
 * Whether it is our own shortage of memory or descriptors, which we report. Any other failure to
 * open a library is for ld.so to report.
 */
bool load_list__is_shortage(int err);

/*
 * Takes ownership of the object, even when it fails. Returns 0; -ECANCELED when visit returned
 * non-zero; -E2BIG when the list is full; -ENOMEM.
 */
int load_list__add(struct load_list *list, struct shared_object *object,
		   const struct load_entry *requester);

/*
 * Adds the file unless the list has it. Returns 1 when the file exists and can be loaded, 0 when
 * not; -E2BIG when too many files were tried; or an error as load_list__add.
 */
int load_list__try(struct load_list *list, const char *path, const struct load_entry *requester);

/* Whether a mapped library has that DT_SONAME: it satisfies every object that needs that name. */
bool load_list__has_soname(const struct load_list *list, const char *name);

/* Frees the entries; the list itself is the caller's. */
void load_list__clear(struct load_list *list);

#endif
