// SPDX-License-Identifier: GPL-2.0
/*
 * Valgrind's XML: documents against golden files, read again by a real parser, and written while
 * allocations fail.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "example_leaks.h"
#include "example_report.h"
#include "failing_alloc.h"
#include "golden_file.h"
#include "output/output.h"
#include "output/xml_text.h"
#include "shell.h"

static const char *const command[] = { "./trees", "a<b>&\"c\"", "\xff\x1b[2J\n", "", NULL };

static const struct start_report start_of_command = {
	.version = "0.1.0",
	.kernel = "6.1.0",
	.mode = "command",
	.command = command,
	.pid = 4711,
	.ppid = 4000,
	.degraded = { "room is less" },
};

/* A document in the making, in memory. */
struct writing {
	uint64_t state[64];
	char *text;
	size_t size;
	FILE *out;
};

static void begin(struct writing *writing)
{
	static const struct output_settings settings;

	*writing = (struct writing){ 0 };
	writing->out = open_memstream(&writing->text, &writing->size);
	assert_non_null(writing->out);
	assert_true(output_xml.state_bytes <= sizeof(writing->state));
	output_xml.begin(writing->state, writing->out, &settings);
}

static void put(struct writing *writing, enum report_kind kind, const void *report)
{
	struct report item = { .kind = kind, { report } };

	output_xml.report(writing->state, writing->out, &item);
}

static void put_example(struct writing *writing, enum report_kind kind, const char *name, pid_t pid)
{
	struct process_report report = example_leaks__find(name);

	report.pid = pid;
	put(writing, kind, &report);
}

/* Returns the document, to be freed. */
static char *finish(struct writing *writing)
{
	output_xml.end(writing->state, writing->out);
	assert_int_equal(fclose(writing->out), 0);
	return writing->text;
}

/* The parser's view of a document is in shell__output. */
static void read_document(const char *text)
{
	FILE *file;
	char path[256];

	snprintf(path, sizeof(path), "%s/document.xml", getenv("FOLDER"));
	file = fopen(path, "w");
	assert_non_null(file);
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || (*at >= ' ' && *at < 0x7f));
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	if (shell__run("python3 tests/unit/read_valgrind_xml.py \"$FOLDER/document.xml\" 2>&1"))
		fail_msg("%s\n%s", shell__output, text);
}

static void assert_read(const char *line)
{
	if (!strstr(shell__output, line))
		fail_msg("no '%s' in\n%s", line, shell__output);
}

static void test_command(void **state)
{
	struct writing writing;
	char *text;

	(void)state;
	begin(&writing);
	put(&writing, REPORT_START, &start_of_command);
	put_example(&writing, REPORT_EXIT, "each kind", 4711);
	text = finish(&writing);
	golden_file__compare("leaks.xml", text);
	read_document(text);
	assert_read("pid 4711 ppid 4000\n");
	assert_read("argv ['./trees', 'a<b>&\"c\"', '\\ufffd\\ufffd[2J\\n', None]\n");
	assert_read(
		"RUNNING 00:00:00:00.000 \nFINISHED 00:00:00:00.130 \nLeak_DefinitelyLost 5120 4"
		" '5,120 (1,024 direct, 4,096 indirect) bytes in 4 blocks are definitely lost in"
		" loss record 1 of 5'\n  ip='0x555555555149' obj='/usr/bin/trees' fn='new_node'"
		" dir='/src' file='tree.c' line='12'\n");
	assert_read(
		"Leak_PossiblyLost 100 1 '100 bytes in 1 blocks are possibly lost in loss record"
		" 4 of 5'\n  ip='0x555555555200' obj='/usr/bin/trees' fn='main' file='main.c'"
		" line='40'\n");
	assert_read("Leak_StillReachable 72704 1 '72,704 bytes in 1 blocks are still reachable in"
		    " loss record 5 of 5'\n  ip='0x0'\n");
	assert_read("suppressed 2 'glibc keeps this'\nsuppressed 1 'mine'\n");
	free(text);
}

/* One document: children that end before and after the command, and what stood against a check. */
static void test_processes(void **state)
{
	struct writing writing;
	char *text;

	(void)state;
	begin(&writing);
	put(&writing, REPORT_START, &start_of_command);
	put_example(&writing, REPORT_EXIT, "hostile", 4712);
	put_example(&writing, REPORT_OUTSTANDING, "growth", 4711);
	put_example(&writing, REPORT_EXIT, "default kinds", 4711);
	put_example(&writing, REPORT_EXIT, "huge", 4713);
	put_example(&writing, REPORT_EXIT, "lost blocks", 4714);
	put_example(&writing, REPORT_EXIT, "not done", 4715);
	put_example(&writing, REPORT_EXIT, "summary", 4716);
	put_example(&writing, REPORT_EXIT, "nothing held", 4717);
	text = finish(&writing);
	golden_file__compare("leaks_processes.xml", text);
	read_document(text);
	assert_read("RUNNING 00:00:00:00.000 \nLeak_DefinitelyLost 5120 4");
	assert_read(
		"  ip='0x2' obj='/tmp/\\x9b/x\\r' fn='f\\ufffd[2J\\n]]></fn>' dir='/a\\tb\\ufffd'"
		" file='\"<&\\'>.c' line='1'\n");
	assert_read("  ip='0x0' obj='' fn='r\\u202eltr\\ufffd\\ufffd\\ufffd\\ufffd' dir='/'"
		    " file='\\xe9' line='2'\n");
	assert_read("  'in process 4712 (<x>\\ufffd--\\ufffd)'\n");
	assert_read("Leak_DefinitelyLost 18446744073709551615 18446744073709551615 '");
	/* Its name counts once, for all processes. */
	assert_read("suppressed 10 'glibc keeps this'\n");
	assert_read("suppressed 1 'n\\ufffd[2J\\n</name>\\ufffd'\n");
	assert_null(strstr(shell__output, "in process 4711"));
	assert_null(strstr(shell__output, "4716"));
	free(text);
}

