// SPDX-License-Identifier: GPL-2.0
/*
 * Leak checks as text: every example against its golden file, the sentences that a reader must
 * find, and the words that may not be said.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/sanitize_text.h"
#include "example_leaks.h"
#include "golden_file.h"
#include "output/text_wrap.h"
#include "write_report.h"

static void compare_all(const struct writer *writer, enum report_kind kind, const char *golden)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < nr_example_leaks; i++) {
		struct process_report report = example_leaks__make(&example_leaks[i]);

		fprintf(out, "### %s\n", example_leaks[i].name);
		write_report(out, writer, kind, &report);
	}
	assert_int_equal(fclose(out), 0);
	golden_file__compare(golden, text);
	free(text);
}

static void test_outstanding(void **state)
{
	(void)state;
	compare_all(&text_writer, REPORT_OUTSTANDING, "leaks.txt");
}

static void test_verbose(void **state)
{
	(void)state;
	compare_all(&text_verbose_writer, REPORT_OUTSTANDING, "leaks_verbose.txt");
}

static char *text_on_terminal(const struct process_report *report)
{
	struct writer terminal_writer = text_writer;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size), *wrapped;

	assert_non_null(out);
	wrapped = text_wrap__open(out, 80);
	assert_non_null(wrapped);
	terminal_writer.terminal_columns = 80;
	write_report(wrapped, &terminal_writer, REPORT_EXIT, report);
	assert_int_equal(fclose(wrapped), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* An end on a terminal of 80 columns. */
static void test_terminal(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < nr_example_leaks; i++) {
		struct process_report report = example_leaks__make(&example_leaks[i]);
		char *terminal = text_on_terminal(&report);

		fprintf(out, "### %s\n%s", example_leaks[i].name, terminal);
		for (char *line = strtok(terminal, "\n"); line; line = strtok(NULL, "\n"))
			assert_in_range(sanitize_text__columns(line), 1, 80);
		free(terminal);
	}
	assert_int_equal(fclose(out), 0);
	golden_file__compare("leaks_terminal.txt", text);
	free(text);
}

/* Of the whole system, as a report of a running process and below the row of its end. */
static void test_system(void **state)
{
	const struct writer writer = { &output_text,
				       { .leaks_only = true, .system_wide = true },
				       80 };

	(void)state;
	compare_all(&writer, REPORT_OUTSTANDING, "system_leaks.txt");
	compare_all(&writer, REPORT_EXIT, "system_leaks_exit.txt");
}

static bool says(const struct writer *writer, enum report_kind kind, const char *example,
		 const char *sentence)
{
	struct process_report report = example_leaks__find(example);
	char *text = report_text(writer, kind, &report);
	bool found = strstr(text, sentence);

	free(text);
	return found;
}

