// SPDX-License-Identifier: GPL-2.0
/*
 * Allocators of stripped programs: found by the symbols that are kept apart, and only by those of
 * the same build.
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

#include "allocators/allocators.h"
#include "elf_fixture.h"
#include "failing_alloc.h"

#define PROGRAM "gcc -fno-builtin -O1 -w -Wl,--build-id=sha1 "
#define DEBUG_ROOT "/usr/lib/debug/.build-id"

static char *folder;

/* "whole" has its symbols; "bare" is the same without. */
static int make_programs(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "main.c",
			  "static char pool[1 << 16]; static unsigned long used;\n"
			  "void *malloc(unsigned long n) { used += n + 16; return pool + used; }\n"
			  "void free(void *p) { used += !p; }\n"
			  "int main(void) { free(malloc(1)); return 0; }\n");
	elf_fixture__run(folder, PROGRAM "-fvisibility=hidden main.c -o whole && "
					 "strip whole -o bare");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static int find(const char *name, struct allocator_probes *probes)
{
	char path[512];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	err = allocators__find(fd, probes);
	close(fd);
	return err;
}

/* The places are those of the program that has its symbols. found_in: NULL if none is found. */
static void assert_found(const char *name, const char *found_in)
{
	struct allocator_probes whole, probes;

	assert_int_equal(find("whole", &whole), 0);
	assert_int_equal(whole.nr, 2);
	assert_int_equal(find(name, &probes), 0);
	assert_int_equal(probes.nr, found_in ? 2 : 0);
	for (size_t i = 0; i < probes.nr; i++) {
		assert_string_equal(whole.probe[i].found_in, ".symtab");
		assert_string_equal(probes.probe[i].found_in, found_in);
		assert_string_equal(probes.probe[i].symbol, whole.probe[i].symbol);
		assert_int_equal(probes.probe[i].file_offset, whole.probe[i].file_offset);
		assert_int_equal(probes.probe[i].probe_offset, whole.probe[i].probe_offset);
	}
}

static void test_without_symbols(void **state)
{
	(void)state;
	assert_found("bare", NULL);
}

/* As Fedora makes it. */
static void test_gnu_debugdata(void **state)
{
	(void)state;
	elf_fixture__run(folder, "objcopy --strip-debug whole mini.debug && "
				 "xz -k -f mini.debug && "
				 "objcopy --add-section .gnu_debugdata=mini.debug.xz bare mini");
	assert_found("mini", ".gnu_debugdata");
}

static void test_damaged_gnu_debugdata(void **state)
{
	(void)state;
	elf_fixture__run(folder, "head -c 200 mini.debug.xz > cut && "
				 "objcopy --add-section .gnu_debugdata=cut bare damaged");
	assert_found("damaged", NULL);
	elf_fixture__run(folder, "echo no ELF file | xz > text.xz && "
				 "objcopy --add-section .gnu_debugdata=text.xz bare text");
	assert_found("text", NULL);
}

/* A debug file that only has the right name is not one. */
static void test_debug_file(void **state)
{
	char *id, target[256];

	(void)state;
	snprintf(target, sizeof(target),
		 "readelf -n '%s/whole' | sed -n 's/.*Build ID: \\(..\\)\\(.*\\)/\\1\\/\\2/p'",
		 folder);
	id = elf_fixture__output(target);
	id[strcspn(id, "\n")] = '\0';
	assert_int_equal(strlen(id), 41);
	snprintf(target, sizeof(target), DEBUG_ROOT "/%s.debug", id);
	free(id);
	if (geteuid())
		skip();
	elf_fixture__run(folder, "mkdir -p '%.*s' && objcopy --only-keep-debug whole '%s'",
			 (int)(strrchr(target, '/') - target), target, target);
	assert_found("bare", "debug file");
	elf_fixture__run(folder,
			 "echo 'int main(void) { return 0; }' > other.c && " PROGRAM
			 "other.c -o '%s'",
			 target);
	assert_found("bare", NULL);
	unlink(target);
	*strrchr(target, '/') = '\0';
	rmdir(target); /* another file's may be there too */
}

static void test_out_of_memory(void **state)
{
	struct allocator_probes probes;
	int err = -ENOMEM;

	(void)state;
	for (long after = 0; err == -ENOMEM; after++) {
		failing_alloc__after(after);
		err = find("mini", &probes);
		failing_alloc__never();
		assert_true(err == 0 || err == -ENOMEM);
		assert_in_range(after, 0, 1000);
	}
	assert_int_equal(probes.nr, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_symbols),	      cmocka_unit_test(test_gnu_debugdata),
		cmocka_unit_test(test_damaged_gnu_debugdata), cmocka_unit_test(test_debug_file),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, make_programs, remove_folder);
}
