// SPDX-License-Identifier: GPL-2.0
/* Functions that the user defines: by options and by a file, for memory and for other resources. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

/* The C++ library's pool of 72,704 bytes. */
#define MAX_OWN_BLOCKS 1

static const char *const definitions[] = {
	"alloc libresource_pool.so:pool_get(size=1) -> ret",
	"alloc libresource_pool.so:pool_array(count=1, size=2) -> ret",
	"alloc libresource_pool.so:pool_place(size=5) -> *3",
	"alloc libresource_pool.so:pool_open() -> ret",
	"# it throws",
	"",
	"alloc libthrowing_pool.so:pool_or_throw(size=1) -> ret",
	"free libresource_pool.so:pool_put(1)",
	"free libresource_pool.so:pool_put_into(4)",
	"free libresource_pool.so:pool_close(1)",
};

/* Writes lines into a file in the test's folder. Returns its path. */
static const char *write_lines(const char *name, const char *const *lines, size_t nr)
{
	const char *path = scratch(name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	for (size_t i = 0; i < nr; i++)
		fprintf(file, "%s\n", lines[i]);
	assert_int_equal(fclose(file), 0);
	return path;
}

static const char *write_definitions(void)
{
	return write_lines("definitions", definitions, sizeof(definitions) / sizeof(*definitions));
}

static void need_cookies(void)
{
	if (!kernel_has("uprobe_multi") && !kernel_has("iterators"))
		SKIP("this kernel is too old");
}

static void check_resources(const char *const *options)
{
	struct run *run = trace(options, ARGS(victim("resources")));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);

	assert_int_equal(run->exit_status, 0);
	assert_string_equal(run->err, "");
	assert_exact_in(record, &truth,
			ARGS("use_get()", "use_array()", "use_place()", "use_open()",
			     "use_or_throw()"),
			MAX_OWN_BLOCKS);
	assert_int_equal(number(record, "totals.failed"), truth.failed);
	/* The four exceptions, which the runtime gets inside the call. */
	assert_int_equal(number(record, "totals.unknown_frees"), 4);
	run__free(run);
}

static void test_all_forms(void **state)
{
	static const char *const ways[] = { "session", "multi", "perf" };
	(void)state;

	need_cookies();
	check_resources(ARGS("-T", "1000", "--definitions", write_definitions()));
	for (size_t i = 0; i < 3; i++) {
		char feature[32];

		snprintf(feature, sizeof(feature), "uprobe_%s", ways[i]);
		if (kernel_has(feature))
			check_resources(ARGS("-T", "1000", "--definitions", write_definitions(),
					     "--attach", ways[i]));
	}
}

static void test_by_options(void **state)
{
	struct run *run;
	(void)state;

	need_cookies();
	run = trace(ARGS("-T", "1000", "--alloc", "libresource_pool.so:pool_get(size=1)->ret",
			 "--free", "libresource_pool.so:pool_put(1)"),
		    ARGS(victim("resources")));
	assert_int_equal(stacks_with(exit_record(run), "use_get()").bytes, 110);
	assert_int_equal(stacks_with(exit_record(run), "use_get()").blocks, 10);
	assert_int_equal(stacks_with(exit_record(run), "use_array()").blocks, 0);
	run__free(run);
}

/* What was not found is said at the end, with the reason. */
static void test_unknown_functions(void **state)
{
	struct run *run;
	(void)state;

	need_cookies();
	run = trace(ARGS("--alloc", "libresource_pool.so:pool_gett(size=1)->ret", "--free",
			 "libpool.so:pool_put(1)"),
		    ARGS(victim("resources")));
	assert_contains(run->err,
			"libresource_pool.so:pool_gett was not probed: the file has no such "
			"function\n");
	assert_contains(run->err,
			"libpool.so:pool_put was not probed: no process that was traced maps that "
			"file\n");
	run__free(run);
}

static void check_refusal(const char *const *options, const char *why)
{
	struct run *run = run_tracer(options);

	assert_int_equal(run->exit_status, 120);
	assert_one_line(run->err);
	assert_contains(run->err, why);
	assert_string_equal(run->out, "");
	run__free(run);
}

static void test_refusals(void **state)
{
	static const char *const lines[] = { "# two", "alloc x:f(size=1) -> ret", "give x:f(1)" };
	(void)state;

	check_refusal(ARGS("--alloc", "pool_get(size=1) -> ret", "--", "true"),
		      "there is no : between the object and the function");
	check_refusal(ARGS("--free", "x:f()", "--", "true"), "the argument that is given back");
	check_refusal(ARGS("--definitions", "/nonexistent", "--", "true"),
		      "/nonexistent: No such file");
	check_refusal(ARGS("--definitions", write_lines("wrong", lines, 3), "--", "true"),
		      "wrong:3: a line begins with alloc, free or #");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_all_forms),
		SYSTEM_TEST(test_by_options),
		SYSTEM_TEST(test_unknown_functions),
		SYSTEM_TEST(test_refusals),
	};

	return cmocka_run_group_tests_name("definitions", tests, harness__begin, harness__end);
}
