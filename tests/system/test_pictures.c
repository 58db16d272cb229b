// SPDX-License-Identifier: GPL-2.0
/*
 * -w with the suffix of a picture: each has the sums of the JSON beside it, the programs that read
 * it agree, and the report goes where it went before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "options.h"

/* A run that writes every format of one report. */
struct pictures {
	struct run *run;
	json_t *record; /* of the end */
	const char *folded, *pprof, *speedscope, *jsonl;
};

static struct pictures draw(const char *const *command)
{
	struct pictures pictures = {
		.folded = scratch("out.folded"),
		.pprof = scratch("out.pb.gz"),
		.speedscope = scratch("out.speedscope.json"),
		.jsonl = scratch("out.jsonl"),
	};
	const char *words[32] = { "-T", "100000",	"-w", pictures.folded,
				  "-w", pictures.pprof, "-w", pictures.speedscope,
				  "-w", pictures.jsonl, "--" };
	size_t n = 11;
	FILE *lines;
	char *line = NULL;
	size_t size = 0;

	while (*command)
		words[n++] = *command++;
	pictures.run = run_tracer(words);
	lines = fopen(pictures.jsonl, "re");
	assert_non_null(lines);
	while (!pictures.record && getline(&line, &size, lines) > 0) {
		json_t *record = json_loads(line, 0, NULL);

		assert_non_null(record);
		if (!strcmp(text(record, "event"), "exit"))
			pictures.record = record;
		else
			json_decref(record);
	}
	free(line);
	fclose(lines);
	assert_non_null(pictures.record);
	return pictures;
}

static void forget(struct pictures *pictures)
{
	json_decref(pictures->record);
	run__free(pictures->run);
}

/* What a shell command prints as a number. */
static long long number_from(const char *command)
{
	FILE *out = popen(command, "r");
	long long number = -1;

	assert_non_null(out);
	if (fscanf(out, "%lld", &number) != 1)
		fail_msg("%s printed no number", command);
	pclose(out);
	return number;
}

static void test_sums_are_those_of_json(void **state)
{
	struct pictures pictures = draw(ARGS("/usr/bin/sort", "/etc/services", "/etc/passwd"));
	long long held = number(pictures.record, "held.bytes");
	json_t *file, *profile;
	(void)state;

	assert_int_equal(pictures.run->exit_status, access("/etc/services", R_OK) ? 2 : 0);
	assert_true(held > 0);
	assert_int_equal(
		number_from(words("awk '{ s += $NF } END { print s }' %s", pictures.folded)), held);
	file = json_load_file(pictures.speedscope, 0, NULL);
	assert_non_null(file);
	profile = json_array_get(json_object_get(file, "profiles"), 0);
	assert_int_equal(number(profile, "endValue"), held);
	json_decref(file);
	forget(&pictures);
}

/* go's own reader; blocks and bytes of each sample stand before its locations. */
static void test_pprof_reads_it(void **state)
{
	struct pictures pictures;
	(void)state;

	if (access("/usr/bin/go", X_OK))
		SKIP("no go, whose pprof reads profiles");
	pictures = draw(ARGS(victim("family")));
	assert_int_equal(
		number_from(words("HOME=%s go tool pprof -raw %s 2>/dev/null | awk '/^Locations/ "
				  "{ exit } $1 ~ /^[0-9]+$/ && $2 ~ /:$/ { s += $2 } "
				  "END { print s }'",
				  scratch("."), pictures.pprof)),
		number(pictures.record, "held.bytes"));
	assert_int_equal(
		number_from(words("HOME=%s go tool pprof -sample_index=inuse_objects -unit=count "
				  "-nodefraction=0 -top -cum %s 2>/dev/null | awk '$NF == \"main\" "
				  "{ print $4 + 0 }'",
				  scratch("."), pictures.pprof)),
		number(pictures.record, "held.blocks"));
	forget(&pictures);
}

/* heaptrack's own reader folds the stacks that it read. */
static void test_heaptrack_reads_it(void **state)
{
	const char *path = scratch("out.heaptrack"), *folded = scratch("heaptrack.folded");
	const char *jsonl = scratch("heaptrack.jsonl"), *print;
	struct run *run;
	(void)state;

	if (!have_program("heaptrack_print"))
		SKIP("no heaptrack");
	run = run_tracer(ARGS("-w", path, "-w", jsonl, "--", victim("family")));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	print = words("heaptrack_print --disable-builtin-suppressions -l 0 -p 0 -a 0 -T 0 -F %s "
		      "--flamegraph-cost-type leaked -f %s >/dev/null 2>&1",
		      folded, path);
	assert_int_equal(system(print), 0);
	assert_int_equal(
		number_from(words("awk '{ s += $NF } END { print s }' %s", folded)),
		number_from(words("jq 'select(.event == \"exit\") | .held.bytes' %s", jsonl)));
}

