// SPDX-License-Identifier: GPL-2.0
/*
 * See shared_memory.h. shm_survivors.c adds objects while the program runs and reads them at its
 * end. The kernel prints the paths, but the program names tmpfs files and memfds: hostile input.
 */
#include "stays/shared_memory.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define MAX_OBJECTS 1024
/* The kernel appends this to the path of a file that has no name (any more). */
#define DELETED " (deleted)"

struct shared_memory {
	struct shared_object *objects;
	size_t nr, capacity;
	size_t oldest; /* the next to be forgotten, once there are MAX_OBJECTS */
	size_t last; /* found or added last */
	bool incomplete;
};

struct shared_memory *shared_memory__new(void)
{
	return calloc(1, sizeof(struct shared_memory));
}

void shared_memory__free(struct shared_memory *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++)
		free(set->objects[i].name);
	free(set->objects);
	free(set);
}

struct shared_memory *shared_memory__clone(const struct shared_memory *set)
{
	struct shared_memory *clone = shared_memory__new();

	if (!clone)
		return NULL;
	clone->incomplete = set->incomplete;
	for (size_t i = 0; i < set->nr; i++) {
		/* From the oldest on, so that the clone forgets in the same order. */
		struct shared_object copy = set->objects[(set->oldest + i) % set->nr];

		copy.name = strdup(copy.name);
		if (!copy.name || shared_memory__add(clone, &copy)) {
			shared_memory__free(clone);
			errno = ENOMEM;
			return NULL;
		}
	}
	return clone;
}

static char *copy_text(const char *text, size_t length)
{
	char *copy;

	if (length >= PATH_MAX)
		length = PATH_MAX - 1;
	copy = malloc(length + 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "/SYSV0000002a (deleted)": the eight digits are the key. */
static bool is_sysv(const char *path, uint32_t *key)
{
	*key = 0;
	if (!has_prefix(path, "/SYSV"))
		return false;
	path += strlen("/SYSV");
	for (int i = 0; i < 8; i++) {
		if (!isxdigit((unsigned char)path[i]))
			return false;
		*key = *key << 4 | (uint32_t)(isdigit((unsigned char)path[i]) ?
						      path[i] - '0' :
						      tolower((unsigned char)path[i]) - 'a' + 10);
	}
	return path[8] == '\0' || strcmp(path + 8, DELETED) == 0;
}

/* Names in the kernel's own mounts are the kernel's: a program can't make one up. */
static enum shared_kind kind_of_unnamed(const char *path, uint32_t *key)
{
	if (is_sysv(path, key))
		return SHARED_SYSV;
	if (has_prefix(path, "/memfd:"))
		return SHARED_MEMFD;
	if (has_prefix(path, "/dev/zero") || has_prefix(path, "/anon_hugepage"))
		return SHARED_ANONYMOUS;
	return SHARED_DRIVER;
}

int shared_memory__classify(const struct mapping *map, enum memory_filesystem filesystem,
			    struct shared_object *object)
{
	const char *name = map->path ? map->path : "";
	size_t length = strlen(name), suffix = strlen(DELETED);
	bool deleted = length > suffix && strcmp(name + length - suffix, DELETED) == 0;

	*object = (struct shared_object){
		.kind = SHARED_FILE,
		.huge = filesystem == FILESYSTEM_HUGETLBFS ||
			filesystem == FILESYSTEM_KERNEL_HUGETLBFS,
		.file = map->file,
	};
	/*
	 * Inode number 0 does not tell that there is no object: the first System V segment of all
	 * has the identifier 0.
	 */
	if (filesystem == FILESYSTEM_OTHER)
		return -ENOENT;
	if (deleted)
		length -= suffix;
	if (filesystem == FILESYSTEM_TMPFS || filesystem == FILESYSTEM_HUGETLBFS)
		object->had_no_name = deleted;
	else
		object->kind = kind_of_unnamed(name, &object->key);
	if (object->kind == SHARED_MEMFD) {
		name += strlen("/memfd:");
		length -= strlen("/memfd:");
	} else if (object->kind == SHARED_SYSV || object->kind == SHARED_ANONYMOUS) {
		length = 0;
	}
	object->name = copy_text(name, length);
	return object->name ? 0 : -ENOMEM;
}

static bool is_same(const struct shared_object *a, const struct shared_object *b)
{
	return file_key__same_numbers(&a->file, &b->file) &&
	       (a->kind == SHARED_SYSV) == (b->kind == SHARED_SYSV);
}

static size_t find(const struct shared_memory *set, const struct shared_object *object)
{
	/* An object that is mapped again and again is most often the last one. */
	if (set->last < set->nr && is_same(&set->objects[set->last], object))
		return set->last;
	for (size_t i = 0; i < set->nr; i++)
		if (is_same(&set->objects[i], object))
			return i;
	return set->nr;
}

bool shared_memory__has(const struct shared_memory *set, const struct mapping *map)
{
	struct shared_object object = {
		.file = map->file,
	};

	object.kind = is_sysv(map->path, &object.key) ? SHARED_SYSV : SHARED_FILE;
	return find(set, &object) < set->nr;
}

/* Returns a place for one more object; in a full set it is that of the oldest. */
static struct shared_object *make_room(struct shared_memory *set)
{
	if (set->nr == MAX_OBJECTS) {
		set->incomplete = true;
		set->last = set->oldest;
		set->oldest = (set->oldest + 1) % MAX_OBJECTS;
		free(set->objects[set->last].name);
		return &set->objects[set->last];
	}
	if (array__reserve(&set->objects, &set->capacity, set->nr + 1))
		return NULL;
	set->last = set->nr++;
	return &set->objects[set->last];
}

int shared_memory__add(struct shared_memory *set, struct shared_object *object)
{
	size_t known = find(set, object);
	struct shared_object *room;

	if (known < set->nr) {
		set->last = known;
		free(object->name);
		return 0;
	}
	room = make_room(set);
	if (!room) {
		set->incomplete = true;
		free(object->name);
		return -ENOMEM;
	}
	*room = *object;
	return 0;
}

size_t shared_memory__nr(const struct shared_memory *set)
{
	return set ? set->nr : 0;
}

const struct shared_object *shared_memory__get(const struct shared_memory *set, size_t index)
{
	return &set->objects[index];
}

bool shared_memory__is_incomplete(const struct shared_memory *set)
{
	return set && set->incomplete;
}

void shared_memory__set_incomplete(struct shared_memory *set)
{
	set->incomplete = true;
}
