// SPDX-License-Identifier: GPL-2.0
/*
 * See short_name.h. Called by text_stacks.c. Only ASCII is acted on, so no character is cut in two.
 */
#include "output/short_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/sanitize_text.h"

#define ELLIPSIS "\xe2\x80\xa6"
#define MAX_NESTING 64
/* Brackets nested deeper than this are emptied first, all together. */
#define MOST_KEPT 6

struct short_name {
	char *buffer;
	size_t length, size;
	char open[MAX_NESTING]; /* the brackets that are open where the copy is */
	unsigned int nesting, kept;
	bool failed;
};

static void put(struct short_name *copy, const char *bytes, size_t length)
{
	if (copy->size - copy->length < length)
		copy->failed = true;
	if (copy->failed)
		return;
	memcpy(copy->buffer + copy->length, bytes, length);
	copy->length += length;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/*
 * The length of text that looks like a bracket and is none: operator<<, operator() and the like,
 * and an arrow. 0 for any other text.
 */
static size_t length_without_brackets(const char *name, const char *at)
{
	static const char *const symbols[] = { "()", "<=>", "<<=", ">>=", "->*", "<<",
					       ">>", "<=",  ">=",  "->",  "<",	 ">" };
	static const char anonymous[] = "(anonymous namespace)";
	const char *symbol = at + strlen("operator");

	if (!strncmp(at, anonymous, strlen(anonymous)))
		return strlen(anonymous);
	if (!strncmp(at, "->", 2))
		return 2;
	if (strncmp(at, "operator", strlen("operator")) || (at > name && is_word(at[-1])))
		return 0;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (!strncmp(symbol, symbols[i], strlen(symbols[i])))
			return strlen("operator") + strlen(symbols[i]);
	return 0;
}

static void open_bracket(struct short_name *copy, const char *at)
{
	char closing = *at == '<' ? '>' : ')';

	if (copy->nesting == MAX_NESTING) {
		copy->failed = true;
		return;
	}
	if (copy->nesting <= copy->kept)
		put(copy, at, 1);
	if (copy->nesting == copy->kept && at[1] != closing)
		put(copy, ELLIPSIS, strlen(ELLIPSIS));
	copy->open[copy->nesting++] = *at;
}

/* An unclosed "<" inside brackets was no bracket. */
static void close_bracket(struct short_name *copy, const char *at)
{
	char opening = *at == '>' ? '<' : '(';
	unsigned int nesting = copy->nesting;

	if (*at == '>' && nesting && copy->open[nesting - 1] != opening)
		nesting = 0; /* greater than */
	while (nesting && copy->open[nesting - 1] != opening)
		nesting--;
	if (nesting)
		copy->nesting = nesting - 1;
	if (copy->nesting <= copy->kept)
		put(copy, at, 1);
}

/* Copies the name without the text that is nested in more than `kept` brackets. */
static bool copy_name(struct short_name *copy, const char *name)
{
	for (const char *at = name; *at && !copy->failed;) {
		size_t length = length_without_brackets(name, at);

		if (!length && (*at == '<' || *at == '('))
			open_bracket(copy, at);
		else if (!length && (*at == '>' || *at == ')'))
			close_bracket(copy, at);
		else if (copy->nesting <= copy->kept)
			put(copy, at, length ? length : 1);
		at += length ? length : 1;
	}
	put(copy, "", 1);
	return !copy->failed;
}

const char *short_name__fit(const char *name, size_t room, char *buffer, size_t size)
{
	bool copied = false;

	if (sanitize_text__columns(name) <= room)
		return name;
	for (unsigned int kept = MOST_KEPT + 1; kept-- > 0;) {
		struct short_name copy = { .buffer = buffer, .size = size, .kept = kept };

		copied = copy_name(&copy, name);
		if (copied && sanitize_text__columns(buffer) <= room)
			break;
	}
	return copied ? buffer : name;
}
