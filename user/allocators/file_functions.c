// SPDX-License-Identifier: GPL-2.0
/* See file_functions.h. Called for each file that is looked into. */
#include "allocators/file_functions.h"

#include <string.h>

#include "allocators/allocators.h"
#include "allocators/defined_functions.h"
#include "allocators/object_name.h"

static struct {
	const char *name;
	bool found;
} objects[FILE_FUNCTIONS_MAX_OBJECTS];
static size_t nr_objects;

void file_functions__choose(const char *object)
{
	if (nr_objects < FILE_FUNCTIONS_MAX_OBJECTS)
		objects[nr_objects++].name = object;
}

bool file_functions__was_found(const char *object)
{
	for (size_t i = 0; i < nr_objects; i++)
		if (!strcmp(objects[i].name, object))
			return objects[i].found;
	return false;
}

bool file_functions__looks_into(const char *path, int fd)
{
	bool chosen = !nr_objects;

	for (size_t i = 0; i < nr_objects; i++)
		chosen |= object_name__fits(objects[i].name, path, fd);
	return chosen;
}

static void note_found(const char *path, int fd)
{
	for (size_t i = 0; i < nr_objects; i++)
		objects[i].found |= object_name__fits(objects[i].name, path, fd);
}

int file_functions__find(int fd, const char *path, struct allocator_probes *probes)
{
	int err = 0;

	memset(probes, 0, sizeof(*probes));
	if (file_functions__looks_into(path, fd))
		err = allocators__find(fd, probes);
	if (!err && probes->nr)
		note_found(path, fd);
	return err ? err : defined_functions__find(fd, path, probes);
}
