// SPDX-License-Identifier: GPL-2.0
/*
 * symbolize.h over real files: small programs are compiled into a folder of their own, and the
 * symbolizer's answers for their addresses are compared with their source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol_fixture.h"
#include "names/symbolize.h"

#define MAX_FRAMES 16

static void test_inlined_frames(void **state)
{
	static const char *const flags[] = {
		"-O2",
		"-O2 -gdwarf-4",
		"-O2 -gdwarf-3",
		"-O2 -gz=zlib",
		"-O2 -gdwarf-4 -gz=zlib-gnu",
		"-O2 -no-pie",
		"-O2 -static-pie",
		"-O2 -static",
		"-O2 -flto",
		"-O2 -Wl,-z,noseparate-code",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		symbol_fixture__run("gcc -g %s leak64.c -o variant", flags[i]);
		symbol_fixture__check("variant", symbol_fixture__address("variant", "mark_inner"),
				      SYMBOL_FIXTURE_INNER);
	}
}

static void test_file_names(void **state)
{
	(void)state;
	symbol_fixture__run(
		"gcc -g -O2 sub/leak64.c -o relative && gcc -g -O2 $PWD/leak64.c -o absolute");
	symbol_fixture__run("cd sub && gcc -g -O2 ../leak64.c -o ../upwards");
	symbol_fixture__check(
		"relative", symbol_fixture__address("relative", "mark_inner"),
		"inner sub/leak64.c:6 < middle sub/leak64.c:11 < outer sub/leak64.c:15");
	symbol_fixture__check("upwards", symbol_fixture__address("upwards", "mark_inner"),
			      "inner ../leak64.c:6 < middle ../leak64.c:11 < outer ../leak64.c:15");
	{
		char expected[512], *path = symbol_fixture__path("leak64.c");

		snprintf(expected, sizeof(expected), "inner %s:6 < middle %s:11 < outer %s:15",
			 path, path, path);
		symbol_fixture__check("absolute", symbol_fixture__address("absolute", "mark_inner"),
				      expected);
	}
}

/* A call of a function that doesn't return can be its caller's last instruction. */
static void test_return_address_belongs_to_the_call(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map = symbol_fixture__map("leak64");
	uint64_t end = symbol_fixture__address("leak64", "fails");
	struct report_frame frame;

	(void)state;
	/* The function is aligned; its end is where the name ends. */
	do {
		end++;
		symbolizer__resolve(symbolizer, &map, end, false, &frame, 1);
	} while (frame.function && !strcmp(frame.function, "fails"));
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, end, true),
			    "fails leak64.c:20");
	symbolizer__free(symbolizer);
}

static void test_few_frames(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map = symbol_fixture__map("leak64");
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct report_frame frames[2];

	(void)state;
	assert_int_equal(symbolizer__resolve(symbolizer, &map, address, false, frames, 0), 0);
	assert_int_equal(symbolizer__resolve(symbolizer, &map, address, false, frames, 1), 1);
	assert_string_equal(frames[0].function, "outer");
	assert_int_equal(frames[0].line, 15);
	assert_false(frames[0].inlined);
	assert_int_equal(symbolizer__resolve(symbolizer, &map, address, false, frames, 2), 2);
	assert_string_equal(frames[0].function, "inner");
	assert_true(frames[0].inlined);
	assert_string_equal(frames[1].function, "outer");
	assert_false(frames[1].inlined);
	symbolizer__free(symbolizer);
}

static void test_without_a_name(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping vdso = { .start = SYMBOL_FIXTURE_BASE,
				.end = SYMBOL_FIXTURE_BASE + 4096,
				.path = (char *)"[vdso]" };
	struct mapping anonymous = { .start = SYMBOL_FIXTURE_BASE,
				     .end = SYMBOL_FIXTURE_BASE + 4096,
				     .path = (char *)"" };
	struct mapping map = symbol_fixture__map("leak64"), empty;
	struct report_frame frame;

	(void)state;
	assert_int_equal(symbolizer__resolve(symbolizer, NULL, 0x1234, true, &frame, 1), 1);
	assert_null(frame.function);
	assert_null(frame.module);
	assert_true(frame.address == 0x1234);
	assert_string_equal(
		symbol_fixture__frames(symbolizer, &vdso, SYMBOL_FIXTURE_BASE + 8, false), "? ?:0");
	symbolizer__resolve(symbolizer, &anonymous, SYMBOL_FIXTURE_BASE, true, &frame, 1);
	assert_null(frame.module);
	assert_int_equal(symbolizer__open_file(symbolizer, &vdso, NULL, NULL), -EINVAL);
	/* No function is there, or nothing at all. */
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, SYMBOL_FIXTURE_BASE, true),
			    "? ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map,
						   SYMBOL_FIXTURE_BASE + 0xffffff00, true),
			    "? ?:0");
	symbol_fixture__write("empty", "", 0);
	empty = symbol_fixture__map("empty");
	assert_string_equal(symbol_fixture__frames(symbolizer, &empty, SYMBOL_FIXTURE_BASE + 1,
						   false),
			    "? ?:0");
	symbolizer__free(symbolizer);
	symbolizer__free(NULL);
}

static void test_paths_with_newlines(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping map;

	(void)state;
	symbol_fixture__run("cp leak64 'two\nlines'");
	map = symbol_fixture__map("two\nlines");
	/* As /proc/PID/maps would show it. */
	map.path = symbol_fixture__path("two\\012lines");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false),
			    SYMBOL_FIXTURE_INNER);
	symbolizer__free(symbolizer);
}

/* libc, whatever Debian built it with; its own functions must at least have names. */
static void test_a_system_library(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	FILE *maps_file = fopen("/proc/self/maps", "r");
	struct mapping_set *maps = mapping_set__new();
	void *volatile function = (void *)getsubopt; /* ASan has no version of it */
	struct report_frame frames[MAX_FRAMES];
	const struct mapping *map;
	unsigned int nr;

	(void)state;
	assert_true(mapping_set__read_maps(maps, maps_file) > 0);
	fclose(maps_file);
	map = mapping_set__find(maps, (uintptr_t)function);
	nr = symbolizer__resolve(symbolizer, map, (uintptr_t)function, false, frames, MAX_FRAMES);
	assert_string_equal(frames[nr - 1].function, "getsubopt");
	mapping_set__free(maps);
	/* Strings outlive the mappings. */
	assert_non_null(strstr(frames[0].module, "libc"));
	symbolizer__free(symbolizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlined_frames),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_return_address_belongs_to_the_call),
		cmocka_unit_test(test_few_frames),
		cmocka_unit_test(test_without_a_name),
		cmocka_unit_test(test_paths_with_newlines),
		cmocka_unit_test(test_a_system_library),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(300);
	return cmocka_run_group_tests_name("symbolize", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}
