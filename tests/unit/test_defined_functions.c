// SPDX-License-Identifier: GPL-2.0
/* The probes of functions that the user defines. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/defined_functions.h"
#include "elf_fixture.h"

static const char source[] = "#ifdef __cplusplus\n"
			     "extern \"C\" {\n"
			     "#endif\n"
			     "char pool[4096];\n"
			     "void *pool_get(long n) { return n > 9 ? pool + n : 0; }\n"
			     "void *(*handler)(long);\n"
			     "void *pool_by_handler(long n) { return handler(n); }\n"
			     "void pool_put(int where, void *p) { pool[where] = !p; }\n"
			     "#ifdef __cplusplus\n"
			     "}\n"
			     "#endif\n";

static char *folder;

static void define(const char *text, bool frees)
{
	struct definition definition;

	assert_null(frees ? definition__parse_free(text, &definition) :
			    definition__parse_alloc(text, &definition));
	assert_int_equal(defined_functions__add(&definition), 0);
}

/* The list is the program's, so all tests have the same one. */
static int setup(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "pool.c", source);
	elf_fixture__run(folder, "gcc -shared -fPIC -O2 pool.c -o libplain.so");
	elf_fixture__run(folder, "g++ -shared -fPIC -O2 -x c++ pool.c -o libthrows.so "
				 "-Wl,--no-as-needed -lstdc++");
	define("libplain.so:pool_get(size=1) -> ret", false);
	define("libplain.so:pool_put(2)", true);
	define("libplain.so:pool_gett(count=2, size=1) -> *3", false);
	define("libthrows.so:pool_get(count=2, size=1) -> *3", false);
	define("libthrows.so:pool_by_handler(size=1) -> ret", false);
	define("libother.so:pool_get(size=1) -> ret", false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static struct allocator_probes find(const char *name, const char *as)
{
	struct allocator_probes probes = { .nr = 0 };
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(defined_functions__find(fd, as, &probes), 0);
	close(fd);
	return probes;
}

static const struct allocator_probe *first_of(const struct allocator_probes *probes,
					      enum allocator_function function)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].function == function)
			return &probes->probe[i];
	fail_msg("no such probe");
	return NULL;
}

static void test_plain_library(void **state)
{
	struct allocator_probes probes = find("libplain.so", "/lib/libplain.so.1");
	const struct allocator_probe *probe = first_of(&probes, FUNCTION_DEFINED);
	(void)state;

	assert_int_equal(probes.nr, 2);
	assert_string_equal(probe->symbol, "pool_get");
	assert_int_equal(probe->cookie, WIRE_COOKIE(FUNCTION_DEFINED, 1, 0, 0));
	probe = first_of(&probes, FUNCTION_DEFINED_FREE);
	assert_string_equal(probe->symbol, "pool_put");
	assert_int_equal(WIRE_COOKIE_BLOCK(probe->cookie), 2);
}

/* An exception would not get past a return probe. */
static void test_library_that_can_throw(void **state)
{
	struct allocator_probes probes = find("libthrows.so", "libthrows.so");
	const struct allocator_probe *probe = first_of(&probes, FUNCTION_DEFINED_BY_RET);
	(void)state;

	assert_string_equal(probe->symbol, "pool_get");
	assert_int_equal(WIRE_COOKIE_FUNCTION(probe->cookie), FUNCTION_DEFINED_BY_RET);
	assert_int_equal(WIRE_COOKIE_SIZE(probe->cookie), 1);
	assert_int_equal(WIRE_COOKIE_COUNT(probe->cookie), 2);
	assert_int_equal(WIRE_COOKIE_BLOCK(probe->cookie), 3);
	assert_string_equal(first_of(&probes, FUNCTION_NEW_RETURN)->symbol, "pool_get");
	assert_int_equal(allocator_probes__nr_functions(&probes), 1);
}

static void test_other_files(void **state)
{
	(void)state;
	assert_int_equal(find("libplain.so", "/lib/libplainer.so").nr, 0);
}

static void assert_problem(size_t index, const char *function, const char *expected)
{
	const struct definition *definition;
	const char *problem = defined_functions__problem(index, &definition);

	assert_string_equal(definition->function, function);
	if (expected)
		assert_non_null(strstr(problem, expected));
	else
		assert_null(problem);
}

/* After the tests above. */
static void test_problems(void **state)
{
	(void)state;
	assert_int_equal(defined_functions__nr(), 6);
	assert_problem(0, "pool_get", NULL);
	assert_problem(1, "pool_put", NULL);
	assert_problem(2, "pool_gett", "no such function");
	assert_problem(3, "pool_get", NULL);
	assert_problem(4, "pool_by_handler", "not all its returns");
	assert_problem(5, "pool_get", "no process");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_library),
		cmocka_unit_test(test_library_that_can_throw),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests_name("defined_functions", tests, setup, teardown);
}
