// SPDX-License-Identifier: GPL-2.0
/*
 * The text writers: every example against its golden file, and the sentences that a reader must
 * find whatever the layout becomes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "example_report.h"
#include "golden_file.h"
#include "write_report.h"
#include "base/text_units.h"

static void compare_all(const struct writer *writer, enum report_kind kind, const char *golden)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i]);

		fprintf(out, "### %s\n", example_reports[i].name);
		write_report(out, writer, kind, &report);
	}
	assert_int_equal(fclose(out), 0);
	golden_file__compare(golden, text);
	free(text);
}

static void test_exit(void **state)
{
	(void)state;
	compare_all(&text_writer, REPORT_EXIT, "exit.txt");
}

static void test_exit_verbose(void **state)
{
	(void)state;
	compare_all(&text_verbose_writer, REPORT_EXIT, "exit_verbose.txt");
}

static void test_outstanding(void **state)
{
	(void)state;
	compare_all(&text_writer, REPORT_OUTSTANDING, "outstanding.txt");
}

static void test_tree(void **state)
{
	const struct writer writer = { &output_text, { .tree_percent = 5 }, 0 };
	(void)state;
	compare_all(&writer, REPORT_OUTSTANDING, "tree.txt");
}

static void test_outstanding_verbose(void **state)
{
	(void)state;
	compare_all(&text_verbose_writer, REPORT_OUTSTANDING, "outstanding_verbose.txt");
}

static void write_starts(FILE *out, const struct writer *writer)
{
	struct start_report start = { .version = "0.1.0",
				      .kernel = "6.1.0\n-x",
				      .mode = "command",
				      .allocator_functions = 14,
				      .allocator_files = 1,
				      .exit_before = "kprobe",
				      .exit_after = "tracepoint",
				      .uprobe = "perf" };

	fprintf(out, "### text%s\n", writer->settings.verbose ? "-verbose" : "");
	write_report(out, writer, REPORT_START, &start);
	start.mode = "pid";
	write_report(out, writer, REPORT_START, &start);
	start.allocator_functions = 1;
	start.allocator_files = 2;
	write_report(out, writer, REPORT_START, &start);
	start.allocator_functions = start.allocator_files = 0;
	start.degraded[0] = "room is less";
	start.degraded[1] = "who keeps it is not looked up";
	write_report(out, writer, REPORT_START, &start);
}

static void test_start(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	write_starts(out, &text_writer);
	write_starts(out, &text_verbose_writer);
	assert_int_equal(fclose(out), 0);
	golden_file__compare("start.txt", text);
	free(text);
}

static void test_trace(void **state)
{
	struct trace_report event = { .time = { 1767225600, 123456789 },
				      .pid = 4711,
				      .tid = 4712,
				      .comm = "leak64",
				      .function = "malloc",
				      .address = 0x5555555592a0,
				      .size_bytes = 1048576 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	write_report(out, &text_writer, REPORT_TRACE, &event);
	event.function = "posix_memalign";
	event.size_bytes = 1;
	event.comm = "a-15-bytes-comm\n";
	write_report(out, &text_writer, REPORT_TRACE, &event);
	event.function = "free";
	event.is_free = true;
	event.comm = NULL;
	event.size_bytes = UINT64_MAX;
	write_report(out, &text_verbose_writer, REPORT_TRACE, &event);
	assert_int_equal(fclose(out), 0);
	golden_file__compare("trace.txt", text);
	free(text);
}

static void test_total(void **state)
{
	struct total_report total = { .processes = 1,
				      .held_bytes = 67108864,
				      .reclaimed_bytes = 67108864 + 172032 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	write_report(out, &text_writer, REPORT_TOTAL, &total);
	total.processes = 1200;
	total.has_memory = true;
	total.before = (struct memory_report){ 25276502016, 292552704,	 25051709440,
					       121241600,   24983949312, FIGURE_UNKNOWN };
	total.after = (struct memory_report){ 25276502016,	     292552704 + 1048576,
					      25051709440 - 9000000, 121241600 + 9000000,
					      24983949312 - 1048576, FIGURE_UNKNOWN };
	total.lost.by_cause[LOSS_BLOCK_MAP_FULL] = 7;
	total.reclaimed_bytes = UINT64_MAX;
	write_report(out, &text_verbose_writer, REPORT_TOTAL, &total);
	/* The line is there only where it explains a growth. */
	total.before.per_cpu_lists_bytes = 160 << 20;
	total.after.per_cpu_lists_bytes = (160 << 20) + 1000;
	write_report(out, &text_writer, REPORT_TOTAL, &total);
	total.after.per_cpu_lists_bytes = 199 << 20;
	total.tracer_cpu_s = 0.82;
	total.tracer_peak_bytes = 31 << 20;
	write_report(out, &text_writer, REPORT_TOTAL, &total);
	assert_int_equal(fclose(out), 0);
	golden_file__compare("total.txt", text);
	free(text);
}

