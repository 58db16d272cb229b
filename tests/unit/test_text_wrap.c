// SPDX-License-Identifier: GPL-2.0
/* Reports on a terminal: lines broken at words, and names shortened, so that they fit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "example_report.h"
#include "base/sanitize_text.h"
#include "output/short_name.h"
#include "output/text_wrap.h"
#include "write_report.h"

static char *wrap(const char *text, unsigned int columns)
{
	char *wrapped = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&wrapped, &size), *stream;

	assert_non_null(out);
	stream = text_wrap__open(out, columns);
	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(fclose(out), 0);
	return wrapped;
}

static void test_wrap(void **state)
{
	static const struct {
		unsigned int columns;
		const char *text, *wrapped;
	} lines[] = {
		{ 80, "", "" },
		{ 80, "\n", "\n" },
		{ 80, "no newline", "no newline" },
		{ 80, "  trailing \n\n  next\n", "  trailing\n\n  next\n" },
		{ 12, "exactly here\n", "exactly here\n" },
		{ 11, "exactly here\n", "exactly\n    here\n" },
		{ 20, "  one two three four five\n", "  one two three four\n      five\n" },
		/* A label's text stays in its column, also when the label is empty. */
		{ 46, "  verified           16,456 page frames went back to it\n",
		  "  verified           16,456 page frames went\n"
		  "                     back to it\n" },
		{ 46, "                     resident 64.9 MiB = 64.0 MiB anonymous\n",
		  "                     resident 64.9 MiB = 64.0\n"
		  "                     MiB anonymous\n" },
		/* Where that leaves too little, as any other line. */
		{ 30, "  verified           16,456 page frames\n",
		  "  verified           16,456\n      page frames\n" },
		/* The place of a frame goes below its name. */
		{ 24, "      operator new(int)  [a.so+0x1234]\n",
		  "      operator new(int)\n          [a.so+0x1234]\n" },
		/* Text that can't fit is not torn; the text after it begins a new line. */
		{ 10, "ab /a/very/long/path cd\n", "ab /a/very/long/path\n    cd\n" },
		{ 8, "メモリー 漏\n", "メモリー\n    漏\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *wrapped = wrap(lines[i].text, lines[i].columns);

		assert_string_equal(wrapped, lines[i].wrapped);
		free(wrapped);
	}
}

/* A word has no end in a hostile file. */
static void test_word_without_end(void **state)
{
	char *word = malloc(100001), *wrapped;

	(void)state;
	assert_non_null(word);
	memset(word, 'x', 100000);
	word[100000] = '\0';
	wrapped = wrap(word, 80);
	assert_string_equal(wrapped, word);
	free(wrapped);
	free(word);
}

static void test_short_name(void **state)
{
	static const struct {
		size_t room;
		const char *name, *shortened;
	} names[] = {
		{ 80, "std::vector<int>::push_back(int const&)",
		  "std::vector<int>::push_back(int const&)" },
		{ 38, "std::vector<int>::push_back(int const&)", "std::vector<…>::push_back(…)" },
		{ 40, "std::map<int, std::vector<std::string> >::find(int const&)",
		  "std::map<…>::find(…)" },
		{ 50, "std::map<int, std::vector<std::string> >::find(int const&)",
		  "std::map<int, std::vector<…> >::find(int const&)" },
		{ 40, "<alloc::vec::Vec<T> as core::iter::FromIterator<T>>::from_iter",
		  "<…>::from_iter" },
		/* What are no brackets. */
		{ 20, "operator<< <char, std::char_traits<char>>(std::ostream&)",
		  "operator<< <…>(…)" },
		{ 30, "A<int, long, short, double, float>::operator()(int, int) const",
		  "A<…>::operator()(…) const" },
		{ 24, "A<int, long>::operator->() and more of it",
		  "A<…>::operator->() and more of it" },
		{ 24, "f<decltype (((a)->b)), (1>2), int>(long long)", "f<…>(…)" },
		{ 34, "(anonymous namespace)::f(std::vector<int>)", "(anonymous namespace)::f(…)" },
		/* An odd one is no worse than before. */
		{ 6, ">>))((<<, and so on", ">>))(…" },
		{ 10, "a name without any", "a name without any" },
		{ 10, "f() and g() and h()", "f() and g() and h()" },
	};
	char buffer[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(short_name__fit(names[i].name, names[i].room, buffer,
						    sizeof(buffer)),
				    names[i].shortened);
}

/* Nothing is written past the buffer; a name that has no room stays as it is. */
static void test_short_name_bounds(void **state)
{
	char name[201], buffer[16];

	(void)state;
	memset(name, '<', 200);
	name[200] = '\0';
	assert_ptr_equal(short_name__fit(name, 10, buffer, sizeof(buffer)), name);
	assert_ptr_equal(short_name__fit("abcdefghijklmnopqrstuvwxyz", 10, buffer, sizeof(buffer)),
			 "abcdefghijklmnopqrstuvwxyz");
	strcpy(name, "0123456789<01234567890123456789>");
	assert_string_equal(short_name__fit(name, 15, buffer, 16), "0123456789<…>");
	assert_ptr_equal(short_name__fit(name, 15, buffer, 15), name);
	assert_ptr_equal(short_name__fit(name, 15, buffer, 0), name);
}

/* As demangling leaves them: arguments of arguments of arguments. */
static char *long_name(void)
{
	char *name = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&name, &size);

	assert_non_null(out);
	fputs("std::_Hashtable<", out);
	for (int i = 0; i < 60; i++)
		fprintf(out, "std::pair<key_%d const, std::vector<value_%d> >, ", i, i);
	fputs("int>::_M_insert_unique_node(unsigned long, unsigned long)", out);
	assert_int_equal(fclose(out), 0);
	assert_true(size > 2500);
	return name;
}

