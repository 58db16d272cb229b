// SPDX-License-Identifier: GPL-2.0
/* Each file has a document from its head to its tail, however the run ends or the file moves. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "report_folder.h"
#include "output/document.h"

static const char *const path = report_folder__report, *const moved = report_folder__moved;

/* A format that numbers its items: only with state from begin to end can it. */
static void begin(void *state, FILE *out, const struct output_settings *settings)
{
	assert_int_equal(*(int *)state, 0);
	fprintf(out, "<%s>", settings->verbose ? "verbose" : "short");
}

static void report(void *state, FILE *out, const struct report *item)
{
	fprintf(out, "%d:%d ", ++*(int *)state, (int)item->kind);
}

static void end(void *state, FILE *out)
{
	fprintf(out, "</%d>", *(int *)state);
}

static const struct output_format numbered = {
	.name = "numbered", .state_bytes = sizeof(int), .begin = begin, .report = report, .end = end
};

static struct document *make_document(struct report_file **file)
{
	struct document *document;

	*file = report_file__open(path, false);
	assert_non_null(*file);
	document = document__new(&numbered, &(struct output_settings){ .verbose = true }, *file);
	assert_non_null(document);
	return document;
}

static void write_item(struct document *document, enum report_kind kind)
{
	document__write(document, &(struct report){ .kind = kind });
}

static void test_from_head_to_tail(void **state)
{
	struct report_file *file;
	struct document *document = make_document(&file);

	(void)state;
	write_item(document, REPORT_START);
	write_item(document, REPORT_TOTAL);
	document__end(document);
	document__end(document);
	assert_int_equal(report_file__flush(file), 0);
	report_folder__assert_content(path, "<verbose>1:0 2:5 </2>");
	document__free(document);
	report_file__free(file);
	report_folder__assert_content(path, "<verbose>1:0 2:5 </2>");
}

static void test_stopped_early(void **state)
{
	struct report_file *file;
	struct document *document = make_document(&file);

	(void)state;
	document__free(document);
	report_file__free(file);
	report_folder__assert_content(path, "<verbose></0>");
	document__free(NULL);
}

static void test_moved_away(void **state)
{
	struct report_file *file;
	struct document *document = make_document(&file);

	(void)state;
	write_item(document, REPORT_START);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(document__reopen(document, path), 0);
	write_item(document, REPORT_TRACE);
	document__free(document);
	report_file__free(file);
	report_folder__assert_content(moved, "<verbose>1:0 </1>");
	report_folder__assert_content(path, "<verbose>1:4 </1>");
}

static void test_not_moved(void **state)
{
	struct report_file *file;
	struct document *document = make_document(&file);

	(void)state;
	write_item(document, REPORT_START);
	assert_int_equal(document__reopen(document, path), 0);
	write_item(document, REPORT_TOTAL);
	document__free(document);
	report_file__free(file);
	report_folder__assert_content(path, "<verbose>1:0 2:5 </2>");
}

static void test_not_reopened(void **state)
{
	struct report_file *file;
	struct document *document = make_document(&file);

	(void)state;
	write_item(document, REPORT_START);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(document__reopen(document, path), -EISDIR);
	write_item(document, REPORT_TOTAL);
	document__free(document);
	report_file__free(file);
	report_folder__assert_content(moved, "<verbose>1:0 2:5 </2>");
}

static void test_no_memory(void **state)
{
	struct output_settings settings = { .verbose = true };
	struct report_file *file = report_file__open(path, false);

	(void)state;
	for (long nr = 0; nr < 2; nr++) {
		failing_alloc__after(nr);
		assert_null(document__new(&numbered, &settings, file));
		failing_alloc__never();
	}
	report_file__free(file);
	report_folder__assert_content(path, "");
}

static void test_formats_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(output__find("text"), &output_text);
	assert_ptr_equal(output__find("json"), &output_json);
	assert_null(output__find("jso"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_from_head_to_tail, report_folder__empty),
		cmocka_unit_test_teardown(test_stopped_early, report_folder__empty),
		cmocka_unit_test_teardown(test_moved_away, report_folder__empty),
		cmocka_unit_test_teardown(test_not_moved, report_folder__empty),
		cmocka_unit_test_teardown(test_not_reopened, report_folder__empty),
		cmocka_unit_test_teardown(test_no_memory, report_folder__empty),
		cmocka_unit_test(test_formats_by_name),
	};

	return cmocka_run_group_tests(tests, report_folder__make, report_folder__remove);
}