static void test_sentences(void **state)
{
	static const struct {
		const char *example, *sentence;
	} sentences[] = {
		{ "each kind",
		  "  definitely lost: no pointer to these is left; they can't be freed any more\n"
		  "    1,024 bytes in 4 blocks, and 4,096 bytes in 8 blocks lost with them, from\n"
		  "      new_node " },
		{ "each kind",
		  "    32 bytes in 1 block, and 16 bytes in 1 block lost with it, from" },
		{ "each kind", "  still reachable: still pointed to; nothing is lost" },
		{ "each kind", "  LEAK SUMMARY:\n"
			       "    definitely lost: 1,056 bytes in 5 blocks\n"
			       "    indirectly lost: 4,112 bytes in 9 blocks\n"
			       "      possibly lost: 100 bytes in 1 block\n"
			       "    still reachable: 72,704 bytes in 1 block\n" },
		{ "each kind", "stdstring          : 123 bytes in 4 blocks\n" },
		{ "each kind", "         suppressed: 300 bytes in 4 blocks\n" },
		{ "default kinds", "--show-leak-kinds=all shows indirectly lost and still reachable"
				   " blocks too\n" },
		{ "one kind", "shows definitely lost and still reachable blocks too\n" },
		{ "growth", "    1,024 bytes in 4 blocks (+256 bytes, +1 block in 10.0 s), and" },
		{ "growth", "    32 bytes in 1 block (new in 10.0 s), and 16 bytes" },
		{ "growth", "    4,112 bytes in 9 blocks (+128 bytes, -1 block in 10.0 s) from\n" },
		{ "growth", "    72,704 bytes in 1 block from\n" },
		{ "growth", "a lower bound: blocks from before the attach count as in use" },
		{ "growth",
		  "  the allocator      holds 34.0 MiB more: 3.0 MiB from before the attach,"
		  " 31.0 MiB free chunks\n" },
		{ "growth", "  leak check         paused for 0.26 s, 1.0 GiB read\n" },
		{ "summary", "allocator other than glibc's counts as in use, so lost blocks may" },
		{ "summary", "--leak-check=full shows where\n" },
		{ "only unread", "some memory could not be read: a lost block may still be" },
		{ "nothing held", "no recorded block is held, so none is lost\n" },
		{ "nothing held but lost", "definitely lost: at least 0 bytes in 0 blocks\n" },
		{ "lost blocks", "definitely lost: at least 1,056 bytes in 5 blocks\n" },
		{ "lost blocks", "    at least 1,024 bytes in 4 blocks, and at least 4,096 bytes" },
		{ "lost stacks", "    at least 1,024 bytes in 4 blocks, and" },
		{ "lost stacks", "definitely lost: 1,056 bytes in 5 blocks\n" },
		{ "lost stacks", "  and 12 more stacks, at least 3,456 bytes in 20 blocks\n" },
		{ "not done", "  leak check         not done: it is traced by PID 12 (gdb\\e[2J" },
		{ "huge", "(-9,223,372,036,854,775,808 bytes, +9,223,372,036,854,775,807 blocks" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		const char *example = sentences[i].example, *sentence = sentences[i].sentence;

		if (!says(&text_writer, REPORT_EXIT, example, sentence) ||
		    !says(&system_writer, REPORT_EXIT, example, sentence))
			fail_msg("'%s' is not said of '%s'", sentence, example);
	}
}

static void test_not_said(void **state)
{
	static const struct {
		const char *example, *sentence;
	} sentences[] = {
		{ "each kind", "--show-leak-kinds" }, /* nothing is hidden */
		{ "each kind", "  the allocator" }, /* little is in it */
		{ "each kind", "leak check  " }, /* nobody waited */
		{ "each kind", "limits" },
		{ "each kind", " in 10.0 s" }, /* there was no check before */
		{ "summary", " from\n" },
		{ "summary", "heuristic" },
		{ "summary", "--show-leak-kinds" },
		{ "only unread", "a lower bound" },
		{ "only unread", "--leak-check=full" }, /* it would show nothing */
		{ "nothing held", "limits" },
		{ "nothing held", "definitely" },
		{ "not done", "SUMMARY" },
		{ "not done", "reachable" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (says(&text_writer, REPORT_EXIT, sentences[i].example, sentences[i].sentence))
			fail_msg("'%s' is said of '%s'", sentences[i].sentence,
				 sentences[i].example);
	assert_true(says(&text_verbose_writer, REPORT_EXIT, "each kind",
			 "holds 56.6 KiB more: 56.6 KiB free chunks\n"));
	assert_true(
		says(&text_verbose_writer, REPORT_EXIT, "each kind",
		     "  suppressions       glibc keeps this (/usr/lib/memleak-bpf/default.supp:12):"
		     " 300 bytes in 3 blocks\n"));
}

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text == 0x7f || ((unsigned char)*text < ' ' && *text != '\n'))
			return false;
	}
	return true;
}

/* Nothing a program can choose may reach the terminal raw, and nothing is said to have "leaked". */
static void test_every_text_is_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * nr_example_leaks; i++) {
		struct process_report report = example_leaks__make(&example_leaks[i / 2]);
		char *text = report_text(i % 2 ? &text_verbose_writer : &system_verbose_writer,
					 REPORT_EXIT, &report);

		assert_true(is_printable(text));
		assert_null(strstr(text, "leaked"));
		assert_null(strstr(text, "\nPID 1 init"));
		free(text);
	}
}

static int set_time_zone(void **state)
{
	(void)state;
	return setenv("TZ", "UTC", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outstanding),
		cmocka_unit_test(test_verbose),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_not_said),
		cmocka_unit_test(test_every_text_is_clean),
	};

	return cmocka_run_group_tests(tests, set_time_zone, NULL);
}
