// SPDX-License-Identifier: GPL-2.0
/* What --features tells of the allocators that are installed, and of files that options name. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "harness.h"

static json_t *features_with(const char *const *argv)
{
	struct child_options options = { .argv = argv };
	struct run *run = run_with(&options, RUN_TIMEOUT_S);
	json_t *line;

	assert_int_equal(run->exit_status, 0);
	assert_one_line(run->out);
	line = json_loads(run->out, 0, NULL);
	assert_non_null(line);
	run__free(run);
	return line;
}

static json_t *features_of_machine(void)
{
	return features_with(ARGS(tracer_path(), "--features", "--json"));
}

/* The file of the list, by the last part of its path; NULL when it is not there. */
static const json_t *listed_file(const json_t *features, const char *name)
{
	const json_t *files = field(features, "allocators"), *file;
	size_t i;

	json_array_foreach(files, i, file)
	{
		const char *path = text(file, "file"), *last = strrchr(path, '/');

		if (!strcmp(last ? last + 1 : path, name))
			return file;
	}
	return NULL;
}

static const json_t *function_of(const json_t *file, const char *name)
{
	const json_t *functions = field(file, "functions"), *function;
	size_t i;

	json_array_foreach(functions, i, function)
	{
		if (!strcmp(text(function, "function"), name))
			return function;
	}
	fail_msg("%s has no %s", text(file, "file"), name);
	return NULL;
}

/* The text has a line for each function of each file, in 80 columns, and the reasons of others. */
static void test_allocators_as_text(void **state)
{
	struct run *run = run_tracer(ARGS("--features"));
	json_t *features = features_of_machine();
	const json_t *files = field(features, "allocators"), *file, *function;
	size_t i, j;
	(void)state;

	assert_true(json_array_size(files) > 0);
	json_array_foreach(files, i, file)
	{
		const char *path = text(file, "file");

		if (!is_null(file, "problem")) {
			assert_contains(run->out,
					words("\n  %s: %s\n", path, text(file, "problem")));
			assert_int_equal(json_array_size(field(file, "functions")), 0);
			continue;
		}
		assert_contains(run->out, words("\nwhere functions are probed in %s\n  ", path));
		json_array_foreach(field(file, "functions"), j, function)
		{
			char line[256];

			snprintf(line, sizeof(line), "\n  %-24s 0x%llx+%lld",
				 text(function, "function"),
				 (unsigned long long)number(function, "offset"),
				 number(function, "probe_behind"));
			assert_contains(run->out, line);
			line[strcspn(line, "+")] = '\0';
			assert_in_range(strcspn(strstr(run->out, line) + 1, "\n"), 1, 80);
		}
	}
	json_decref(features);
	run__free(run);
}

static void check_malloc_and_free(const json_t *file, const char *prefix)
{
	const json_t *malloc_of_it = function_of(file, words("%smalloc", prefix));
	const json_t *free_of_it = function_of(file, words("%sfree", prefix));

	assert_string_equal(text(malloc_of_it, "found_in"), ".dynsym");
	assert_string_equal(text(malloc_of_it, "returns"), "return_probe");
	assert_int_equal(number(malloc_of_it, "rets"), 0);
	assert_true(is_null(free_of_it, "returns"));
}

/* Those of this machine that a distribution installs under these names. */
static void test_installed_allocators(void **state)
{
	static const char *const names[][2] = {
		{ "libc.so.6", "" },	     { "ld-musl-x86_64.so.1", "" },
		{ "libjemalloc.so", "" },    { "libtcmalloc_minimal.so", "" },
		{ "libmimalloc.so", "mi_" }, { "libtbbmalloc.so", "scalable_" },
	};
	json_t *features = features_of_machine();
	const json_t *file;
	(void)state;

	assert_non_null(listed_file(features, "libc.so.6"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		file = listed_file(features, names[i][0]);
		/* mimalloc's mi_malloc shares its address with malloc, which comes first. */
		if (file)
			check_malloc_and_free(file, i == 4 ? "" : names[i][1]);
	}
	file = listed_file(features, "libjemalloc.so");
	if (file) {
		assert_string_equal(text(function_of(file, "_Znwm"), "returns"), "rets");
		assert_true(number(function_of(file, "_Znwm"), "rets") > 0);
	}
	json_decref(features);
}

/* -v of a run tells the same of each function of libc. */
static void test_verbose_run_agrees(void **state)
{
	struct run *run = run_tracer(ARGS("-v", "--", victim("leak64")));
	json_t *features = features_of_machine();
	const json_t *functions = field(features, "libc.functions"), *function;
	size_t i;
	(void)state;

	json_array_foreach(functions, i, function)
	{
		const char *name = text(function, "function");
		const char *line = strstr(run->err, words("libc.so.6: %s ", name));
		char place[32], told[256];

		if (!line)
			fail_msg("-v does not name %s: %s", name, run->err);
		snprintf(told, sizeof(told), "%.*s", (int)strcspn(line, "\n"), line);
		snprintf(place, sizeof(place), "0x%llx",
			 (unsigned long long)number(function, "offset"));
		assert_contains(told, place);
		assert_contains(told, text(function, "found_in"));
	}
	json_decref(features);
	run__free(run);
}

/* Bad files, in a usual place that only the child sees. */
static int put_in_usual_place(void *folder)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount(folder, "/usr/local/lib", NULL, MS_BIND, NULL);
}

