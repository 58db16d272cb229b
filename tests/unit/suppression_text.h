/* SPDX-License-Identifier: GPL-2.0 */
/* Texts of suppressions, and what is read out of them. */
#ifndef SUPPRESSION_TEXT_H
#define SUPPRESSION_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "report/suppressions.h"

/* An entry, named "name", with these lines after the name. */
#define ENTRY(lines) "{\n name\n" lines "}\n"
#define LEAK(lines) ENTRY("Memcheck:Leak\n" lines)

/* What suppression_text__hides hides. */
extern const struct leak_sum suppression_text__one_block;

/*
 * Reads a text as the file file.supp. Returns the result of suppressions__read; *error is its
 * message, good until the next call.
 */
int suppression_text__read(struct suppressions *suppressions, const char *text, const char **error);
int suppression_text__read_bytes(struct suppressions *suppressions, const char *text,
				 size_t nr_bytes, const char **error);

/* The next two fail the running test when the text is refused. */

/* How many entries for leaks it has. */
size_t suppression_text__nr_entries(const char *text);

/* Whether it hides such a leak. */
bool suppression_text__hides(const char *text, enum leak_kind kind,
			     const struct report_frame *frames, size_t nr);

/* A text many times, with others around it; the caller frees it. */
char *suppression_text__repeat(const char *before, const char *text, size_t times,
			       const char *after);

#endif
