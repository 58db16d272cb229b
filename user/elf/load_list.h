/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a dynamic loader has mapped so far, in its order, and who asked for it.
 */
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
	const struct path_root *root; /* of all paths */
	struct load_entry *entries[LOAD_LIST_MAX];
	size_t nr;
	size_t nr_opens;
	int (*visit)(const struct loaded_file *file, void *context); /* called for each entry */
	void *context;
	int result; /* what visit returned, when it was not 0 */
};

/* A shortage is ours to report; any other failure to open a library is for ld.so to report. */
bool load_list__is_shortage(int err);

/*
 * Takes the object over, also when it fails. Returns 0; -ECANCELED when visit returned non-zero;
 * -E2BIG when the list is full; -ENOMEM.
 */
int load_list__add(struct load_list *list, struct shared_object *object,
		   const struct load_entry *requester);

/*
 * Adds the file unless the list has it. Returns 1 when it is there and can be loaded, 0 when not;
 * -E2BIG when too many files were tried; or what load_list__add returns.
 */
int load_list__try(struct load_list *list, const char *path, const struct load_entry *requester);

/* A library that is mapped satisfies whoever needs its DT_SONAME. */
bool load_list__has_soname(const struct load_list *list, const char *name);

/* Frees the entries; the list itself is the caller's. */
void load_list__clear(struct load_list *list);

#endif
