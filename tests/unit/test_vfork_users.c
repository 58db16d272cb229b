// SPDX-License-Identifier: GPL-2.0
/* The files that can run code of their own in a child that shares their memory. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_fixture.h"
#include "allocators/vfork_users.h"

static char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(
		folder, "vfork.c",
		"#include <unistd.h>\nint main(void) { if (!vfork()) _exit(0); return 0; }\n");
	elf_fixture__text(
		folder, "fork.c",
		"#include <unistd.h>\nint main(void) { if (!fork()) _exit(0); return 0; }\n");
	elf_fixture__text(
		folder, "clone.c",
		"#define _GNU_SOURCE\n#include <sched.h>\n"
		"int start(int (*f)(void *), void *stack);\n"
		"int start(int (*f)(void *), void *stack) { return clone(f, stack, 0, 0); }\n");
	/* Names that only begin or end alike. */
	elf_fixture__text(folder, "alike.c",
			  "int vforked(void); int cloned(void);\n"
			  "int use(void); int use(void) { return vforked() + cloned(); }\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static bool check(const char *name)
{
	char path[4096];
	bool uses;
	int fd;

	snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder, *name == '/' ? "" : "/",
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	uses = vfork_users__check(fd);
	close(fd);
	return uses;
}

static void test_imports(void **state)
{
	(void)state;
	elf_fixture__run(folder, "gcc -o vfork vfork.c && gcc -o fork fork.c");
	elf_fixture__run(folder, "gcc -shared -fPIC -o libclone.so clone.c");
	elf_fixture__run(folder, "gcc -shared -fPIC -o libalike.so alike.c");
	assert_true(check("vfork"));
	assert_true(check("libclone.so"));
	assert_false(check("fork"));
	assert_false(check("libalike.so"));
}

static void test_stripped(void **state)
{
	(void)state;
	elf_fixture__run(folder, "gcc -s -o stripped vfork.c");
	assert_true(check("stripped"));
}

static void test_static_program(void **state)
{
	(void)state;
	elf_fixture__run(folder, "gcc -static -o static vfork.c");
	assert_true(check("static"));
}

/* libc defines them; that alone says nothing of the program that maps it. */
static void test_libc_itself(void **state)
{
	char *path = elf_fixture__output(
		"ldd /bin/sh | sed -n 's/.*=> \\(.*libc\\.so\\.6\\) .*/\\1/p' | tr -d '\\n'");

	(void)state;
	assert_true(*path);
	assert_false(check(path));
	free(path);
}

static void test_what_is_no_elf_file(void **state)
{
	char path[4096];
	unsigned char *bytes;
	size_t nr_bytes;

	(void)state;
	elf_fixture__text(folder, "text", "vfork clone\n");
	assert_false(check("text"));
	elf_fixture__run(folder, "gcc -o whole vfork.c");
	snprintf(path, sizeof(path), "%s/whole", folder);
	bytes = elf_fixture__read(path, &nr_bytes);
	for (size_t cut = 0; cut < nr_bytes; cut += 509) {
		elf_fixture__write(folder, "cut", bytes, cut);
		check("cut"); /* whatever it says, it comes back */
	}
	/* Tables that point out of the file. */
	for (size_t at = 0; at < 4096 && at < nr_bytes; at += 3) {
		unsigned char saved = bytes[at];

		bytes[at] ^= 0xff;
		elf_fixture__write(folder, "bent", bytes, nr_bytes);
		check("bent");
		bytes[at] = saved;
	}
	free(bytes);
	assert_true(check("whole"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imports),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_static_program),
		cmocka_unit_test(test_libc_itself),
		cmocka_unit_test(test_what_is_no_elf_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
