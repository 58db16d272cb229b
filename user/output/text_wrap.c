// SPDX-License-Identifier: GPL-2.0
/*
 * See text_wrap.h. Opened by document.c around a report. Words are written as they come: nothing
 * here grows with the length of a line, and nothing can fail halfway.
 */
#include "output/text_wrap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/sanitize_text.h"
#include "output/text_lines.h"

#define MORE_INDENT 4 /* of a line that goes on, beyond the indent of its beginning */
#define WORD_SIZE 1024

struct wrap {
	FILE *out;
	unsigned int columns;
	size_t at; /* the column after the written part of this line */
	size_t spaces; /* the spaces before the word in the making */
	size_t hang; /* the column at which the line goes on */
	bool begun; /* a word of this line was written */
	char word[WORD_SIZE];
	size_t length;
};

/* The first two words of a line tell where it begins, and where the text after its label does. */
static void note_indent(struct wrap *wrap)
{
	size_t column = wrap->at + wrap->spaces;

	if (column == TEXT_LINES_LABEL_COLUMNS && wrap->spaces > 1 && column < wrap->columns / 2)
		wrap->hang = column;
	else if (!wrap->begun)
		wrap->hang = column + MORE_INDENT;
}

static void put_word(struct wrap *wrap)
{
	size_t width;

	if (!wrap->length)
		return;
	wrap->word[wrap->length] = '\0';
	width = sanitize_text__columns(wrap->word);
	note_indent(wrap);
	if (wrap->begun && wrap->at + wrap->spaces + width > wrap->columns &&
	    wrap->hang + width <= wrap->columns) {
		fputc('\n', wrap->out);
		wrap->at = 0;
		wrap->spaces = wrap->hang;
	}
	fprintf(wrap->out, "%*s%s", (int)wrap->spaces, "", wrap->word);
	wrap->at += wrap->spaces + width;
	wrap->begun = true;
	wrap->spaces = wrap->length = 0;
}

static void end_line(struct wrap *wrap)
{
	put_word(wrap);
	fputc('\n', wrap->out);
	wrap->at = wrap->spaces = wrap->hang = 0;
	wrap->begun = false;
}

/* As fopencookie wants it. An error of out shows where out is flushed. */
static ssize_t write_text(void *cookie, const char *bytes, size_t size)
{
	struct wrap *wrap = cookie;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n') {
			end_line(wrap);
		} else if (bytes[i] == ' ') {
			put_word(wrap);
			wrap->spaces++;
		} else {
			if (wrap->length == WORD_SIZE - 1)
				put_word(wrap);
			wrap->word[wrap->length++] = bytes[i];
		}
	}
	return (ssize_t)size;
}

static int close_wrap(void *cookie)
{
	put_word(cookie);
	free(cookie);
	return 0;
}

FILE *text_wrap__open(FILE *out, unsigned int columns)
{
	const cookie_io_functions_t functions = { .write = write_text, .close = close_wrap };
	struct wrap *wrap = calloc(1, sizeof(*wrap));
	FILE *stream = wrap ? fopencookie(wrap, "w", functions) : NULL;

	if (!stream) {
		free(wrap);
		return NULL;
	}
	wrap->out = out;
	wrap->columns = columns;
	return stream;
}