static void assert_says(enum report_kind kind, const char *example, const char *sentence)
{
	struct process_report report = example_report__find(example);
	char *text = report_text(&text_writer, kind, &report);

	if (!strstr(text, sentence))
		fail_msg("'%s' is not said of '%s':\n%s", sentence, example, text);
	free(text);
}

static void test_sentences(void **state)
{
	static const struct {
		const char *example, *sentence;
	} sentences[] = {
		{ "plain", "PID 4711 leak64 ended: exit status 0 after 0.13 s\n" },
		{ "plain", "  held at the end    67,108,864 bytes in 1 block\n" },
		{ "plain", "  67,108,864 bytes in 1 block from\n" },
		{ "plain", "      main                    leak64.c:4\n" },
		{ "plain", "resident 64.9 MiB = 64.0 MiB anonymous + 916 KiB file + 0 shared" },
		{ "plain", "64.1 MiB of pages (16,413 page frames)\n" },
		{ "nothing held", "  stays              nothing\n" },
		{ "signalled", "PID 4711 (12 in its namespace) leak64 ended: killed by signal 11"
			       " (SIGSEGV), core dumped after 1 h 2 min\n" },
		{ "oom", "ended: killed by the OOM killer with signal 9 (SIGKILL) after" },
		{ "exec", "leak64 became /usr/bin/ls after 0.001 s\n" },
		{ "memory not gone",
		  "the process is gone but its memory is not: something else still"
		  " uses it\n" },
		{ "late attach", "blocks from before the attach are not counted\n" },
		{ "late attach", "   2 allocations failed\n" },
		{ "late attach", "   5 frees of blocks that were not recorded\n" },
		{ "lost", "held at the end    at least 67,108,864 bytes" },
		{ "lost", "heap usage         at least 1 allocation, at least 0 frees" },
		{ "lost", "  lost               1 allocator call whose return was not seen\n" },
		{ "lost", "   2,000 blocks for which there was no room (see --max-blocks)\n" },
		{ "lost stacks", "  held at the end    67,108,864 bytes" },
		{ "lost stacks", "  at least 67,108,864 bytes in 1 block from\n" },
		{ "no allocator", "held at the end    unknown: no allocator found\n" },
		{ "uncalled",
		  "held at the end    unknown: it called no function that is probed\n" },
		{ "unexplained",
		  "not explained      at least 39.1 MiB of memory that no probed function gave\n" },
		{ "not looked at",
		  "held at the end    unknown: not looked at: a 32-bit program\n" },
		{ "unverified",
		  "  unverified         the counters are zero, but 120 pages were not seen"
		  " returning to the allocator\n" },
		{ "stacks", "  and 12 more stacks, 3,456 bytes in 20 blocks\n" },
		{ "stacks", "      stripped.so+0x1234\n" },
		{ "stacks", "vector.h:12 (inlined)\n" },
		{ "stacks", "  [libc.so.6+0x27249]\n" },
		{ "inherited", "1,234,567 bytes in 89 blocks from PID 4000 at the fork; freed"
			       " since: 3 blocks, 120 bytes\n" },
		{ "kept", "  stays              916 KiB of file pages, in the page cache" },
		{ "kept", "   64 KiB of System V shared memory: shmid 5, key 0x1234; until it is"
			  " removed\n" },
		{ "one more stack", "  and 1 more stack, 1 byte in 1 block\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		assert_says(REPORT_EXIT, sentences[i].example, sentences[i].sentence);
	assert_says(REPORT_OUTSTANDING, "late attach",
		    "blocks from before the attach are not counted\n");
	assert_says(REPORT_OUTSTANDING, "level",
		    "less 1,280 frees of blocks that were not recorded, 6 blocks more than at the"
		    " attach\n");
	assert_says(REPORT_OUTSTANDING, "late attach",
		    "less 5 frees of blocks that were not recorded, 4 blocks fewer than at the"
		    " attach\n");
	assert_says(REPORT_OUTSTANDING, "as at the attach",
		    "less 1,286 frees of blocks that were not recorded, as many blocks as at the"
		    " attach\n");
	assert_says(REPORT_OUTSTANDING, "plain",
		    "[00:00:00] PID 4711 leak64: outstanding 67,108,864 bytes in 1 block\n");
}

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text == 0x7f || ((unsigned char)*text < ' ' && *text != '\n'))
			return false;
	}
	return true;
}

/* Nothing a program can choose may reach the terminal raw, or say that its block "leaked". */
static void test_every_text_is_clean(void **state)
{
	const struct writer *writers[] = { &text_writer, &text_verbose_writer };
	enum report_kind kinds[] = { REPORT_EXIT, REPORT_OUTSTANDING };

	(void)state;
	for (size_t i = 0; i < 4 * nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i / 4]);
		char *text = report_text(writers[i % 2], kinds[i / 2 % 2], &report);

		assert_true(is_printable(text));
		assert_null(strstr(text, "leaked"));
		assert_null(strstr(text, "\nPID 1 init"));
		free(text);
	}
}

