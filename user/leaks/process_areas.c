// SPDX-License-Identifier: GPL-2.0
/*
 * A text of /proc/PID/maps becomes an array of areas. The traced process chose paths and names in
 * it: only their first bytes are looked at, to tell the kind of memory. The leak scan asks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/search.h"
#include "leaks/process_areas.h"

#define MAX_AREAS (1024 * 1024)

/* The numbers take up less than 100 bytes, and no prefix that tells a kind is longer than 32. */
#define MAX_LINE_BYTES 256

/*
 * Reads one line without its newline; the part that doesn't fit is skipped. A NUL, which the kernel
 * never writes, ends the text of the line but not the line. Returns false at the end of the file.
 */
static bool read_line(FILE *file, char *line, size_t size)
{
	size_t used = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (used < size - 1)
			line[used++] = c;
	}
	line[used] = '\0';
	return c != EOF || used;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Takes a hexadecimal number and the delimiter after it. */
static bool take_hex(const char **cursor, char delimiter, uint64_t *value)
{
	const char *text = *cursor;

	for (*value = 0; hex_digit(*text) >= 0; text++) {
		if (*value >> 60)
			return false;
		*value = *value << 4 | (uint64_t)hex_digit(*text);
	}
	if (text == *cursor || *text != delimiter)
		return false;
	*cursor = text + 1;
	return true;
}

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/*
 * Names without a slash are the kernel's own words: show_map_vma() in fs/proc/task_mmu.c. A process
 * can choose only the text inside [anon:…] and [anon_shmem:…].
 */
static enum area_kind kind_of_name(const char *name)
{
	if (!*name || begins_with(name, "[anon:"))
		return AREA_ANONYMOUS;
	if (begins_with(name, "[anon_shmem:"))
		return AREA_SHARED_MEMORY;
	if (!strcmp(name, "[heap]"))
		return AREA_HEAP;
	if (!strcmp(name, "[stack]"))
		return AREA_STACK;
	/* Before 4.5: another thread's stack, which is a mapping like any other. */
	if (begins_with(name, "[stack:"))
		return AREA_ANONYMOUS;
	if (*name == '[')
		return AREA_KERNEL;
	/* anon_inode:[perf_event], socket:[1234]: a driver's memory. */
	return AREA_DEVICE;
}

/* A private mapping of these is copied on the first write, as one of a file on disk is. */
static enum area_kind kind_of_path(const char *path, bool shared)
{
	static const char *const memory[] = { "/memfd:", "/SYSV", "/dev/shm/", "/dev/hugepages/" };
	/* The rest of the name can only be " (deleted)". */
	static const char *const unnamed[] = { "/dev/zero", "/anon_hugepage" };

	for (size_t i = 0; i < sizeof(unnamed) / sizeof(*unnamed); i++) {
		size_t length = strlen(unnamed[i]);

		if (begins_with(path, unnamed[i]) && (!path[length] || path[length] == ' '))
			return shared ? AREA_SHARED_MEMORY : AREA_ANONYMOUS;
	}
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++)
		if (begins_with(path, memory[i]))
			return shared ? AREA_SHARED_MEMORY : AREA_FILE;
	return begins_with(path, "/dev/") ? AREA_DEVICE : AREA_FILE;
}

/* "start-end rwxp offset major:minor inode    path"; the path may hold blanks or be absent. */
static bool parse_line(const char *line, struct area *area)
{
	uint64_t number, major_number, minor_number;

	*area = (struct area){ 0 };
	if (!take_hex(&line, '-', &area->start) || !take_hex(&line, ' ', &area->end))
		return false;
	if (area->start >= area->end || strnlen(line, 5) < 5 || line[4] != ' ')
		return false;
	area->readable = line[0] == 'r';
	area->writable = line[1] == 'w';
	area->executable = line[2] == 'x';
	area->shared = line[3] == 's';
	line += 5;
	if (!take_hex(&line, ' ', &area->offset) || !take_hex(&line, ':', &major_number) ||
	    !take_hex(&line, ' ', &minor_number))
		return false;
	area->device = makedev((unsigned int)major_number, (unsigned int)minor_number);
	/* The inode, in decimal digits. */
	number = strspn(line, "0123456789");
	line += number;
	if (!number || (*line && *line != ' '))
		return false;
	line += strspn(line, " ");
	area->kind = *line == '/' ? kind_of_path(line, area->shared) : kind_of_name(line);
	return true;
}

int process_areas__read(struct process_areas *areas, FILE *maps)
{
	char line[MAX_LINE_BYTES];
	uint64_t last_end = 0;
	struct area area;
	int err = 0;

	*areas = (struct process_areas){ 0 };
	while (!err && read_line(maps, line, sizeof(line))) {
		if (!parse_line(line, &area) || area.start < last_end)
			continue;
		if (areas->nr == MAX_AREAS)
			err = -E2BIG;
		else
			err = array__reserve(&areas->list, &areas->capacity, areas->nr + 1);
		if (err)
			break;
		areas->list[areas->nr++] = area;
		last_end = area.end;
	}
	if (!err && ferror(maps))
		err = -EIO;
	if (err)
		process_areas__free(areas);
	return err;
}

int process_areas__read_of(struct process_areas *areas, pid_t tid)
{
	char path[64];
	FILE *maps;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	err = process_areas__read(areas, maps);
	fclose(maps);
	if (!err && !areas->nr) {
		process_areas__free(areas);
		err = -ESRCH;
	}
	return err;
}

void process_areas__free(struct process_areas *areas)
{
	free(areas->list);
	*areas = (struct process_areas){ 0 };
}

const struct area *process_areas__find(const struct process_areas *areas, uint64_t address)
{
	size_t i = search__nr_before(areas->nr, at, areas->list[at].end <= address);

	return i < areas->nr && areas->list[i].start <= address ? &areas->list[i] : NULL;
}
