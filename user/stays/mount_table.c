// SPDX-License-Identifier: GPL-2.0
/* See mount_table.h. The format is that of proc_pid_mountinfo(5); paths are hostile input. */
#include "stays/mount_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define MAX_MOUNTS 65536

struct mount {
	uint32_t dev_major, dev_minor;
	enum memory_filesystem filesystem;
	char *point; /* NULL but for memory file systems */
};

struct mount_table {
	struct mount *mounts;
	size_t nr, capacity;
};

void mount_table__free(struct mount_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->nr; i++)
		free(table->mounts[i].point);
	free(table->mounts);
	free(table);
}

/* devtmpfs is left out: the files that programs map there are devices. */
static enum memory_filesystem filesystem_of(const char *type)
{
	if (!strcmp(type, "tmpfs"))
		return FILESYSTEM_TMPFS;
	if (!strcmp(type, "hugetlbfs"))
		return FILESYSTEM_HUGETLBFS;
	return FILESYSTEM_OTHER;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* mountinfo writes blanks, newlines and backslashes as \040 and such. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point options optional… - type source options" */
static bool parse_line(char *line, struct mount *mount, char **point)
{
	char *rest = NULL, *type, *fields = strstr(line, " - ");
	int point_at = 0;

	if (!fields ||
	    sscanf(line, "%*u %*u %" SCNu32 ":%" SCNu32 " %*s %n", &mount->dev_major,
		   &mount->dev_minor, &point_at) != 2 ||
	    !point_at)
		return false;
	*point = strtok_r(line + point_at, " ", &rest);
	type = strtok_r(fields + strlen(" - "), " \n", &rest);
	if (!*point || !type || *point > fields)
		return false;
	unescape(*point);
	mount->filesystem = filesystem_of(type);
	return true;
}

static int add(struct mount_table *table, const struct mount *mount, const char *point)
{
	int err;

	if (table->nr == MAX_MOUNTS)
		return -ENOSPC;
	err = array__reserve(&table->mounts, &table->capacity, table->nr + 1);
	if (err)
		return err;
	table->mounts[table->nr] = *mount;
	if (mount->filesystem != FILESYSTEM_OTHER) {
		table->mounts[table->nr].point = strdup(point);
		if (!table->mounts[table->nr].point)
			return -ENOMEM;
	}
	table->nr++;
	return 0;
}

struct mount_table *mount_table__read(FILE *mountinfo)
{
	struct mount_table *table = calloc(1, sizeof(*table));
	size_t size = 0;
	char *line = NULL;
	int err = table ? 0 : -ENOMEM;

	while (!err && getline(&line, &size, mountinfo) > 0) {
		struct mount mount = { 0 };
		char *point;

		if (parse_line(line, &mount, &point))
			err = add(table, &mount, point);
	}
	free(line);
	if (!err && ferror(mountinfo))
		err = -EIO;
	if (err) {
		mount_table__free(table);
		errno = -err;
		return NULL;
	}
	return table;
}

bool mount_table__filesystem(const struct mount_table *table, uint32_t dev_major,
			     uint32_t dev_minor, enum memory_filesystem *filesystem)
{
	for (size_t i = 0; i < table->nr; i++) {
		if (table->mounts[i].dev_major != dev_major ||
		    table->mounts[i].dev_minor != dev_minor)
			continue;
		*filesystem = table->mounts[i].filesystem;
		return true;
	}
	return false;
}

const char *mount_table__point(const struct mount_table *table, uint32_t dev_major,
			       uint32_t dev_minor, size_t n)
{
	for (size_t i = 0; i < table->nr; i++)
		if (table->mounts[i].dev_major == dev_major &&
		    table->mounts[i].dev_minor == dev_minor && table->mounts[i].point && !n--)
			return table->mounts[i].point;
	return NULL;
}
