/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines for a terminal: a line that is too long goes on in the next, broken at a space and
 * indented, and a labelled line goes on below its text. A word that is longer than a line stays
 * whole, so that a path can still be copied. Such a word may be put in pieces, but no character is
 * cut. Nothing is allocated, and nothing can fail halfway.
 */
#ifndef LINE_WRAP_H
#define LINE_WRAP_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_WRAP_WORD_SIZE 1024

struct line_wrap {
	/* Takes the wrapped text, piece by piece. */
	void (*put)(void *context, const char *bytes, size_t size);
	void *context;
	size_t columns; /* of a line; not 0 */
	size_t label_columns; /* the column where the text after a label begins; 0: no labels */
	/* The rest is line_wrap.c's, and zero in the beginning. */
	size_t at; /* the column after the written part of this line */
	size_t spaces; /* the spaces before the word in the making */
	size_t hang; /* the column at which the line goes on */
	bool begun; /* a word of this line was written */
	bool cut; /* the word in the making goes on one that was put, for lack of room */
	char word[LINE_WRAP_WORD_SIZE];
	size_t length;
};

/* The text may come in any pieces. Spaces at the end of a line are left out. */
void line_wrap__write(struct line_wrap *wrap, const char *bytes, size_t size);
/* Puts the last word. Call it once there is no more text. */
void line_wrap__end(struct line_wrap *wrap);

#endif
