// SPDX-License-Identifier: GPL-2.0
/* symbolizer__at: names for (file, offset), when no process maps the file any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "symbol_fixture.h"
#include "names/symbolize.h"

#define MAX_FRAMES 16

/* "inlined < function" for a place that was marked in a file; "?" for what is not known. */
static const char *names_at(struct symbolizer *symbolizer, const struct file_key *key,
			    uint64_t address)
{
	struct report_frame frames[MAX_FRAMES];
	uint64_t offset = address - SYMBOL_FIXTURE_BASE;
	unsigned int nr = symbolizer__at(symbolizer, key, offset, false, frames, MAX_FRAMES);
	static char text[1024];
	int length = 0;

	assert_true(nr >= 1 && nr <= MAX_FRAMES);
	for (unsigned int i = 0; i < nr; i++) {
		length += snprintf(text + length, sizeof(text) - length, "%s%s", i ? " < " : "",
				   frames[i].function ? frames[i].function : "?");
		assert_int_equal(frames[i].inlined, i + 1 < nr);
		assert_true(frames[i].address == 0);
		assert_true(frames[i].module_offset == offset);
	}
	return text;
}

/* The build ID of a file, as readelf shows it. */
static const char *build_id_of(const char *name)
{
	static char hex[256];
	char command[256];
	FILE *pipe;

	snprintf(command, sizeof(command), "readelf -n %s | sed -n 's/.*Build ID: //p'",
		 symbol_fixture__path(name));
	pipe = popen(command, "r");
	assert_non_null(fgets(hex, sizeof(hex), pipe));
	pclose(pipe);
	hex[strcspn(hex, "\n")] = '\0';
	return hex;
}

static void test_a_place_in_a_file(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping map = symbol_fixture__map("leak64");
	struct file_key key = map.file;
	struct report_frame frame;

	(void)state;
	/* Nobody has told of it. */
	assert_string_equal(names_at(symbolizer, &key, address), "?");
	symbolizer__at(symbolizer, &key, 0x123, true, &frame, 1);
	assert_null(frame.module);
	assert_true(frame.module_offset == 0x123);
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	assert_string_equal(names_at(symbolizer, &key, address), "inner < middle < outer");
	assert_int_equal(symbolizer__at(symbolizer, &key, 0, false, &frame, 0), 0);
	assert_int_equal(symbolizer__at(symbolizer, &key, 0, false, &frame, 1), 1);
	assert_string_equal(frame.module, map.path);
	assert_null(frame.function);
	assert_string_equal(frame.build_id, build_id_of("leak64"));
	key.inode = 0;
	assert_string_equal(names_at(symbolizer, &key, address), "?");
	symbolizer__free(symbolizer);
}

static void test_build_id_in_frames(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map = symbol_fixture__map("leak64"), without;
	struct report_frame frames[MAX_FRAMES];
	unsigned int nr;

	(void)state;
	nr = symbolizer__resolve(symbolizer, &map, symbol_fixture__address("leak64", "mark_inner"),
				 false, frames, MAX_FRAMES);
	assert_int_equal(nr, 3);
	for (unsigned int i = 0; i < nr; i++)
		assert_string_equal(frames[i].build_id, build_id_of("leak64"));
	symbol_fixture__run("gcc -O2 -Wl,--build-id=none leak64.c -o without");
	without = symbol_fixture__map("without");
	symbolizer__resolve(symbolizer, &without, symbol_fixture__address("without", "outer"),
			    false, frames, 1);
	assert_string_equal(frames[0].function, "outer");
	assert_null(frames[0].build_id);
	symbolizer__free(symbolizer);
}

static void test_a_replaced_file(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t inner = symbol_fixture__address("leak64", "mark_inner");
	uint64_t plain = symbol_fixture__address("names", "plain");
	struct file_key old_key, new_key;
	struct mapping map;

	(void)state;
	symbol_fixture__run("cp leak64 program");
	map = symbol_fixture__map("program");
	old_key = map.file;
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	symbol_fixture__run("cp names new && mv new program");
	map = symbol_fixture__map("program");
	new_key = map.file;
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	symbol_fixture__run("rm program");
	assert_string_equal(names_at(symbolizer, &old_key, inner), "inner < middle < outer");
	assert_string_equal(names_at(symbolizer, &new_key, plain), "plain");
	symbolizer__free(symbolizer);
}

static void test_a_file_changed_in_place(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping map;
	struct file_key key;

	(void)state;
	symbol_fixture__run("cp leak64 rebuilt");
	map = symbol_fixture__map("rebuilt");
	key = map.file;
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	assert_string_equal(names_at(symbolizer, &key, address), "inner < middle < outer");
	/* Rewritten in place: the same file, whose names are those of the new content. */
	symbol_fixture__run("cat names > rebuilt");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	assert_string_equal(names_at(symbolizer, &key, address), "?");
	assert_string_equal(names_at(symbolizer, &key, symbol_fixture__address("names", "plain")),
			    "plain");
	symbolizer__free(symbolizer);
}

/* Two names of one file, one of which can't be opened any more. */
static void test_two_names(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping first, second;
	struct report_frame frame;
	struct file_key key;

	(void)state;
	symbol_fixture__run("cp leak64 one && ln one two");
	first = symbol_fixture__map("one");
	second = symbol_fixture__map("two");
	key = first.file;
	symbol_fixture__run("rm one");
	symbolizer__resolve(symbolizer, &first, address, false, &frame, 1);
	assert_null(frame.function);
	assert_int_equal(symbolizer__open_file(symbolizer, &second, NULL, NULL), 0);
	assert_string_equal(names_at(symbolizer, &key, address), "inner < middle < outer");
	symbol_fixture__run("ln two one");
	assert_int_equal(symbolizer__open_file(symbolizer, &first, NULL, NULL), 0);
	assert_string_equal(names_at(symbolizer, &key, address), "inner < middle < outer");
	symbolizer__free(symbolizer);
}

/* An inode number that was given to a new file. */
static void test_generations(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping map = symbol_fixture__map("leak64");
	struct file_key key = map.file;

	(void)state;
	map.file.generation = 5;
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	assert_string_equal(names_at(symbolizer, &key, address), "inner < middle < outer");
	key.generation = 5;
	assert_string_equal(names_at(symbolizer, &key, address), "inner < middle < outer");
	key.generation = 6;
	assert_string_equal(names_at(symbolizer, &key, address), "?");
	symbolizer__free(symbolizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_place_in_a_file),
		cmocka_unit_test(test_build_id_in_frames),
		cmocka_unit_test(test_a_replaced_file),
		cmocka_unit_test(test_a_file_changed_in_place),
		cmocka_unit_test(test_two_names),
		cmocka_unit_test(test_generations),
	};

	alarm(300);
	return cmocka_run_group_tests_name("symbol_places", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}