static void make_bad_files(const char *folder)
{
	char script[4096];
	struct run *run;

	snprintf(script, sizeof(script),
		 "mkdir '%s' && cd '%s' && echo garbage >libjemalloc.so.8 && "
		 "head -c 3000 %s >libtcmalloc.so.8 && ln -s nowhere libmimalloc.so.8 && "
		 "mkdir libtbbmalloc.so.8 && echo x >\"$(printf 'libjemalloc.so.9\\033[2J\\n;')\"",
		 folder, folder, victim("libbump_allocator.so"));
	run = run_plain(ARGS("sh", "-c", script));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

static void test_bad_files(void **state)
{
	static const char *const expected[] = {
		"libjemalloc.so.8: no ELF file\n",
		"libtcmalloc.so.8: a damaged ELF file\n",
		"libmimalloc.so.8: No such file or directory\n",
		"libtbbmalloc.so.8: no regular file\n",
		"libjemalloc.so.9\\e[2J\\n;: no ELF file\n",
	};
	const char *folder = scratch("usual");
	struct child_options options = { .argv = ARGS(tracer_path(), "--features"),
					 .prepare = put_in_usual_place,
					 .prepare_context = (void *)folder };
	struct run *run;
	(void)state;

	if (access("/usr/local/lib", F_OK))
		SKIP("there is no /usr/local/lib");
	make_bad_files(folder);
	run = run_with(&options, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_string_equal(run->err, "");
	assert_contains(run->out, "/libc.so.6\n  malloc ");
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_contains(run->out, words("\n  /usr/local/lib/%s", expected[i]));
	run__free(run);
}

/* -O leaves the others out, and adds a file by its path: here one without any names. */
static void test_chosen_objects(void **state)
{
	const char *program = victim("leak64_static_stripped");
	json_t *features = features_with(
		ARGS(tracer_path(), "--features", "--json", "-O", program, "-O", "libnone.so"));
	const json_t *files = field(features, "allocators");
	const json_t *missing = field(features, "not_found");
	const json_t *file = listed_file(features, "leak64_static_stripped");
	(void)state;

	assert_int_equal(json_array_size(files), 1);
	assert_non_null(file);
	assert_string_equal(text(function_of(file, "malloc"), "found_in"), "code");
	assert_int_equal(json_array_size(missing), 1);
	assert_string_equal(text(json_array_get(missing, 0), "name"), "libnone.so");
	assert_true(is_null(features, "libc"));
	json_decref(features);
	features = features_with(ARGS(tracer_path(), "--features", "--json", "-O", "libc.so.6"));
	assert_int_equal(json_array_size(field(features, "allocators")), 1);
	assert_non_null(listed_file(features, "libc.so.6"));
	assert_int_equal(json_array_size(field(features, "not_found")), 0);
	json_decref(features);
}

static void test_prefixes(void **state)
{
	struct run *run = run_tracer(ARGS("--features", "-S", "nobodys_"));
	json_t *features;
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "\n  nobodys_malloc: no such function (-S)\n");
	run__free(run);
	features = features_with(ARGS(tracer_path(), "--features", "--json", "-S", "pool_", "-O",
				      victim("own_names_pool")));
	function_of(listed_file(features, "own_names_pool"), "pool_malloc");
	assert_int_equal(json_array_size(field(features, "not_found")), 0);
	json_decref(features);
}

/* Functions of definitions, in files that they name by a path or not. */
static void test_definitions(void **state)
{
	char in_plain[512], in_throwing[512];
	json_t *features;
	const json_t *missing;
	(void)state;

	if (!kernel_has("uprobe_multi") && !kernel_has("unwind"))
		SKIP("this kernel refuses definitions, which test_definitions tests");
	snprintf(in_plain, sizeof(in_plain), "%s:pool_get(size=1)->ret",
		 victim("libresource_pool.so"));
	snprintf(in_throwing, sizeof(in_throwing), "%s:pool_or_throw(size=1)->ret",
		 victim("libthrowing_pool.so"));
	features = features_with(ARGS(tracer_path(), "--features", "--json", "--alloc", in_plain,
				      "--alloc", in_throwing, "--free", "libpool.so:pool_put(1)"));
	assert_string_equal(
		text(function_of(listed_file(features, "libresource_pool.so"), "pool_get"),
		     "returns"),
		"return_probe");
	assert_string_equal(
		text(function_of(listed_file(features, "libthrowing_pool.so"), "pool_or_throw"),
		     "returns"),
		"rets");
	missing = field(features, "not_found");
	assert_int_equal(json_array_size(missing), 1);
	assert_string_equal(text(json_array_get(missing, 0), "name"), "libpool.so:pool_put");
	assert_string_equal(text(json_array_get(missing, 0), "problem"),
			    "it is in no usual place; give its path");
	json_decref(features);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_allocators_as_text), SYSTEM_TEST(test_installed_allocators),
		SYSTEM_TEST(test_verbose_run_agrees), SYSTEM_TEST(test_bad_files),
		SYSTEM_TEST(test_chosen_objects),     SYSTEM_TEST(test_prefixes),
		SYSTEM_TEST(test_definitions),
	};

	return cmocka_run_group_tests_name("features_allocators", tests, harness__begin,
					   harness__end);
}
