// SPDX-License-Identifier: GPL-2.0
/*
 * JSON Lines: every example against its golden file, re-read with a parser, and written again while
 * each allocation in turn fails.
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

#include "example_ranking.h"
#include "example_report.h"
#include "failing_alloc.h"
#include "golden_file.h"
#include "write_report.h"

static void compare_all(enum report_kind kind, const char *golden)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i]);

		write_report(out, &json_writer, kind, &report);
	}
	assert_int_equal(fclose(out), 0);
	golden_file__compare(golden, text);
	free(text);
}

static void test_exit(void **state)
{
	(void)state;
	compare_all(REPORT_EXIT, "exit.jsonl");
}

static void test_outstanding(void **state)
{
	(void)state;
	compare_all(REPORT_OUTSTANDING, "outstanding.jsonl");
}

static void write_others(FILE *out)
{
	struct start_report start = { .version = "0.1.0",
				      .kernel = "6.1.0\xff",
				      .mode = "command",
				      .allocator_functions = 14,
				      .allocator_files = 1,
				      .exit_before = "kprobe",
				      .exit_after = "tracepoint",
				      .degraded = { "room is less" } };
	struct trace_report event = { .time = { 1767225600, 999999999 },
				      .pid = 4711,
				      .tid = 4712,
				      .comm = "leak64",
				      .function = "malloc",
				      .address = 0x5555555592a0 };
	struct total_report total = { .processes = 1,
				      .held_bytes = 67108864,
				      .reclaimed_bytes = UINT64_MAX,
				      .tracer_cpu_s = -1 };

	write_report(out, &json_writer, REPORT_START, &start);
	write_report(out, &json_writer, REPORT_TRACE, &event);
	event.is_free = true;
	event.size_bytes = UINT64_MAX;
	write_report(out, &json_writer, REPORT_TRACE, &event);
	write_report(out, &json_writer, REPORT_TOTAL, &total);
	total.has_memory = true;
	total.before = (struct memory_report){ 1000, 200, 300, 400, 500, 600 };
	total.after = (struct memory_report){ 1000, 201, 301, 401, UINT64_MAX, FIGURE_UNKNOWN };
	total.lost = (struct report_lost){
		{ [LOSS_RETURN] = 1, [LOSS_BLOCK_MAP_FULL] = 2, [LOSS_STACK] = 3 }
	};
	total.system_wide = true;
	total.processes = 315;
	total.fork_copies = 40;
	total.verified = 311;
	total.unverified = 3;
	total.not_reclaimed = 1;
	total.tracer_cpu_s = 0.82;
	total.tracer_peak_bytes = 31 << 20;
	write_report(out, &json_writer, REPORT_TOTAL, &total);
}

static void test_others(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	write_others(out);
	assert_int_equal(fclose(out), 0);
	golden_file__compare("others.jsonl", text);
	free(text);
}

static void write_rankings(FILE *out)
{
	for (size_t i = 0; i < nr_example_rankings; i++)
		write_report(out, &json_writer, REPORT_RANKING, &example_rankings[i].ranking);
}

static void test_ranking(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	write_rankings(out);
	assert_int_equal(fclose(out), 0);
	golden_file__compare("ranking.jsonl", text);
	free(text);
}

static json_t *parse_example(const char *name, enum report_kind kind)
{
	struct process_report report = example_report__find(name);
	char *text = report_text(&json_writer, kind, &report);
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(line);
	free(text);
	return line;
}

static void test_unknown_is_null(void **state)
{
	json_t *line = parse_example("no allocator", REPORT_EXIT);

	(void)state;
	assert_true(json_is_null(json_object_get(line, "held")));
	assert_true(json_is_null(json_object_get(line, "totals")));
	assert_true(json_is_null(json_object_get(line, "leaks")));
	assert_true(json_is_null(json_object_get(line, "not_looked_at")));
	json_decref(line);

	line = parse_example("not looked at", REPORT_EXIT);
	assert_true(json_is_null(json_object_get(line, "held")));
	assert_string_equal(json_string_value(json_object_get(line, "not_looked_at")),
			    "a 32-bit program");
	json_decref(line);

	line = parse_example("filtered", REPORT_OUTSTANDING);
	assert_true(
		json_is_null(json_object_get(json_object_get(line, "totals"), "unknown_frees")));
	assert_null(json_object_get(line, "end"));
	assert_null(json_object_get(line, "reclaimed"));
	json_decref(line);

	line = parse_example("all unknown", REPORT_EXIT);
	assert_true(json_is_null(json_object_get(line, "verified")));
	assert_true(
		json_is_null(json_object_get(json_object_get(line, "stays"), "page_cache_bytes")));
	json_decref(line);

	line = parse_example("inherited unknown", REPORT_OUTSTANDING);
	assert_true(json_is_null(json_object_get(json_object_get(line, "inherited"), "bytes")));
	assert_true(
		json_is_null(json_object_get(json_object_get(line, "inherited"), "freed_bytes")));
	assert_null(json_object_get(line, "fork_copy"));
	json_decref(line);

	line = parse_example("end unknown", REPORT_EXIT);
	assert_true(json_is_null(json_object_get(json_object_get(line, "end"), "kind")));
	assert_true(json_is_null(json_object_get(line, "run_s")));
	assert_true(json_is_null(json_object_get(line, "comm")));
	json_decref(line);
}

static void test_values(void **state)
{
	json_t *line = parse_example("signalled", REPORT_EXIT);
	json_t *end = json_object_get(line, "end");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(line, "time")),
			    "2026-01-01T00:00:00.123Z");
	assert_string_equal(json_string_value(json_object_get(end, "kind")), "signalled");
	assert_int_equal(json_integer_value(json_object_get(end, "signal")), 11);
	assert_true(json_is_null(json_object_get(end, "code")));
	assert_true(json_is_true(json_object_get(end, "core_dumped")));
	json_decref(line);

	line = parse_example("huge", REPORT_EXIT);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(line, "held"), "bytes")),
		INT64_MAX);
	assert_true(json_is_null(json_object_get(line, "time")));
	json_decref(line);

	line = parse_example("not reclaimed", REPORT_EXIT);
	assert_true(json_is_false(json_object_get(line, "verified")));
	assert_true(json_is_false(json_object_get(line, "fork_copy")));
	json_decref(line);

	line = parse_example("fork copy exec", REPORT_EXIT);
	assert_true(json_is_true(json_object_get(line, "fork_copy")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "inherited"),
							    "freed_bytes")),
			 120);
	json_decref(line);
}

static void test_kept(void **state)
{
	json_t *line = parse_example("kept", REPORT_EXIT);
	json_t *kept = json_object_get(json_object_get(line, "stays"), "kept");

	(void)state;
	assert_int_equal(json_array_size(kept), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(kept, 0), "why")),
			    "until it is removed");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(kept, 0), "bytes")),
			 65536);
	assert_string_equal(json_string_value(json_object_get(json_array_get(kept, 1), "name")),
			    "/dev/shm/\x1b[2J\nx");
	assert_true(json_is_null(json_object_get(json_array_get(kept, 1), "bytes")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(kept, 2), "name")),
			    "\xc3\xa9\xef\xbf\xbd");
	assert_true(json_is_null(json_object_get(json_array_get(kept, 2), "why")));
	json_decref(line);

	line = parse_example("plain", REPORT_EXIT);
	kept = json_object_get(json_object_get(line, "stays"), "kept");
	assert_true(json_is_array(kept));
	assert_int_equal(json_array_size(kept), 0);
	json_decref(line);
}

/* Splits text into lines, each of which must be one object; returns how many. */
static size_t check_lines(const char *text)
{
	size_t nr_lines = 0;

	while (*text) {
		const char *end = strchr(text, '\n');
		json_t *line;

		assert_non_null(end);
		line = json_loadb(text, end - text, JSON_REJECT_DUPLICATES, NULL);
		if (!line)
			fail_msg("not JSON: %.*s", (int)(end - text), text);
		assert_true(json_is_object(line));
		json_decref(line);
		/* ASCII without controls; jansson leaves DEL as it is. */
		for (; text < end; text++)
			assert_in_range((unsigned char)*text, ' ', 0x7f);
		text = end + 1;
		nr_lines++;
	}
	return nr_lines;
}

