// SPDX-License-Identifier: GPL-2.0
/* See returning_code.h. */
#include "returning_code.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_fixture.h"

static char *folder;

int returning_code__make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	return 0;
}

int returning_code__remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

const char *returning_code__folder(void)
{
	return folder;
}

struct elf_image *returning_code__open(const char *name, int *fd)
{
	struct elf_image *image;
	char path[512];

	snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder, *name == '/' ? "" : "/",
		 name);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(*fd >= 0);
	assert_int_equal(elf_image__open(*fd, &image), 0);
	return image;
}

uint64_t returning_code__offset_of(const struct elf_image *image, const char *address)
{
	uint64_t offset;

	assert_int_equal(elf_image__offset_of(image, strtoull(address, NULL, 16), true, &offset),
			 0);
	return offset;
}

uint64_t returning_code__read_labels(const struct elf_image *image,
				     struct function_returns *expected)
{
	char command[512], *lines, *rest = NULL;
	uint64_t entry = 0;

	expected->nr = 0;
	snprintf(command, sizeof(command), "nm --numeric-sort '%s/code.so'", folder);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[64] = "";

		if (sscanf(line, "%*x %*c %63s", name) != 1)
			continue;
		if (!strcmp(name, "f"))
			entry = returning_code__offset_of(image, line);
		if (strncmp(name, "found_", 6) != 0)
			continue;
		assert_true(expected->nr < FUNCTION_RETURNS_MAX);
		expected->file_offset[expected->nr++] = returning_code__offset_of(image, line);
	}
	free(lines);
	assert_int_not_equal(entry, 0);
	return entry;
}

static void link_code(const char *assembly, const char *command)
{
	elf_fixture__text(folder, "code.s", assembly);
	elf_fixture__run(folder, "%s code.s", command);
}

void returning_code__assert(const char *assembly, const char *command, int wanted, bool by_name)
{
	struct function_returns expected, found;
	struct elf_image *image;
	uint64_t entry;
	int fd, err;

	link_code(assembly, command);
	image = returning_code__open("code.so", &fd);
	entry = returning_code__read_labels(image, &expected);
	err = function_returns__find(image, entry, &found);
	if (err != wanted)
		fail_msg("%d rather than %d: %s", err, wanted, assembly);
	if (!err) {
		assert_int_equal(found.nr, expected.nr);
		assert_memory_equal(found.file_offset, expected.file_offset,
				    found.nr * sizeof(*found.file_offset));
		assert_int_equal(found.by_name, by_name);
	} else {
		assert_int_equal(found.nr, 0);
	}
	elf_image__free(image);
	close(fd);
}

void returning_code__assert_found(const char *assembly)
{
	returning_code__assert(assembly, LINK, 0, false);
}

void returning_code__assert_refused(const char *assembly, int err)
{
	returning_code__assert(assembly, LINK, err, false);
}
