// SPDX-License-Identifier: GPL-2.0
/* See overlooked.h. code_files.c notes the result of each look; reported_process.c asks. */
#include "processes/overlooked.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *in_words(int err)
{
	switch (-err) {
	case ENOEXEC:
		return "a 32-bit program";
	case EACCES:
	case EPERM:
		return "its file may not be read by memleak-bpf";
	case ENOENT:
	case ESRCH:
	case ESTALE:
		return "it was gone before its file could be opened";
	case ETXTBSY:
		return "its file was being written when it was to be looked into";
	case ETIMEDOUT:
		return "its file system does not answer";
	default:
		return strerror(-err);
	}
}

struct look {
	bool any; /* a mapping was seen */
	int err;
};

/* Mappings of devices (-EINVAL) are skipped: they are not code of a program. */
static int note_error(const struct mapping *map, void *context)
{
	struct look *look = context;

	look->any = true;
	if (map->file.inode && map->look_error && map->look_error != -EINVAL)
		look->err = map->look_error;
	return look->err;
}

const char *overlooked__why(const struct mapping_set *mappings)
{
	struct look look = { 0 };

	if (mappings)
		mapping_set__each(mappings, note_error, &look);
	if (!look.any)
		return "what it mapped was not seen";
	return look.err ? in_words(look.err) : NULL;
}
