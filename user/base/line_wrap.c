// SPDX-License-Identifier: GPL-2.0
/*
 * See line_wrap.h. Used by output/text_wrap.c for reports and by log.c for messages. Words are put
 * as they come, so that nothing here grows with the length of a line.
 */
#include "base/line_wrap.h"

#include <string.h>

#include "base/sanitize_text.h"

#define CHARACTER_BYTES 4 /* of UTF-8, at most */
#define MORE_INDENT 4 /* of a line that goes on, beyond the indent of its beginning */

/* The first two words of a line tell where it begins, and where the text after its label does. */
static void note_indent(struct line_wrap *wrap)
{
	size_t column = wrap->at + wrap->spaces;

	if (column == wrap->label_columns && wrap->spaces > 1 && column < wrap->columns / 2)
		wrap->hang = column;
	else if (!wrap->begun)
		wrap->hang = column + MORE_INDENT;
}

static void put_spaces(struct line_wrap *wrap)
{
	static const char spaces[] = "                                ";

	while (wrap->spaces) {
		size_t nr = wrap->spaces < strlen(spaces) ? wrap->spaces : strlen(spaces);

		wrap->put(wrap->context, spaces, nr);
		wrap->at += nr;
		wrap->spaces -= nr;
	}
}

static void put_word(struct line_wrap *wrap)
{
	size_t width;

	if (!wrap->length)
		return;
	wrap->word[wrap->length] = '\0';
	width = sanitize_text__columns(wrap->word);
	note_indent(wrap);
	if (wrap->begun && !wrap->cut && wrap->at + wrap->spaces + width > wrap->columns &&
	    wrap->hang + width <= wrap->columns) {
		wrap->put(wrap->context, "\n", 1);
		wrap->at = 0;
		wrap->spaces = wrap->hang;
	}
	put_spaces(wrap);
	wrap->put(wrap->context, wrap->word, wrap->length);
	wrap->at += width;
	wrap->begun = true;
	wrap->cut = false;
	wrap->length = 0;
}

static bool goes_on(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Returns how many of the word's last bytes begin a character that goes on with next. */
static size_t begun_character(const struct line_wrap *wrap, char next)
{
	size_t nr = 1;

	if (!goes_on(next))
		return 0;
	while (nr < CHARACTER_BYTES - 1 && goes_on(wrap->word[wrap->length - nr]))
		nr++;
	return (unsigned char)wrap->word[wrap->length - nr] >= 0xc0 ? nr : 0;
}

/* Makes room in a word that is too long: puts all but the beginning of a character. */
static void cut_word(struct line_wrap *wrap, char next)
{
	size_t nr = begun_character(wrap, next);
	char kept[CHARACTER_BYTES];

	memcpy(kept, wrap->word + wrap->length - nr, nr);
	wrap->length -= nr;
	put_word(wrap);
	memcpy(wrap->word, kept, nr);
	wrap->length = nr;
	wrap->cut = true;
}

static void end_line(struct line_wrap *wrap)
{
	put_word(wrap);
	wrap->put(wrap->context, "\n", 1);
	wrap->at = wrap->spaces = wrap->hang = 0;
	wrap->begun = false;
}

void line_wrap__write(struct line_wrap *wrap, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n') {
			end_line(wrap);
		} else if (bytes[i] == ' ') {
			put_word(wrap);
			wrap->spaces++;
		} else {
			if (wrap->length == LINE_WRAP_WORD_SIZE - 1)
				cut_word(wrap, bytes[i]);
			wrap->word[wrap->length++] = bytes[i];
		}
	}
}

void line_wrap__end(struct line_wrap *wrap)
{
	put_word(wrap);
}
