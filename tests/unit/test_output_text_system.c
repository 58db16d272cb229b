// SPDX-License-Identifier: GPL-2.0
/*
 * The writer for the whole system: golden files, and rules that hold at any width. No row is wider
 * than the terminal, and each cell is the one that its head names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "example_ranking.h"
#include "example_report.h"
#include "golden_file.h"
#include "write_report.h"
#include "base/text_units.h"

static const struct start_report plain_start = { .version = "0.1.0",
						 .kernel = "6.1.0\n-x",
						 .mode = "system",
						 .allocator_functions = 9,
						 .allocator_files = 2,
						 .processes = 214,
						 .exit_before = "kprobe",
						 .exit_after = "tracepoint",
						 .uprobe = "perf" };

/* The stream that a test writes to and reads as text. */
struct capture {
	FILE *out;
	char *text;
	size_t size;
};

static void open_capture(struct capture *capture)
{
	*capture = (struct capture){ 0 };
	capture->out = open_memstream(&capture->text, &capture->size);
	assert_non_null(capture->out);
}

static const char *close_capture(struct capture *capture)
{
	assert_int_equal(fclose(capture->out), 0);
	return capture->text;
}

static void compare_capture(struct capture *capture, const char *golden)
{
	golden_file__compare(golden, close_capture(capture));
	free(capture->text);
}

static void write_heads(FILE *out, unsigned int terminal_columns)
{
	struct writer writer = system_writer;

	writer.terminal_columns = terminal_columns;
	write_report(out, &writer, REPORT_START, &plain_start);
}

static void write_example(FILE *out, const char *name, unsigned int terminal_columns)
{
	struct process_report report = example_report__find(name);
	struct writer writer = system_writer;

	writer.terminal_columns = terminal_columns;
	report.stacks.nr = 0;
	write_report_below(out, &writer, REPORT_EXIT, &report);
}

static void compare_exits(const struct writer *writer, const char *golden)
{
	struct capture capture;

	open_capture(&capture);
	write_report(capture.out, writer, REPORT_START, &plain_start);
	for (size_t i = 0; i < nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i]);

		fprintf(capture.out, "### %s\n", example_reports[i].name);
		write_report(capture.out, writer, REPORT_EXIT, &report);
	}
	compare_capture(&capture, golden);
}

static void test_exit(void **state)
{
	(void)state;
	compare_exits(&system_writer, "system_exit.txt");
}

static void test_exit_verbose(void **state)
{
	(void)state;
	compare_exits(&system_verbose_writer, "system_exit_verbose.txt");
}

static void test_start(void **state)
{
	struct start_report start = plain_start;
	struct writer narrow_writer = system_writer;
	struct capture capture;

	(void)state;
	narrow_writer.terminal_columns = 80;
	open_capture(&capture);
	write_report(capture.out, &system_writer, REPORT_START, &start);
	write_report(capture.out, &system_verbose_writer, REPORT_START, &start);
	start.processes = 1;
	start.allocator_functions = start.allocator_files = 1;
	write_report(capture.out, &narrow_writer, REPORT_START, &start);
	start.processes = start.allocator_functions = start.allocator_files = 0;
	write_report(capture.out, &narrow_writer, REPORT_START, &start);
	start = plain_start;
	start.leak_checked = 10;
	write_report(capture.out, &narrow_writer, REPORT_START, &start);
	compare_capture(&capture, "system_start.txt");
}

/* As a user sees it: the same ends on terminals of these widths. */
static void test_widths(void **state)
{
	static const unsigned int widths[] = { 0, 132, 100, 80, 60, 20, 1 };
	static const char *const names[] = {
		"plain",	"late attach",	"widest",      "signalled",	  "oom",
		"exec",		"no allocator", "all unknown", "memory not gone", "not reclaimed",
		"wide letters", "hostile",	"huge",	       "fork copy exec",  "kept"
	};
	struct capture capture;

	(void)state;
	open_capture(&capture);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		fprintf(capture.out, "### %u columns\n", widths[i]);
		write_heads(capture.out, widths[i]);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			write_example(capture.out, names[j], widths[i]);
	}
	compare_capture(&capture, "system_widths.txt");
}

/* The width of the first length bytes on a terminal. */
static int terminal_width(const char *line, size_t length)
{
	wchar_t wide[512];
	char copy[512];

	assert_true(length < sizeof(copy));
	memcpy(copy, line, length);
	copy[length] = '\0';
	length = mbstowcs(wide, copy, sizeof(wide) / sizeof(wide[0]));
	assert_true(length < sizeof(wide) / sizeof(wide[0]));
	return wcswidth(wide, length);
}