static void test_units(void **state)
{
	(void)state;
	assert_string_equal(text_units__count(0).text, "0");
	assert_string_equal(text_units__count(999).text, "999");
	assert_string_equal(text_units__count(1000).text, "1,000");
	assert_string_equal(text_units__count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(text_units__nouns(1, "block").text, "1 block");
	assert_string_equal(text_units__nouns(0, "block").text, "0 blocks");
	assert_string_equal(text_units__size(FIGURE_UNKNOWN).text, "unknown");
	assert_string_equal(text_units__size(0).text, "0");
	assert_string_equal(text_units__size(1).text, "1 byte");
	assert_string_equal(text_units__size(1023).text, "1023 bytes");
	assert_string_equal(text_units__size(-5).text, "-5 bytes");
	assert_string_equal(text_units__size(1024).text, "1 KiB");
	assert_string_equal(text_units__size(1536).text, "1.5 KiB");
	assert_string_equal(text_units__size(-8192).text, "-8 KiB");
	assert_string_equal(text_units__size(1024 * 1024 - 1).text, "1.0 MiB");
	assert_string_equal(text_units__size(-(1LL << 30)).text, "-1.0 GiB");
	assert_string_equal(text_units__size(5LL << 40).text, "5.0 TiB");
	assert_string_equal(text_units__size(INT64_MAX).text, "8192.0 PiB");
	assert_string_equal(text_units__nouns(2, "process").text, "2 processes");
	assert_string_equal(
		text_units__held(UINT64_MAX, UINT64_MAX).text,
		"18,446,744,073,709,551,615 bytes in 18,446,744,073,709,551,615 blocks");
	assert_int_equal(text_units__to_figure(7), 7);
	assert_int_equal(text_units__to_figure(UINT64_MAX), INT64_MAX);
	assert_string_equal(text_units__duration(0).text, "0.000 s");
	assert_string_equal(text_units__duration(0.0999).text, "0.10 s");
	assert_string_equal(text_units__duration(9.999).text, "10.0 s");
	assert_string_equal(text_units__duration(59.99).text, "1 min 0 s");
	assert_string_equal(text_units__duration(60).text, "1 min 0 s");
	assert_string_equal(text_units__duration(86400 * 2 + 3600).text, "2 d 1 h");
	assert_string_equal(text_units__signal(9).text, "signal 9 (SIGKILL)");
	assert_string_equal(text_units__signal(40).text, "signal 40");
	assert_string_equal(text_units__signal_name(9).text, "SIGKILL");
	assert_string_equal(text_units__signal_name(40).text, "signal 40");
}

/*
 * A size is short, and never more than there is: a size just below a round figure is not that
 * figure.
 */
static void test_short_units(void **state)
{
	static const struct {
		figure bytes;
		const char *text;
	} sizes[] = {
		{ FIGURE_UNKNOWN, "?" },
		{ 0, "0" },
		{ 1, "1B" },
		{ -1023, "-1023B" },
		{ 1024, "1K" },
		{ 1025, "1.00K" },
		{ 1535, "1.49K" },
		{ 1536, "1.50K" },
		{ 172 << 10, "172K" },
		{ (1 << 20) - 1024, "1023K" },
		{ (1 << 20) - 1, "1023K" },
		{ 1 << 20, "1.00M" },
		{ 67108863, "63.9M" },
		{ 67108864, "64.0M" },
		{ -67108864, "-64.0M" },
		{ 100 << 20, "100M" },
		{ (1 << 30) - 1, "1023M" },
		{ 5LL << 40, "5.00T" },
		{ INT64_MAX, "7.99E" },
		{ -INT64_MAX, "-7.99E" },
	};
	static const struct {
		uint64_t number;
		const char *text;
	} counts[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1.00K" },
		{ 99999, "99.9K" },
		{ 999999, "999K" },
		{ 1230000, "1.23M" },
		{ 1000000000, "1.00G" },
		{ UINT64_MAX, "18.4E" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_string_equal(text_units__short_size(sizes[i].bytes).text, sizes[i].text);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		assert_string_equal(text_units__short_count(counts[i].number).text, counts[i].text);
}

static int set_time_zone(void **state)
{
	(void)state;
	return setenv("TZ", "UTC", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit),	    cmocka_unit_test(test_exit_verbose),
		cmocka_unit_test(test_outstanding), cmocka_unit_test(test_outstanding_verbose),
		cmocka_unit_test(test_tree),	    cmocka_unit_test(test_start),
		cmocka_unit_test(test_trace),	    cmocka_unit_test(test_total),
		cmocka_unit_test(test_sentences),   cmocka_unit_test(test_every_text_is_clean),
		cmocka_unit_test(test_units),	    cmocka_unit_test(test_short_units),
	};

	return cmocka_run_group_tests(tests, set_time_zone, NULL);
}
