// SPDX-License-Identifier: GPL-2.0
/*
 * Leak checks as JSON: every example against its golden file, what programs rely on, and no half
 * line when an allocation fails.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "example_leaks.h"
#include "example_report.h"
#include "failing_alloc.h"
#include "golden_file.h"
#include "write_report.h"

static void test_golden(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < nr_example_leaks; i++) {
		struct process_report report = example_leaks__make(&example_leaks[i]);

		write_report(out, &json_writer, REPORT_OUTSTANDING, &report);
	}
	assert_int_equal(fclose(out), 0);
	golden_file__compare("leaks.jsonl", text);
	free(text);
}

static json_t *parse_report(const struct process_report *report, enum report_kind kind)
{
	char *text = report_text(&json_writer, kind, report);
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(line);
	free(text);
	return line;
}

static json_t *parse_example(const char *name, enum report_kind kind)
{
	struct process_report report = example_leaks__find(name);

	return parse_report(&report, kind);
}

static json_int_t whole(json_t *object, const char *outer, const char *inner)
{
	json_t *value = json_object_get(json_object_get(object, outer), inner);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void test_values(void **state)
{
	json_t *line = parse_example("each kind", REPORT_EXIT);
	json_t *leaks = json_object_get(line, "leaks"), *stack;

	(void)state;
	assert_int_equal(whole(leaks, "definite", "bytes"), 1056);
	assert_int_equal(whole(leaks, "reachable", "blocks"), 1);
	assert_int_equal(whole(leaks, "suppressed", "blocks"), 4);
	assert_int_equal(whole(leaks, "allocator", "free_bytes"), 58000);
	assert_int_equal(whole(json_object_get(leaks, "heuristics"), "stdstring", "bytes"), 123);
	assert_int_equal(whole(json_object_get(leaks, "heuristics"), "length64", "bytes"), 0);
	assert_int_equal(json_array_size(json_object_get(leaks, "suppressions")), 2);
	assert_true(json_is_null(json_object_get(leaks, "pause_s")));
	assert_true(json_is_null(json_object_get(leaks, "since_s")));
	assert_true(json_is_null(json_object_get(line, "leaks_why")));
	stack = json_array_get(json_object_get(line, "stacks"), 0);
	assert_string_equal(json_string_value(json_object_get(stack, "kind")), "definite");
	assert_int_equal(whole(stack, "indirect", "bytes"), 4096);
	assert_true(json_is_null(json_object_get(stack, "growth")));
	json_decref(line);

	line = parse_example("growth", REPORT_OUTSTANDING);
	stack = json_array_get(json_object_get(line, "stacks"), 3);
	assert_int_equal(whole(stack, "growth", "bytes"), -100);
	assert_int_equal(whole(stack, "growth", "blocks"), -2);
	json_decref(line);
}

/* A loss of precision in one direction only makes a lower bound. */
static void test_limits(void **state)
{
	static const struct {
		unsigned int limits;
		const char *name;
		bool lower_bound;
	} cases[] = {
		{ LEAK_LIMIT_ALLOCATOR, "allocator", true }, { LEAK_LIMIT_ARENAS, "arenas", true },
		{ LEAK_LIMIT_LATE, "late", true },	     { LEAK_LIMIT_COPY, "copy", true },
		{ LEAK_LIMIT_UNREAD, "unread", false },
	};
	struct report_leaks leaks = { 0 };
	struct process_report report = example_report__find("plain");

	(void)state;
	report.leaks = &leaks;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *line, *member, *limits;

		leaks.limits = cases[i].limits;
		line = parse_report(&report, REPORT_EXIT);
		member = json_object_get(line, "leaks");
		limits = json_object_get(member, "limits");
		assert_int_equal(json_array_size(limits), 1);
		assert_string_equal(json_string_value(json_array_get(limits, 0)), cases[i].name);
		assert_int_equal(json_is_true(json_object_get(member, "lower_bound")),
				 cases[i].lower_bound);
		json_decref(line);
	}
}

/* A line of a process that nobody checked keeps the shape that it always had. */
static void test_not_checked(void **state)
{
	json_t *line = parse_example("not done", REPORT_EXIT);
	json_t *stack = json_array_get(json_object_get(line, "stacks"), 0);

	(void)state;
	assert_true(json_is_null(json_object_get(line, "leaks")));
	assert_string_equal(json_string_value(json_object_get(line, "leaks_why")),
			    "it is traced by PID 12 (gdb\x1b[2J -- <&>)--");
	assert_true(json_is_null(json_object_get(stack, "kind")));
	assert_null(json_object_get(stack, "indirect"));
	assert_null(json_object_get(stack, "growth"));
	json_decref(line);
}

/* jansson's blocks: how many more allocations succeed, and how many blocks are out. */
static long nr_jansson_left = -1;
static long nr_jansson_blocks;

static void *jansson_malloc(size_t size)
{
	void *block;

	if (nr_jansson_left == 0)
		return NULL;
	if (nr_jansson_left > 0)
		nr_jansson_left--;
	/* Not malloc, which failing_alloc counts. */
	block = aligned_alloc(16, (size + 15) / 16 * 16);
	if (block)
		nr_jansson_blocks++;
	return block;
}

static void jansson_free(void *block)
{
	if (block)
		nr_jansson_blocks--;
	free(block);
}

/* Writes one example with the allocations limited; returns whether the line is there, whole. */
static bool write_limited(const struct process_report *report)
{
	static char buffer[65536];
	FILE *out = fmemopen(buffer, sizeof(buffer), "w");
	json_t *line;

	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0); /* half a line would show */
	memset(buffer, 0, sizeof(buffer));
	write_report(out, &json_writer, REPORT_EXIT, report);
	failing_alloc__never();
	nr_jansson_left = -1;
	fclose(out);
	assert_int_equal(nr_jansson_blocks, 0);
	if (!buffer[0])
		return false;
	line = json_loads(buffer, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	json_decref(line);
	return true;
}

static void test_no_half_lines(void **state)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(saved >= 0 && null >= 0);
	json_set_alloc_funcs(jansson_malloc, jansson_free);
	for (size_t i = 0; i < nr_example_leaks; i++) {
		struct process_report report = example_leaks__make(&example_leaks[i]);
		long nr = 0;

		/* Messages about lines that were not written go away from the terminal. */
		dup2(null, STDERR_FILENO);
		do {
			nr_jansson_left = nr++;
		} while (!write_limited(&report));
		assert_true(nr > 50);
		nr = 0;
		do {
			failing_alloc__after(nr++);
		} while (!write_limited(&report));
		dup2(saved, STDERR_FILENO);
	}
	json_set_alloc_funcs(malloc, free);
	close(saved);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	      cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),	      cmocka_unit_test(test_not_checked),
		cmocka_unit_test(test_no_half_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
