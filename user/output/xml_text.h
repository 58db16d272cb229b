/* SPDX-License-Identifier: GPL-2.0 */
/* Text of traced processes in an XML 1.0 document, which stays well-formed whatever it is. */
#ifndef XML_TEXT_H
#define XML_TEXT_H

#include <stdio.h>

/*
 * Characters that are markup, control characters and those beyond ASCII become references.
 * Characters that XML 1.0 has no way to write, and bytes that are no UTF-8, become U+FFFD. NULL is
 * shown as "?".
 */
void xml_text__print(FILE *out, const char *text);

/* The same of the first character of a text that is not empty. Returns how many bytes it has. */
unsigned int xml_text__print_first(FILE *out, const char *text);

/* A line: the text between the tags of that name, after an indent of so many columns. */
void xml_text__element(FILE *out, int indent, const char *name, const char *text);

/* The same inside a comment, which a "--" would end: a space parts two hyphens. */
void xml_text__print_comment(FILE *out, const char *text);

#endif
