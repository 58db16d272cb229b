// SPDX-License-Identifier: GPL-2.0
/*
 * Words that are longer than the room for a word: put in pieces, but nowhere inside a character,
 * and in one line. See test_text_wrap.c for whole lines.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/line_wrap.h"
#include "base/sanitize_text.h"

#define ROOM (LINE_WRAP_WORD_SIZE - 1)

static char put[4 * LINE_WRAP_WORD_SIZE];
static size_t nr_put, nr_pieces, nr_torn;

/* A part of a character is no UTF-8, so it would be escaped. */
static void put_piece(void *context, const char *bytes, size_t size)
{
	char piece[LINE_WRAP_WORD_SIZE];

	(void)context;
	assert_in_range(size, 1, sizeof(piece) - 1);
	memcpy(piece, bytes, size);
	piece[size] = '\0';
	nr_torn += sanitize_text__copy(NULL, 0, piece) != size;
	memcpy(put + nr_put, bytes, size);
	nr_put += size;
	put[nr_put] = '\0';
	nr_pieces++;
}

static void write_line(const char *text)
{
	struct line_wrap wrap = { .put = put_piece, .columns = 80 };

	nr_put = nr_pieces = nr_torn = 0;
	line_wrap__write(&wrap, text, strlen(text));
	line_wrap__end(&wrap);
}

/* The character begins nr bytes before the room's end, so that its last bytes have no room. */
static void check_character(const char *character, size_t nr)
{
	char text[2 * LINE_WRAP_WORD_SIZE];

	memset(text, 'x', ROOM - nr);
	strcpy(text + ROOM - nr, character);
	write_line(text);
	assert_int_equal(nr_pieces, 2);
	assert_int_equal(nr_torn, 0);
	assert_string_equal(put, text);
}

static void test_no_character_is_cut(void **state)
{
	static const char *const characters[] = { "\u00e9", "\u30e1", "\U0001f600" };

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		size_t size = strlen(characters[i]);

		assert_int_equal(size, i + 2);
		for (size_t nr = 1; nr < size; nr++)
			check_character(characters[i], nr);
	}
}

/* Only what comes after the word begins a new line. */
static void test_a_long_word_stays_in_one_line(void **state)
{
	char text[2 * LINE_WRAP_WORD_SIZE], expected[2 * LINE_WRAP_WORD_SIZE];

	(void)state;
	for (size_t over = 1; over <= 80; over++) {
		memset(text, 'x', ROOM + over);
		strcpy(text + ROOM + over, " and more");
		strcpy(expected, text);
		strcpy(expected + ROOM + over, "\n    and more");
		write_line(text);
		assert_string_equal(put, expected);
	}
}

/* Bytes that go on with no character: nothing is waited for, and nothing is lost. */
static void test_bytes_that_are_no_character(void **state)
{
	static const char bytes[] = { '\x80', '\xbf', '\xc3', '\xff' };
	char text[2 * LINE_WRAP_WORD_SIZE] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		memset(text, bytes[i], sizeof(text) - 1);
		write_line(text);
		assert_int_equal(nr_pieces, 3);
		assert_string_equal(put, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_character_is_cut),
		cmocka_unit_test(test_a_long_word_stays_in_one_line),
		cmocka_unit_test(test_bytes_that_are_no_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
