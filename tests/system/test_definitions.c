// SPDX-License-Identifier: GPL-2.0
/* Functions that the user defines: by options and by a file, for memory and for other resources. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
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

/*
 * Whether a probe can be told which function it is on: by perf events since Linux 5.15, and by
 * uprobe.multi links, which some distributions have brought to older kernels.
 */
static bool has_cookies(void)
{
	unsigned int major, minor;
	struct utsname system;

	assert_int_equal(uname(&system), 0);
	assert_int_equal(sscanf(system.release, "%u.%u", &major, &minor), 2);
	return major > 5 || (major == 5 && minor >= 15) || kernel_has("uprobe_multi");
}

static void need_cookies(void)
{
	if (!has_cookies())
		SKIP("this kernel refuses definitions, which test_an_old_kernel tests");
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

/* One line says why, nothing is loaded into the kernel, and the command is not even begun. */
static void check_old_kernel(const char *const *options)
{
	struct bpf_objects before = bpf_objects_now();
	struct run *run = run_tracer(options);

	assert_int_equal(run->exit_status, 122);
	assert_one_line(run->err);
	assert_contains(run->err,
			"--alloc, --free and --definitions need Linux 5.15, and this is ");
	assert_string_equal(run->out, "");
	assert_no_bpf_objects_since(&before);
	run__free(run);
}

static void test_an_old_kernel(void **state)
{
	const char *report = scratch("refused");
	struct run *features;
	struct stat status;
	(void)state;

	if (has_cookies())
		SKIP("this kernel takes definitions");
	check_old_kernel(ARGS("--definitions", write_definitions(), "--", "echo", "begun"));
	check_old_kernel(ARGS("--alloc", "libresource_pool.so:pool_get(size=1) -> ret", "--",
			      "echo", "begun"));
	check_old_kernel(ARGS("--free", "libresource_pool.so:pool_put(1)", "-w", report, "--json",
			      "--", "echo", "begun"));
	assert_true(stat(report, &status) || !status.st_size);
	check_old_kernel(ARGS("--free", "libresource_pool.so:pool_put(1)", "--attach", "perf", "--",
			      "echo", "begun"));
	/* What is asked of --features is told all the same. */
	features = run_tracer(ARGS("--features", "--free", "libresource_pool.so:pool_put(1)"));
	assert_int_equal(features->exit_status, 122);
	assert_one_line(features->err);
	assert_contains(features->out, "\nwhere functions are probed in ");
	run__free(features);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_all_forms),	     SYSTEM_TEST(test_by_options),
		SYSTEM_TEST(test_unknown_functions), SYSTEM_TEST(test_refusals),
		SYSTEM_TEST(test_an_old_kernel),
	};

	return cmocka_run_group_tests_name("definitions", tests, harness__begin, harness__end);
}
