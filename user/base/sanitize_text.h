/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes strings that a traced program chose (its comm, its file and symbol names) safe to show.
 * They may hold terminal escapes, newlines that forge a line, or bytes that are no UTF-8.
 */
#ifndef SANITIZE_TEXT_H
#define SANITIZE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * For a terminal, control characters become \n, \t, \r, \e or \xNN, and bytes that are no UTF-8
 * become \xNN. Other characters that control, break lines or turn the reading direction become
 * \u202e and such. NULL is shown as "?".
 */

/*
 * Prints text. Returns the columns that it took: two for a character that terminals show wide, one
 * for any other.
 */
size_t sanitize_text__print(FILE *out, const char *text);

/* The columns that sanitize_text__print would take. */
size_t sanitize_text__columns(const char *text);

/* The same, cut to room columns: a text that is longer ends in a "+". */
size_t sanitize_text__print_cut(FILE *out, const char *text, size_t room);
size_t sanitize_text__columns_cut(const char *text, size_t room);

/*
 * Writes to buffer as much as fits, terminated whenever size > 0. No escape or character is cut in
 * two. Returns the length needed, as snprintf does.
 */
size_t sanitize_text__copy(char *buffer, size_t size, const char *text);

/*
 * For JSON, whose writer escapes control characters itself: returns a copy with U+FFFD for each
 * byte that is no UTF-8. The caller frees it. NULL when there is no memory.
 */
char *sanitize_text__utf8(const char *text);

/*
 * For a writer with escapes of its own: the first character of text, which is not empty, or U+FFFD
 * for a byte that is no UTF-8. Returns how many bytes it has.
 */
unsigned int sanitize_text__first(const char *text, uint32_t *code);

#endif
