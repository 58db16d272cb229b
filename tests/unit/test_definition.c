// SPDX-License-Identifier: GPL-2.0
/* Functions that a user defines, and texts that define none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/definition.h"

static void assert_alloc(const char *text, const char *object, const char *function, int size,
			 int count, int block)
{
	struct definition definition;
	const char *wrong = definition__parse_alloc(text, &definition);

	if (wrong)
		fail_msg("%s: %s", text, wrong);
	assert_string_equal(definition.object, object);
	assert_string_equal(definition.function, function);
	assert_int_equal(definition.size, size);
	assert_int_equal(definition.count, count);
	assert_int_equal(definition.block, block);
	assert_false(definition.frees);
}

static void test_allocs(void **state)
{
	(void)state;
	assert_alloc("libpool.so:pool_get(size=1) -> ret", "libpool.so", "pool_get", 1, 0, 0);
	assert_alloc("libpool.so:pool_array(count=1, size=2)->ret", "libpool.so", "pool_array", 2,
		     1, 0);
	assert_alloc("libpool.so:pool_array(size=6,count=5) -> *4", "libpool.so", "pool_array", 6,
		     5, 4);
	assert_alloc("\tlibcuda.so : cuMemAlloc_v2 ( size = 2 ) -> * 1 ", "libcuda.so",
		     "cuMemAlloc_v2", 2, 0, 1);
	assert_alloc("x:f()->ret", "x", "f", 0, 0, 0);
	/* The last colon counts. */
	assert_alloc("/a:b/c d.so:f(size=1)->ret", "/a:b/c d.so", "f", 1, 0, 0);
	assert_alloc("x:_ZN4pool3getEm(size=2)->ret", "x", "_ZN4pool3getEm", 2, 0, 0);
}

static void test_frees(void **state)
{
	struct definition definition;
	(void)state;

	assert_null(definition__parse_free("libpool.so:pool_put(1)", &definition));
	assert_string_equal(definition.object, "libpool.so");
	assert_string_equal(definition.function, "pool_put");
	assert_int_equal(definition.block, 1);
	assert_true(definition.frees);
	assert_null(definition__parse_free(" x : put ( 6 ) ", &definition));
	assert_int_equal(definition.block, 6);
}

static void test_wrong_texts(void **state)
{
	static const char *const allocs[] = {
		"",
		"x",
		"x:f",
		"f(size=1)->ret",
		":f(size=1)->ret",
		" :f(size=1)->ret",
		"x:(size=1)->ret",
		"x: (size=1)->ret",
		"x:f(size=1)",
		"x:f(size=1)->",
		"x:f(size=1)->*",
		"x:f(size=1)->*0",
		"x:f(size=1)->*7",
		"x:f(size=1)->*11",
		"x:f(size=1)->1",
		"x:f(size=0)->ret",
		"x:f(size=7)->ret",
		"x:f(size=12)->ret",
		"x:f(size)->ret",
		"x:f(size=1,size=2)->ret",
		"x:f(count=1,count=2,size=3)->ret",
		"x:f(count=1)->ret",
		"x:f(size=1,)->ret",
		"x:f(size=1 count=2)->ret",
		"x:f(size=1->ret",
		"x:f(1)->ret",
		"x:f(size=1)->return",
		"x:f(size=1)->ret, x",
		"x:f(size=1)->*1 2",
	};
	static const char *const frees[] = { "",       "x:f",	  "x:f()",    "x:f(0)",
					     "x:f(7)", "x:f(10)", "x:f(1",    "f(1)",
					     ":f(1)",  "x:(1)",	  "x:f(1,2)", "x:f(1)->ret" };
	struct definition definition;
	(void)state;

	for (size_t i = 0; i < sizeof(allocs) / sizeof(*allocs); i++)
		if (!definition__parse_alloc(allocs[i], &definition))
			fail_msg("%s was taken", allocs[i]);
	for (size_t i = 0; i < sizeof(frees) / sizeof(*frees); i++)
		if (!definition__parse_free(frees[i], &definition))
			fail_msg("%s was taken", frees[i]);
}

static void test_long_names(void **state)
{
	struct definition definition;
	char text[400];
	(void)state;

	memset(text, 'a', sizeof(text));
	strcpy(text + 127, ":f(1)");
	assert_null(definition__parse_free(text, &definition));
	assert_int_equal(strlen(definition.object), 127);
	memset(text, 'a', sizeof(text));
	strcpy(text + 128, ":f(1)");
	assert_non_null(definition__parse_free(text, &definition));
	memset(text, 'a', sizeof(text));
	text[1] = ':';
	strcpy(text + 2 + 128, "(1)");
	assert_non_null(definition__parse_free(text, &definition));
	strcpy(text + 2 + 127, "(1)");
	assert_null(definition__parse_free(text, &definition));
}

static void test_lines(void **state)
{
	struct definition definition;
	(void)state;

	assert_null(definition__parse_line("alloc x:f(size=1) -> ret", &definition));
	assert_string_equal(definition.function, "f");
	assert_null(definition__parse_line("\tfree\tx:g(2)  ", &definition));
	assert_string_equal(definition.function, "g");
	assert_true(definition.frees);
	assert_null(definition__parse_line("", &definition));
	assert_string_equal(definition.function, "");
	assert_null(definition__parse_line("  # alloc x:f(size=1) -> ret", &definition));
	assert_string_equal(definition.function, "");
	assert_non_null(definition__parse_line("alloc", &definition));
	assert_non_null(definition__parse_line("allocx:f(size=1) -> ret", &definition));
	assert_non_null(definition__parse_line("free x:f(size=1) -> ret", &definition));
	assert_non_null(definition__parse_line("x:f(1)", &definition));
}

/* Those of the documentation: each resource that is taken can be given back. */
static void test_examples(void **state)
{
	static const char *const names[] = { "apr-pools", "cuda-driver", "glib-slices" };
	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64], line[512];
		unsigned int nr[2] = { 0, 0 };
		FILE *file;

		snprintf(path, sizeof(path), "docs/definitions/%s", names[i]);
		file = fopen(path, "re");
		assert_non_null(file);
		while (fgets(line, sizeof(line), file)) {
			struct definition definition;
			const char *wrong;

			line[strcspn(line, "\n")] = '\0';
			wrong = definition__parse_line(line, &definition);
			if (wrong)
				fail_msg("%s: %s: %s", path, line, wrong);
			nr[definition.frees] += *definition.function != '\0';
		}
		fclose(file);
		assert_in_range(nr[false], 1, 20);
		assert_in_range(nr[true], 1, 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocs),	    cmocka_unit_test(test_frees),
		cmocka_unit_test(test_wrong_texts), cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_lines),	    cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests_name("definition", tests, NULL, NULL);
}