/* The row of an example, or the heads, without the lines around it. */
static char *capture_row(const char *name, unsigned int terminal_columns)
{
	struct capture capture;
	const char *text, *row;
	char *copy;

	open_capture(&capture);
	if (name)
		write_example(capture.out, name, terminal_columns);
	else
		write_heads(capture.out, terminal_columns);
	text = close_capture(&capture);
	row = text;
	while (!name && strncmp(row, "TIME", 4) != 0 && strncmp(row, "    PID", 7) != 0) {
		row = strchr(row, '\n');
		assert_non_null(row);
		row++;
	}
	copy = strndup(row, strcspn(row, "\n"));
	assert_non_null(copy);
	free(capture.text);
	return copy;
}

static void test_no_row_is_too_long(void **state)
{
	(void)state;
	for (unsigned int columns = 7; columns <= 140; columns++) {
		char *heads = capture_row(NULL, columns);

		assert_in_range(terminal_width(heads, strlen(heads)), 1, columns);
		free(heads);
		for (size_t i = 0; i < nr_example_reports; i++) {
			char *row = capture_row(example_reports[i].name, columns);
			int width = terminal_width(row, strlen(row));

			if (width < 0 || width > (int)columns)
				fail_msg("%d columns of %u: %s", width, columns, row);
			free(row);
		}
	}
}

/* The column in which a word begins, or ends when it stands to the right. */
static int find_column(const char *line, const char *word, bool to_the_right)
{
	const char *at = strstr(line, word);

	if (!at)
		return -1;
	return terminal_width(line, at - line) + (to_the_right ? (int)strlen(word) : 0);
}

static void assert_under(unsigned int columns, const char *example, const char *head,
			 const char *cell, bool to_the_right)
{
	char *heads = capture_row(NULL, columns), *row = capture_row(example, columns);
	int column = find_column(heads, head, to_the_right);

	if (column != find_column(row, cell, to_the_right))
		fail_msg("at %u columns %s is not under %s:\n%s\n%s", columns, cell, head, heads,
			 row);
	free(heads);
	free(row);
}

/* In "widest", every cell that can be long is and stands once. */
static void test_cells_are_under_their_heads(void **state)
{
	static const struct {
		const char *head, *cell;
		bool to_the_right;
	} cells[] = {
		{ "TIME", "00:00:00", false },	 { "PID", "4194304", true },
		{ "COMM", "fifteen-", false },	 { "END", "exit 255", false },
		{ "HELD", ">=1023T+", true },	 { "BLOCKS", ">=123K", true },
		{ "RECLAIMED", " 1023K", true }, { "ANON", "99.9M", true },
		{ "FILE", "1023M", true },	 { "SHMEM", "9.99M", true },
		{ "SWAP", "1023B", true },	 { "PGTABLES", "1.00M", true },
		{ "VERIFIED", "yes", false },
	};
	static const unsigned int widths[] = { 0, 132, 100, 80 };

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		for (size_t j = 0; j < sizeof(cells) / sizeof(cells[0]); j++)
			assert_under(widths[i], "widest", cells[j].head, cells[j].cell,
				     cells[j].to_the_right);
		assert_under(widths[i], "wide letters", "VERIFIED", "yes", false);
		assert_under(widths[i], "plain", "HELD", "64.0M ", true);
	}
}

/* Narrower, a terminal shows fewer columns and no other ones; 80 are enough for what counts. */
static void test_columns_go_by_interest(void **state)
{
	static const char *const names[] = { "PID",	  "COMM",   "END",     "HELD", "VERIFIED",
					     "RECLAIMED", "BLOCKS", "TIME",    "ANON", "SWAP",
					     "FILE",	  "SHMEM",  "PGTABLES" };
	const size_t nr_names = sizeof(names) / sizeof(names[0]);
	size_t nr_before = 1;

	(void)state;
	for (unsigned int columns = 7; columns <= 140; columns++) {
		char *heads = capture_row(NULL, columns);
		size_t nr = 0;

		while (nr < nr_names && strstr(heads, names[nr]))
			nr++;
		for (size_t i = nr; i < nr_names; i++)
			assert_null(strstr(heads, names[i]));
		assert_true(nr >= nr_before);
		assert_true(columns < 80 || nr >= 8);
		nr_before = nr;
		free(heads);
	}
	assert_int_equal(nr_before, nr_names);
}

/* The beginning of a row, independent of what follows. */
static void assert_row(const struct writer *writer, const char *example, const char *beginning)
{
	struct process_report report = example_report__find(example);
	struct capture capture;
	const char *text;

	open_capture(&capture);
	write_report(capture.out, writer, REPORT_EXIT, &report);
	text = close_capture(&capture);
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("'%s' does not begin with '%s' but:\n%s", example, beginning, text);
	free(capture.text);
}

static void test_fork_copies(void **state)
{
	static const char row[] = "00:00:00    4711 leak64          exec               0        0";

	(void)state;
	assert_row(&system_writer, "fork copy exec", row);
	assert_row(&system_verbose_writer, "fork copy exec", row);
	assert_row(&system_writer, "fork copy not reclaimed", row);
	assert_row(&system_writer, "fork copy", "00:00:00    4711 leak64          exit 0  ");
	assert_row(&system_writer, "exec", "00:00:00    4711 leak64          exec  ");
}

