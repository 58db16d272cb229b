// SPDX-License-Identifier: GPL-2.0
/* C++'s new and delete in a file with an allocator: which are probed, and where they return. */
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

#define LIBRARY "g++ -std=c++17 -shared -fPIC -nostdlib -fno-builtin -O1 -w "

/* Each function has an address of its own. */
static const char source[] = "using size = unsigned long;\n"
			     "static char pool[1 << 16]; static size used;\n"
			     "static void *take(size n) { used += n; return pool + used; }\n"
			     "#ifndef NO_MALLOC\n"
			     "extern \"C\" void *malloc(size n) { return take(n + 1); }\n"
			     "extern \"C\" void free(void *p) { used -= !p; }\n"
			     "#endif\n"
			     "#ifndef NO_NEW\n"
			     "void *operator new(size n)\n"
			     "#ifdef INDIRECT\n"
			     "{ extern void *(*handler)(size); return handler(n); }\n"
			     "void *(*handler)(size) = nullptr;\n"
			     "#else\n"
			     "{ if (n > 1000) { used++; return nullptr; } return take(n + 2); }\n"
			     "#endif\n"
			     "#endif\n"
			     "void operator delete(void *p) noexcept { used -= !p + 1; }\n"
			     "void operator delete(void *p, size n) noexcept { used -= !p + n; }\n";

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "forms.cc", source);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static struct allocator_probes find_with(const char *options)
{
	struct allocator_probes probes;
	char path[512];
	int fd;

	elf_fixture__run(folder, LIBRARY "%s forms.cc -o forms.so", options);
	snprintf(path, sizeof(path), "%s/forms.so", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(allocators__find(fd, &probes), 0);
	close(fd);
	return probes;
}

static unsigned int count(const struct allocator_probes *probes, enum allocator_function function)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < probes->nr; i++)
		nr += probes->probe[i].function == function;
	return nr;
}

static const struct allocator_probe *find_symbol(const struct allocator_probes *probes,
						 const char *symbol)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (!strcmp(probes->probe[i].symbol, symbol))
			return &probes->probe[i];
	return NULL;
}

static void test_new_and_delete(void **state)
{
	struct allocator_probes probes = find_with("");
	char path[512];
	int fd;
	(void)state;

	assert_int_equal(count(&probes, FUNCTION_MALLOC), 1);
	assert_int_equal(count(&probes, FUNCTION_NEW), 1);
	assert_true(count(&probes, FUNCTION_NEW_RETURN) >= 1);
	assert_int_equal(count(&probes, FUNCTION_FREE), 3);
	assert_non_null(find_symbol(&probes, "_ZdlPvm"));
	assert_int_equal(allocator_probes__nr_functions(&probes), 5);
	/* Each return is a ret, where the probe is. */
	snprintf(path, sizeof(path), "%s/forms.so", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < probes.nr; i++) {
		unsigned char byte = 0;

		if (probes.probe[i].function != FUNCTION_NEW_RETURN)
			continue;
		assert_int_equal(probes.probe[i].probe_offset, probes.probe[i].file_offset);
		assert_int_equal(pread(fd, &byte, 1, (off_t)probes.probe[i].file_offset), 1);
		assert_int_equal(byte, 0xc3);
	}
	close(fd);
}

/* What can't be followed to each of its returns is not probed, and then no delete is either. */
static void test_new_that_jumps_elsewhere(void **state)
{
	struct allocator_probes probes = find_with("-DINDIRECT -O2");
	(void)state;

	assert_int_equal(probes.nr, 2);
	assert_non_null(find_symbol(&probes, "malloc"));
	assert_non_null(find_symbol(&probes, "free"));
}

static void test_delete_without_new(void **state)
{
	struct allocator_probes probes = find_with("-DNO_NEW");
	(void)state;

	assert_int_equal(probes.nr, 2);
}

/* As in libstdc++: its new calls malloc, which is probed where that is. */
static void test_without_allocator(void **state)
{
	struct allocator_probes probes = find_with("-DNO_MALLOC");
	(void)state;

	assert_int_equal(probes.nr, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_and_delete),
		cmocka_unit_test(test_new_that_jumps_elsewhere),
		cmocka_unit_test(test_delete_without_new),
		cmocka_unit_test(test_without_allocator),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
