// SPDX-License-Identifier: GPL-2.0
/* Hostile strings, as a terminal and as a JSON reader get to see them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "failing_alloc.h"
#include "base/sanitize_text.h"

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *text, *shown, *utf8;
	size_t columns;
} examples[] = {
	{ "", "", "", 0 },
	{ "plain ~text\\", "plain ~text\\", "plain ~text\\", 12 },
	{ "a\nb\tc\rd\x1b", "a\\nb\\tc\\rd\\e", "a\nb\tc\rd\x1b", 12 },
	{ "\x01\x1f\x7f", "\\x01\\x1f\\x7f", "\x01\x1f\x7f", 12 },
	/* Valid, of two, three and four bytes; the first and last of each. */
	{ "\xc3\xa9", "\xc3\xa9", "\xc3\xa9", 1 },
	{ "\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf", 2 },
	{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
	  "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
	  "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 4 },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	  "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 2 },
	/* Wide on a terminal. */
	{ "\xe6\xbc\x8f\xf0\x9f\x98\x80", "\xe6\xbc\x8f\xf0\x9f\x98\x80",
	  "\xe6\xbc\x8f\xf0\x9f\x98\x80", 4 },
	/* Valid, but they control: C1 controls, line separators, reading direction. */
	{ "\xc2\x80\xc2\x9f", "\\u0080\\u009f", "\xc2\x80\xc2\x9f", 12 },
	{ "\xe2\x80\xa8\xe2\x80\xae", "\\u2028\\u202e", "\xe2\x80\xa8\xe2\x80\xae", 12 },
	{ "\xe2\x81\xa6\xef\xbb\xbf", "\\u2066\\ufeff", "\xe2\x81\xa6\xef\xbb\xbf", 12 },
	{ "\xe2\x80\x8b\xd8\x9c", "\\u200b\\u061c", "\xe2\x80\x8b\xd8\x9c", 12 },
	/* No UTF-8: stray, cut short, overlong, surrogates, too large. */
	{ "\x80\xbf\xff\xfe", "\\x80\\xbf\\xff\\xfe", FFFD FFFD FFFD FFFD, 16 },
	{ "a\xc3", "a\\xc3", "a" FFFD, 5 },
	{ "\xe2\x82", "\\xe2\\x82", FFFD FFFD, 8 },
	{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98", FFFD FFFD FFFD, 12 },
	{ "\xc3(", "\\xc3(", FFFD "(", 5 },
	{ "\xc0\xaf", "\\xc0\\xaf", FFFD FFFD, 8 },
	{ "\xc1\xbf", "\\xc1\\xbf", FFFD FFFD, 8 },
	{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf", FFFD FFFD FFFD, 12 },
	{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf", FFFD FFFD FFFD FFFD, 16 },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", FFFD FFFD FFFD, 12 },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", FFFD FFFD FFFD FFFD, 16 },
	{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80", FFFD FFFD FFFD FFFD, 16 },
};

#define NR_EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static void test_print(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_EXAMPLES; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		assert_int_equal(sanitize_text__print(out, examples[i].text), examples[i].columns);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(text, examples[i].shown);
		assert_int_equal(sanitize_text__columns(examples[i].text), examples[i].columns);
		free(text);
	}
	assert_int_equal(sanitize_text__columns(NULL), 1);
}

static void test_copy(void **state)
{
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < NR_EXAMPLES; i++) {
		size_t length = strlen(examples[i].shown);

		assert_int_equal(sanitize_text__copy(buffer, sizeof(buffer), examples[i].text),
				 length);
		assert_string_equal(buffer, examples[i].shown);
		assert_int_equal(sanitize_text__copy(NULL, 0, examples[i].text), length);
	}
	assert_int_equal(sanitize_text__copy(buffer, sizeof(buffer), NULL), 1);
	assert_string_equal(buffer, "?");
}

/* With any room, the result is a beginning of the whole that ends between characters. */
static void test_copy_cuts_between_characters(void **state)
{
	static const char text[] = "a\n\xc3\xa9\xff\x01z";
	static const size_t ends[] = { 0, 1, 3, 5, 9, 13, 14 };
	size_t end = 0;

	(void)state;
	for (size_t room = 1; room <= 16; room++) {
		char *buffer = malloc(room); /* of this very size, for the sanitizer */

		assert_non_null(buffer);
		assert_int_equal(sanitize_text__copy(buffer, room, text), 14);
		while (end + 1 < sizeof(ends) / sizeof(ends[0]) && ends[end + 1] < room)
			end++;
		assert_int_equal(strlen(buffer), ends[end]);
		free(buffer);
	}
}

static void assert_cut(const char *text, size_t room, const char *shown, size_t columns)
{
	char *cut = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&cut, &size);

	assert_non_null(out);
	assert_int_equal(sanitize_text__print_cut(out, text, room), columns);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(cut, shown);
	assert_int_equal(sanitize_text__columns_cut(text, room), columns);
	free(cut);
}

static void test_cut(void **state)
{
	(void)state;
	assert_cut("", 0, "", 0);
	assert_cut("abc", 0, "", 0);
	assert_cut("abc", 1, "+", 1);
	assert_cut("abc", 2, "a+", 2);
	assert_cut("abc", 3, "abc", 3);
	assert_cut("abc", SIZE_MAX, "abc", 3);
	assert_cut(NULL, 1, "?", 1);
	/* Neither an escape nor a wide character is cut in two. */
	assert_cut("a\x01", 4, "a+", 2);
	assert_cut("a\x01", 5, "a\\x01", 5);
	assert_cut("\xe6\xbc\x8f\xe6\xbc\x8f", 3, "\xe6\xbc\x8f+", 3);
	assert_cut("\xe6\xbc\x8f\xe6\xbc\x8f", 2, "+", 1);
}

/* No character is wider for the C library than it is for us. */
static void test_every_width(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (wchar_t code = 1; code <= 0x10ffff; code++) {
		char text[MB_LEN_MAX + 1];
		int length = wctomb(text, code);

		if (length < 0)
			continue;
		text[length] = '\0';
		if (wcwidth(code) > (int)sanitize_text__columns(text))
			fail_msg("U+%04X", (unsigned int)code);
	}
	setlocale(LC_CTYPE, "C");
}

static void test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_EXAMPLES; i++) {
		char *copy = sanitize_text__utf8(examples[i].text);
		json_t *string;

		assert_non_null(copy);
		assert_string_equal(copy, examples[i].utf8);
		string = json_string(copy);
		assert_non_null(string);
		json_decref(string);
		free(copy);
	}
	failing_alloc__after(0);
	assert_null(sanitize_text__utf8("x"));
	failing_alloc__never();
}

/* Every pair and many triples of bytes: jansson's own check agrees on what is UTF-8. */
static void test_every_sequence(void **state)
{
	(void)state;
	for (unsigned int first = 0x80; first < 0x100; first++) {
		for (unsigned int rest = 0; rest < 0x10000; rest += 0x11) {
			char text[] = { (char)first, (char)(rest >> 8 | 1), (char)(rest & 0xff),
					(char)0xbf, '\0' };
			char *copy = sanitize_text__utf8(text);
			json_t *as_is = json_string(text), *made = json_string(copy);

			assert_non_null(made);
			assert_int_equal(as_is != NULL, strcmp(text, copy) == 0);
			json_decref(as_is);
			json_decref(made);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_cuts_between_characters),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_every_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