static void compare_rankings(const struct writer *writer, const char *golden)
{
	struct capture capture;

	open_capture(&capture);
	for (size_t i = 0; i < nr_example_rankings; i++) {
		fprintf(capture.out, "### %s\n", example_rankings[i].name);
		write_report(capture.out, writer, REPORT_RANKING, &example_rankings[i].ranking);
	}
	compare_capture(&capture, golden);
}

static void test_ranking(void **state)
{
	(void)state;
	compare_rankings(&system_writer, "system_ranking.txt");
}

static void test_ranking_verbose(void **state)
{
	(void)state;
	compare_rankings(&system_verbose_writer, "system_ranking_verbose.txt");
}

static void test_total(void **state)
{
	struct total_report total = { .system_wide = true,
				      .processes = 315,
				      .fork_copies = 40,
				      .verified = 312,
				      .unverified = 3,
				      .held_bytes = 67108864,
				      .reclaimed_bytes = 1 << 30,
				      .tracer_cpu_s = 0.82,
				      .tracer_peak_bytes = 31 << 20 };
	struct capture capture;

	(void)state;
	open_capture(&capture);
	write_report(capture.out, &system_writer, REPORT_TOTAL, &total);
	write_report(capture.out, &system_verbose_writer, REPORT_TOTAL, &total);
	total.not_reclaimed = total.unverified = 1;
	total.verified = 1200;
	total.processes = 1202;
	total.fork_copies = 0;
	total.tracer_cpu_s = -1;
	total.lost.by_cause[LOSS_RETURN] = 1;
	write_report(capture.out, &system_writer, REPORT_TOTAL, &total);
	total = (struct total_report){ .system_wide = true, .tracer_cpu_s = 0 };
	write_report(capture.out, &system_writer, REPORT_TOTAL, &total);
	compare_capture(&capture, "system_total.txt");
}

/* The long report on one process is the same in every mode. */
static void test_shared_with_other_modes(void **state)
{
	struct process_report report = example_report__find("stacks");
	struct trace_report event = { .comm = "x", .function = "malloc" };
	struct capture here, there;

	(void)state;
	open_capture(&here);
	open_capture(&there);
	write_report(here.out, &system_writer, REPORT_OUTSTANDING, &report);
	write_report(there.out, &text_writer, REPORT_OUTSTANDING, &report);
	write_report(here.out, &system_verbose_writer, REPORT_OUTSTANDING, &report);
	write_report(there.out, &text_verbose_writer, REPORT_OUTSTANDING, &report);
	write_report(here.out, &system_writer, REPORT_TRACE, &event);
	write_report(there.out, &text_writer, REPORT_TRACE, &event);
	close_capture(&here);
	assert_string_equal(close_capture(&there), here.text);
	free(here.text);
	free(there.text);
}

/* Nothing a program can choose may reach the terminal raw, or say that its block "leaked". */
static void test_every_text_is_clean(void **state)
{
	const struct writer *writers[] = { &system_writer, &system_verbose_writer };
	struct capture capture;

	(void)state;
	open_capture(&capture);
	for (size_t i = 0; i < 2; i++) {
		write_report(capture.out, writers[i], REPORT_START, &plain_start);
		for (size_t j = 0; j < nr_example_reports; j++) {
			struct process_report report = example_report__make(&example_reports[j]);

			write_report(capture.out, writers[i], REPORT_EXIT, &report);
		}
		for (size_t j = 0; j < nr_example_rankings; j++)
			write_report(capture.out, writers[i], REPORT_RANKING,
				     &example_rankings[j].ranking);
	}
	for (const char *at = close_capture(&capture); *at; at++)
		assert_true(*at == '\n' || (unsigned char)*at >= ' ');
	assert_null(strchr(capture.text, 0x7f));
	assert_null(strstr(capture.text, "leaked"));
	assert_null(strstr(capture.text, "\nPID 1"));
	free(capture.text);
}

static int set_locale(void **state)
{
	(void)state;
	/* For wcswidth, which the tests measure with and the writer must not need. */
	return setenv("TZ", "UTC", 1) || !setlocale(LC_CTYPE, "C.UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_exit_verbose),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_no_row_is_too_long),
		cmocka_unit_test(test_cells_are_under_their_heads),
		cmocka_unit_test(test_columns_go_by_interest),
		cmocka_unit_test(test_fork_copies),
		cmocka_unit_test(test_ranking),
		cmocka_unit_test(test_ranking_verbose),
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_shared_with_other_modes),
		cmocka_unit_test(test_every_text_is_clean),
	};

	return cmocka_run_group_tests(tests, set_locale, NULL);
}
