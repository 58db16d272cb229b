// SPDX-License-Identifier: GPL-2.0
/* An array in the loader's order: a file is one entry, no matter how many names lead to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/load_list.h"

#define OPENS_MAX (1 << 20)

bool load_list__is_shortage(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

static const struct load_entry *find_inode(const struct load_list *list,
					   const struct shared_object *object)
{
	for (size_t i = 0; i < list->nr; i++)
		if (file_key__same_numbers(&list->entries[i]->object->key, &object->key))
			return list->entries[i];
	return NULL;
}

int load_list__add(struct load_list *list, struct shared_object *object,
		   const struct load_entry *requester)
{
	struct loaded_file file = {
		.path = object->path,
		.key = object->key,
	};
	struct load_entry *entry = NULL;

	if (list->nr < LOAD_LIST_MAX)
		entry = malloc(sizeof(*entry));
	if (!entry) {
		shared_object__free(object);
		return list->nr < LOAD_LIST_MAX ? -ENOMEM : -E2BIG;
	}
	*entry = (struct load_entry){ object, requester };
	list->entries[list->nr++] = entry;
	list->result = list->visit(&file, list->context);
	return list->result ? -ECANCELED : 0;
}

int load_list__try(struct load_list *list, const char *path, const struct load_entry *requester)
{
	struct shared_object *object;
	int err;

	if (list->nr_opens++ == OPENS_MAX)
		return -E2BIG;
	err = shared_object__read(list->root, path, &object);
	if (err)
		return load_list__is_shortage(err) ? err : 0;
	if (find_inode(list, object)) {
		shared_object__free(object);
		return 1;
	}
	err = load_list__add(list, object, requester);
	return err ? err : 1;
}

bool load_list__has_soname(const struct load_list *list, const char *name)
{
	for (size_t i = 0; i < list->nr; i++) {
		const char *soname = list->entries[i]->object->soname;

		if (soname && !strcmp(soname, name))
			return true;
	}
	return false;
}

void load_list__clear(struct load_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		shared_object__free(list->entries[i]->object);
		free(list->entries[i]);
	}
	list->nr = 0;
}
