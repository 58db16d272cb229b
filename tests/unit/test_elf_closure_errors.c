// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that can't be found or run, damaged programs, and no memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/elf_closure.h"
#include "elf_fixture.h"
#include "failing_alloc.h"

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "main.c", "int main(void) { return 0; }\n");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

/* A path under the folder; good until the next few calls. */
static const char *under(const char *name)
{
	static char paths[4][512];
	static size_t next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int count_path(const char *path, int fd, void *context)
{
	size_t *nr = context;

	assert_non_null(path);
	assert_true(fd >= 0);
	(*nr)++;
	return 0;
}

static int each(const char *name, size_t *nr)
{
	struct elf_closure_environment environment = { .root = "" };

	*nr = 0;
	return elf_closure__each(under(name), &environment, count_path, nr);
}

static void test_errors(void **state)
{
	size_t nr;
	char text[600];

	(void)state;
	assert_int_equal(each("none", &nr), -ENOENT);
	assert_int_equal(each("main.c", &nr), -ENOEXEC);
	elf_fixture__text(folder, "empty", "");
	assert_int_equal(each("empty", &nr), -ENOEXEC);
	elf_fixture__text(folder, "hash", "#!");
	assert_int_equal(each("hash", &nr), -ENOEXEC);
	elf_fixture__text(folder, "lost", "#!/nowhere/at/all\n");
	assert_int_equal(each("lost", &nr), -ENOENT);
	snprintf(text, sizeof(text), "#!%s/loop\n", folder);
	elf_fixture__text(folder, "loop", text);
	assert_int_equal(each("loop", &nr), -ELOOP);
	elf_fixture__run(folder, "mkfifo fifo; mkdir -p directory");
	assert_int_equal(each("fifo", &nr), -EACCES);
	assert_int_equal(each("directory", &nr), -EACCES);
	elf_fixture__run(folder, "head -c 100 /bin/ls > cut");
	assert_int_equal(each("cut", &nr), -EBADMSG);
	assert_int_equal(nr, 0);
	/* A file of another class: all that can be said is that it is there. */
	elf_fixture__run(folder, "cp /bin/ls narrow; printf '\\001' | dd of=narrow bs=1 seek=4 "
				 "conv=notrunc status=none");
	assert_int_equal(each("narrow", &nr), 0);
	assert_int_equal(nr, 1);
}

static void assert_executable(const char *command, const char *search_path, int err,
			      const char *path)
{
	char *found;

	assert_int_equal(elf_closure__find_executable(command, search_path, &found), err);
	if (path)
		assert_string_equal(found, path);
	else
		assert_null(found);
	free(found);
}

static void test_find_executable(void **state)
{
	char list[1200], name[300], cwd[512];

	(void)state;
	elf_fixture__run(folder, "mkdir -p p1/tool p2 p3; echo > p2/tool; cp /bin/true p3/tool; "
				 "echo > p2/plain; chmod -x p2/tool p2/plain");
	snprintf(list, sizeof(list), "%s/none:%s/p1:%s/p2:%s/p3", folder, folder, folder, folder);
	assert_executable("tool", list, 0, under("p3/tool"));
	assert_executable("plain", list, -EACCES, NULL);
	assert_executable("nothing", list, -ENOENT, NULL);
	assert_executable("", list, -ENOENT, NULL);
	assert_executable(under("p3/tool"), "", 0, under("p3/tool"));
	assert_executable(under("p2/tool"), list, -EACCES, NULL);
	assert_executable(under("p1/tool"), list, -EACCES, NULL);
	assert_executable(under("p1/x/y"), list, -ENOENT, NULL);
	assert_executable("sh", NULL, 0, "/bin/sh");
	memset(name, 'x', 299);
	name[299] = '\0';
	assert_executable(name, list, -ENAMETOOLONG, NULL);
	/* Empty elements are the working folder. */
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(under("p3")), 0);
	assert_executable("tool", ":/nowhere", 0, "tool");
	assert_executable("tool", "/nowhere:", 0, "tool");
	assert_executable("./tool", "/nowhere", 0, "./tool");
	assert_int_equal(chdir(cwd), 0);
}

static void test_damaged_programs(void **state)
{
	size_t nr;
	unsigned char *bytes;
	size_t nr_bytes;
	uint32_t seed = 99;
	int fd;

	(void)state;
	elf_fixture__run(folder,
			 "gcc main.c -o damaged -Wl,-z,noseparate-code '-Wl,-rpath,$ORIGIN/x'");
	bytes = elf_fixture__read(under("damaged"), &nr_bytes);
	fd = open(under("damaged"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t round = 0; round < 4000; round++) {
		size_t at = round < 2000 ? round % 1024 : (seed >> 8) % nr_bytes;
		unsigned char damage;
		int err;

		seed = seed * 1103515245 + 12345;
		damage = bytes[at] ^ (unsigned char)(1 << (seed >> 16 & 7));
		assert_int_equal(pwrite(fd, &damage, 1, (off_t)at), 1);
		err = each("damaged", &nr);
		assert_true(err == 0 || err == -EBADMSG || err == -ENOEXEC || err == -EACCES);
		assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
	}
	close(fd);
	free(bytes);
}

static void test_out_of_memory(void **state)
{
	size_t nr;
	int err = -ENOMEM;

	(void)state;
	elf_fixture__run(folder, "gcc main.c -o oom");
	for (long after = 0; err == -ENOMEM; after++) {
		assert_in_range(after, 0, 2000);
		failing_alloc__after(after);
		err = each("oom", &nr);
		failing_alloc__never();
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_int_equal(nr, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_find_executable),
		cmocka_unit_test(test_damaged_programs),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