static void write_everything(FILE *out)
{
	write_others(out);
	write_rankings(out);
	for (size_t i = 0; i < nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i]);

		write_report(out, &json_writer, REPORT_EXIT, &report);
		write_report(out, &json_writer, REPORT_OUTSTANDING, &report);
	}
}

static void test_every_line_parses(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	write_everything(out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(check_lines(text), 5 + nr_example_rankings + 2 * nr_example_reports);
	free(text);
}

/*
 * jansson's blocks: how many more allocations succeed, and how many blocks are out, since each must
 * come back.
 */
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

/* Messages about lines that were not written go away from the terminal. */
static int silence_stderr(void)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(saved >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	close(null);
	return saved;
}

static void restore_stderr(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

typedef void (*write_example)(FILE *out, const void *example);

static void write_exit(FILE *out, const void *example)
{
	struct process_report report = example_report__make(example);

	write_report(out, &json_writer, REPORT_EXIT, &report);
}

static void write_ranking(FILE *out, const void *example)
{
	write_report(out, &json_writer, REPORT_RANKING,
		     &((const struct example_ranking *)example)->ranking);
}

/* Writes one example with the allocations limited; returns whether the line is there, whole. */
static bool write_limited(write_example write, const void *example)
{
	static char buffer[65536];
	FILE *out = fmemopen(buffer, sizeof(buffer), "w");
	int saved = silence_stderr();
	size_t nr_lines;

	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0); /* half a line would show */
	memset(buffer, 0, sizeof(buffer));
	write(out, example);
	restore_stderr(saved);
	failing_alloc__never();
	nr_jansson_left = -1;
	fclose(out);
	nr_lines = check_lines(buffer);
	assert_true(nr_lines <= 1);
	assert_int_equal(nr_jansson_blocks, 0);
	return nr_lines == 1;
}

/* Each allocation fails in turn: jansson's, then ours. */
static void fail_each_allocation(write_example write, const void *example)
{
	long nr = 0;

	do {
		nr_jansson_left = nr++;
	} while (!write_limited(write, example));
	assert_true(nr > 50);
	nr = 0;
	do {
		failing_alloc__after(nr++);
	} while (!write_limited(write, example));
}

static void test_no_half_lines(void **state)
{
	(void)state;
	json_set_alloc_funcs(jansson_malloc, jansson_free);
	for (size_t i = 0; i < nr_example_reports; i++)
		fail_each_allocation(write_exit, &example_reports[i]);
	for (size_t i = 0; i < nr_example_rankings; i++)
		fail_each_allocation(write_ranking, &example_rankings[i]);
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit),	      cmocka_unit_test(test_outstanding),
		cmocka_unit_test(test_others),	      cmocka_unit_test(test_unknown_is_null),
		cmocka_unit_test(test_values),	      cmocka_unit_test(test_kept),
		cmocka_unit_test(test_ranking),	      cmocka_unit_test(test_every_line_parses),
		cmocka_unit_test(test_no_half_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
