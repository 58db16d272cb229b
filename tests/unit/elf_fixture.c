// SPDX-License-Identifier: GPL-2.0
/*
 * Stands between the ELF tests and the shell, the compiler, the file system.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elf_fixture.h"

char *elf_fixture__folder(void)
{
	char folder[] = "/tmp/memleak-elf-XXXXXX";
	char *resolved;

	assert_non_null(mkdtemp(folder));
	resolved = realpath(folder, NULL);
	assert_non_null(resolved);
	return resolved;
}

void elf_fixture__remove(char *folder)
{
	elf_fixture__run(folder, "rm -rf -- '%s'", folder);
	free(folder);
}

void elf_fixture__write(const char *folder, const char *name, const void *bytes, size_t nr_bytes)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, nr_bytes, file), nr_bytes);
	assert_int_equal(fclose(file), 0);
}

void elf_fixture__text(const char *folder, const char *name, const char *text)
{
	elf_fixture__write(folder, name, text, strlen(text));
}

unsigned char *elf_fixture__read(const char *path, size_t *nr_bytes)
{
	FILE *file = fopen(path, "r");
	unsigned char *bytes;
	long length;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	rewind(file);
	bytes = malloc((size_t)length + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
	fclose(file);
	*nr_bytes = (size_t)length;
	return bytes;
}

void elf_fixture__run(const char *folder, const char *format, ...)
{
	char command[8192];
	int length = snprintf(command, sizeof(command), "cd '%s' && ", folder);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command + length, sizeof(command) - (size_t)length, format, arguments);
	va_end(arguments);
	if (system(command))
		fail_msg("failed: %s", command);
}

bool elf_fixture__has_command(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "command -v '%s' >/dev/null 2>&1", name);
	return !system(command);
}

char *elf_fixture__output(const char *command)
{
	FILE *pipe = popen(command, "r");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(pipe);
	/* It has no NUL: all of it is one piece. */
	if (getdelim(&text, &room, '\0', pipe) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	if (pclose(pipe))
		fail_msg("failed: %s", command);
	return text;
}
