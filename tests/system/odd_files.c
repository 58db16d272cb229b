// SPDX-License-Identifier: GPL-2.0
/* See odd_files.h. */
#include "odd_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness.h"

char *odd_files__read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	char *content = malloc(16 << 20);

	assert_non_null(file);
	assert_non_null(content);
	*size = fread(content, 1, 16 << 20, file);
	fclose(file);
	return content;
}

void odd_files__write(const char *path, const char *content, size_t size)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
}

/* So many bytes of an ELF header, none to all, and after them nothing that fits. */
static void write_garbage(const char *header)
{
	unsigned int seed = 12345;

	for (size_t i = 0; i < 100; i++) {
		char content[20000];

		for (size_t j = 0; j < sizeof(content); j++) {
			seed = seed * 1664525 + 1013904223;
			content[j] = (char)(seed >> 24);
		}
		memcpy(content, header, i % 65);
		odd_files__write(scratch(words("garbage%zu", i)), content, sizeof(content));
	}
}

static void write_to(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "\177ELF", 4), 4);
	close(fd);
}

/* The header and the tables of a program, or its header alone, and 10 GB of nothing. */
static void write_sparse(const char *name, const char *content, size_t size)
{
	int fd = open(scratch(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), size);
	if (ftruncate(fd, 10LL << 30))
		print_message("no file of 10 GB here: %s\n", strerror(errno));
	close(fd);
}

void odd_files__make(void)
{
	size_t size;
	char *program = odd_files__read(victim("family_static"), &size);

	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	write_to(scratch("fifo"), O_RDWR); /* all others who open it wait */
	if (mknod(scratch("device"), S_IFCHR | 0600, makedev(1, 3)) == 0)
		write_to(scratch("device"), O_WRONLY);
	write_sparse("sparse_header", program, 64);
	write_sparse("sparse", program, size);
	write_garbage(program);
	for (size_t i = 0; i < 20; i++) {
		odd_files__write(scratch(words("cut%zu", i)), program, size * i / 20);
		odd_files__write(scratch("removed"), program, size);
		assert_int_equal(unlink(scratch("removed")), 0);
	}
	free(program);
}
