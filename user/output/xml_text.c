// SPDX-License-Identifier: GPL-2.0
/*
 * See xml_text.h. Called by output_xml.c. The output is ASCII alone, so that it is UTF-8, and so
 * that a document that is shown on a terminal can't move its cursor or turn its text.
 */
#include "output/xml_text.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/sanitize_text.h"

#define REPLACEMENT 0xfffd

/* Char of XML 1.0, section 2.2: no reference can name any other character. */
static bool can_be_written(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' ||
	       (code >= 0x20 && code != 0xfffe && code != 0xffff);
}

static void print_character(FILE *out, uint32_t code)
{
	switch (code) {
	case '&':
		fputs("&amp;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	default:
		if (code >= 0x20 && code < 0x7f)
			fputc((int)code, out);
		else
			fprintf(out, "&#x%" PRIX32 ";", can_be_written(code) ? code : REPLACEMENT);
	}
}

unsigned int xml_text__print_first(FILE *out, const char *text)
{
	uint32_t code;
	unsigned int nr_bytes = sanitize_text__first(text, &code);

	print_character(out, code);
	return nr_bytes;
}

void xml_text__print(FILE *out, const char *text)
{
	for (const char *at = text ? text : "?"; *at;)
		at += xml_text__print_first(out, at);
}

void xml_text__element(FILE *out, int indent, const char *name, const char *text)
{
	fprintf(out, "%*s<%s>", indent, "", name);
	xml_text__print(out, text);
	fprintf(out, "</%s>\n", name);
}

void xml_text__print_comment(FILE *out, const char *text)
{
	uint32_t code = 0, previous = 0;

	for (const char *at = text ? text : "?"; *at; previous = code) {
		at += sanitize_text__first(at, &code);
		if (code == '-' && previous == '-')
			fputc(' ', out);
		print_character(out, code);
	}
}