/* What a browser has made of the page, as the page's body tells it. */
static long long drawn(const char *page, const char *hash, const char *what)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage "
		 "--user-data-dir=%s --virtual-time-budget=5000 --dump-dom 'file://%s%s' "
		 "2>/dev/null | sed -n 's/.*<body.* data-%s=\"\\([0-9]*\\)\".*/\\1/p'",
		 scratch("browser"), page, hash, what);
	return number_from(command);
}

static void test_a_browser_draws_the_page(void **state)
{
	const char *page = scratch("held.html"), *jsonl = scratch("page.jsonl");
	char largest[512];
	struct run *run;
	(void)state;

	if (!have_program("chromium"))
		SKIP("no chromium, which opens the page");
	run = run_tracer(ARGS("-T", "1000", "-w", page, "-w", jsonl, "--", victim("family")));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	assert_int_equal(
		drawn(page, "", "total-bytes"),
		number_from(words("jq 'select(.event == \"exit\") | .held.bytes' %s", jsonl)));
	assert_int_equal(
		drawn(page, "#show=blocks", "total-bytes"),
		number_from(words("jq 'select(.event == \"exit\") | .held.blocks' %s", jsonl)));
	/* All, main's callers, main, and each function that it calls. */
	assert_true(drawn(page, "", "drawn-frames") >= 11);
	snprintf(largest, sizeof(largest),
		 "jq 'select(.event == \"exit\") | [.stacks[] | {f: .frames[0].function, b: "
		 ".bytes}] | group_by(.f) | map(map(.b) | add) | max' %s",
		 jsonl);
	/* Whoever allocated most, when the allocating functions are on top. */
	assert_int_equal(drawn(page, "#as=inverted&zoom=0", "total-bytes"), number_from(largest));
}

/* The report of a command still goes to its standard error. */
static void test_the_report_stays(void **state)
{
	const char *path = scratch("beside.folded");
	struct run *run = run_tracer(ARGS("-w", path, "--", victim("leak64")));
	char line[512] = "";
	FILE *file;
	(void)state;

	assert_contains(run->err, "  held at the end    67,108,864 bytes in 1 block\n");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_contains(line, "main 67108864\n");
	fclose(file);
	run__free(run);
}

static void test_two_files(void **state)
{
	const char *first = scratch("first.txt"), *second = scratch("second");
	struct run *run = run_tracer(
		ARGS("-w", first, "-w", second, "--format", "text", "--", victim("leak64")));
	(void)state;

	assert_string_equal(run->err, "");
	run__free(run);
	assert_int_equal(number_from(words("grep -c 'ended: exit status 0' %s", first)), 1);
	assert_int_equal(number_from(words("grep -c 'ended: exit status 0' %s", second)), 1);
	run = run_tracer(ARGS("-w", first, "-w", "/nonexistent/x.folded", "--", victim("leak64")));
	assert_int_equal(run->exit_status, STATUS_OUTPUT);
	assert_contains(run->err, "cannot write to /nonexistent/x.folded: No such file");
	assert_one_line(run->err);
	run__free(run);
}

/* All stacks are in the picture, whatever -T is; and the newest report is. */
static void test_all_stacks(void **state)
{
	const char *path = scratch("all.folded");
	struct run *run =
		run_tracer(ARGS("-T", "1", "-w", path, "--", victim("many_stacks"), "300", "20"));
	(void)state;

	assert_contains(run->err, "  and 299 more stacks, ");
	run__free(run);
	assert_true(number_from(words("awk '{ s += $NF } END { print s }' %s", path)) > 0);
	assert_int_equal(number_from(words("grep -c leaf %s", path)) > 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_sums_are_those_of_json),
		SYSTEM_TEST(test_pprof_reads_it),
		SYSTEM_TEST(test_heaptrack_reads_it),
		SYSTEM_TEST(test_a_browser_draws_the_page),
		SYSTEM_TEST(test_the_report_stays),
		SYSTEM_TEST(test_two_files),
		SYSTEM_TEST(test_all_stacks),
	};

	return cmocka_run_group_tests_name("pictures", tests, harness__begin, harness__end);
}
