// SPDX-License-Identifier: GPL-2.0
/* See object_name.h. Used by file_functions.c and defined_functions.c. */
#include "allocators/object_name.h"

#include <string.h>
#include <sys/stat.h>

static bool leads_to(const char *object, int fd)
{
	struct stat named, opened;

	return !stat(object, &named) && !fstat(fd, &opened) && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

bool object_name__fits(const char *object, const char *path, int fd)
{
	const char *name = strrchr(path, '/');
	size_t length = strlen(object);

	if (strchr(object, '/'))
		return !strcmp(object, path) || leads_to(object, fd);
	name = name ? name + 1 : path;
	if (strncmp(name, object, length) != 0)
		return false;
	name += length;
	return !*name || (*name == '.' && strspn(name, ".0123456789") == strlen(name));
}