static char *write_with_name(const char *name, unsigned int columns, bool verbose)
{
	struct writer writer = verbose ? text_verbose_writer : text_writer;
	struct process_report report = example_report__find("stacks");
	struct report_frame frames[2] = {
		{ .function = name, .file = "/usr/include/c++/12/hashtable.h", .line = 1234 },
		{ .function = "main", .file = "main.cc", .line = 5 },
	};
	struct report_stack stack = { .bytes = 24, .blocks = 1, .frames = frames, .nr_frames = 2 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size), *stream;

	assert_non_null(out);
	report.stacks.list = &stack;
	report.stacks.nr = 1;
	writer.terminal_columns = columns;
	stream = columns ? text_wrap__open(out, columns) : out;
	write_report(stream, &writer, REPORT_EXIT, &report);
	if (stream != out)
		fclose(stream);
	assert_int_equal(fclose(out), 0);
	return text;
}

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");
		char *line = strndup(text, length);

		assert_non_null(line);
		if (sanitize_text__columns(line) > widest)
			widest = sanitize_text__columns(line);
		free(line);
		text += length + (text[length] == '\n');
	}
	return widest;
}

static void test_report_with_long_name(void **state)
{
	char *name = long_name(), *text;

	(void)state;
	for (unsigned int columns = 80; columns <= 132; columns += 26) {
		text = write_with_name(name, columns, false);
		assert_in_range(widest_line(text), 40, columns);
		assert_non_null(strstr(text, "std::_Hashtable<…>::_M_insert_unique_node("));
		assert_non_null(strstr(text, "hashtable.h:1234\n"));
		free(text);
	}
	/* A file has all of it in one line, and so has a user who asked for all. */
	text = write_with_name(name, 0, false);
	assert_non_null(strstr(text, name));
	free(text);
	text = write_with_name("a<b>(c)", 80, true);
	assert_non_null(strstr(text, "a<b>(c)"));
	free(text);
	text = write_with_name(name, 80, true);
	assert_null(strstr(text, "…"));
	assert_non_null(strstr(text, "value_59"));
	free(text);
	free(name);
}

/* Whatever a report says, no line of it is too long, but for words that are longer than a line. */
static void test_every_example_fits(void **state)
{
	struct writer writer = text_writer;

	(void)state;
	writer.terminal_columns = 80;
	for (size_t i = 0; i < nr_example_reports; i++) {
		struct process_report report = example_report__make(&example_reports[i]);
		char *text = NULL, *wrapped;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		write_report(out, &writer, REPORT_EXIT, &report);
		assert_int_equal(fclose(out), 0);
		wrapped = wrap(text, 80);
		if (widest_line(wrapped) > 80)
			fail_msg("%zu columns:\n%s", widest_line(wrapped), wrapped);
		free(wrapped);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_word_without_end),
		cmocka_unit_test(test_short_name),
		cmocka_unit_test(test_short_name_bounds),
		cmocka_unit_test(test_report_with_long_name),
		cmocka_unit_test(test_every_example_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