/* FINISHED stands before the errors of the end, and is not there while the process goes on. */
static void test_status(void **state)
{
	struct process_report report;
	struct writing writing;
	char *text;

	(void)state;
	begin(&writing);
	report = example_leaks__find("one kind");
	report.end.kind = END_EXEC;
	put(&writing, REPORT_EXIT, &report);
	assert_int_equal(fflush(writing.out), 0);
	assert_null(strstr(writing.text, "FINISHED"));
	report = example_leaks__find("one kind");
	put(&writing, REPORT_EXIT, &report);
	assert_int_equal(fflush(writing.out), 0);
	assert_non_null(strstr(writing.text, "FINISHED"));
	put(&writing, REPORT_EXIT, &report);
	text = finish(&writing);
	read_document(text);
	assert_read("RUNNING 00:00:00:00.000 \nLeak_PossiblyLost 100");
	assert_read("FINISHED 00:00:00:00.130 \nLeak_PossiblyLost 100");
	free(text);
}

/* Documents without some of what they are made of are whole, too. */
static void test_little_is_known(void **state)
{
	struct start_report start = start_of_command;
	struct process_report report = example_report__find("end unknown");
	struct writing writing;
	char *text;

	(void)state;
	begin(&writing);
	text = finish(&writing);
	read_document(text);
	assert_read("pid 0 ppid 0\nargv ['?']\nRUNNING 00:00:00:00.000 \nFINISHED");
	free(text);

	/* The file was reopened: nobody says again how it began. */
	begin(&writing);
	put_example(&writing, REPORT_OUTSTANDING, "growth", 12);
	text = finish(&writing);
	read_document(text);
	assert_read("pid 12 ppid 4000\nargv ['/usr/bin/trees']\nRUNNING 00:00:00:00.130 \nLeak_");
	free(text);

	/* Several processes, of which the first one here is nobody's. */
	begin(&writing);
	start.command = NULL;
	start.pid = start.ppid = 0;
	put(&writing, REPORT_START, &start);
	put(&writing, REPORT_EXIT, &report);
	text = finish(&writing);
	read_document(text);
	assert_read(
		"pid 4711 ppid 0\nargv ['?']\nRUNNING 00:00:00:00.000 \nFINISHED 00:00:00:00.0");
	assert_null(strstr(shell__output, "Leak_"));
	free(text);
}

/* What is only held is no error. */
static void test_no_check_no_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i]);
		struct writing writing;
		char *text;

		begin(&writing);
		put(&writing, REPORT_EXIT, &report);
		text = finish(&writing);
		assert_null(strstr(text, "<error>"));
		free(text);
	}
}

/* Each character alone: what it is to a parser, byte for byte ASCII. */
static void test_text(void **state)
{
	static const struct {
		const char *text, *xml, *comment;
	} cases[] = {
		{ NULL, "?", "?" },
		{ "", "", "" },
		{ "a]]>&<'\"", "a]]&gt;&amp;&lt;'\"", "a]]&gt;&amp;&lt;'\"" },
		{ "\t\n\r", "&#x9;&#xA;&#xD;", "&#x9;&#xA;&#xD;" },
		{ "\x01\x1b\x1f", "&#xFFFD;&#xFFFD;&#xFFFD;", "&#xFFFD;&#xFFFD;&#xFFFD;" },
		{ "\x7f\xc2\x9b", "&#x7F;&#x9B;", "&#x7F;&#x9B;" },
		{ "\xef\xbf\xbe\xef\xbf\xbf", "&#xFFFD;&#xFFFD;", "&#xFFFD;&#xFFFD;" },
		{ "\xf4\x8f\xbf\xbf", "&#x10FFFF;", "&#x10FFFF;" },
		{ "\xc3", "&#xFFFD;", "&#xFFFD;" },
		{ "---><!--", "---&gt;&lt;!--", "- - -&gt;&lt;!- -" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char xml[256] = "", comment[256] = "";
		FILE *out = fmemopen(xml, sizeof(xml), "w");

		assert_non_null(out);
		xml_text__print(out, cases[i].text);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(xml, cases[i].xml);
		out = fmemopen(comment, sizeof(comment), "w");
		assert_non_null(out);
		xml_text__print_comment(out, cases[i].text);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(comment, cases[i].comment);
	}
}

/* A document is whole without memory; only the counts of suppressions need some. */
static void test_no_memory(void **state)
{
	(void)state;
	for (long nr = 0; nr < 4; nr++) {
		struct writing writing;
		char *text;

		begin(&writing);
		put(&writing, REPORT_START, &start_of_command);
		failing_alloc__after(nr);
		put_example(&writing, REPORT_EXIT, "each kind", 4711);
		failing_alloc__never();
		text = finish(&writing);
		read_document(text);
		assert_read("Leak_StillReachable 72704 1");
		assert_int_equal(!!strstr(shell__output, "suppressed 1 'mine'"), nr >= 3);
		free(text);
	}
}

static void test_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(output__find("xml"), &output_xml);
}

static int set_up(void **state)
{
	(void)state;
	return shell__make_folder();
}

static int tear_down(void **state)
{
	(void)state;
	return shell__remove_folder();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_little_is_known),
		cmocka_unit_test(test_no_check_no_error),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_found_by_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
