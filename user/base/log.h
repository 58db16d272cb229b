/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes messages to the person at the terminal, on stderr, one line each, "memleak-bpf: …". On a
 * terminal, a line goes on in the next where its width ends. Reports go through output.h instead. A
 * message that is too long is cut, not refused. errno stays as it was, and nothing is allocated.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stdbool.h>

void log__set_verbose(bool verbose);

/* Say what failed, on what, why, and what to do. Control characters are shown escaped. */
void log__error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log__warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Written only with -v. A text of several lines (the verifier's, from libbpf) becomes as many
 * lines, each with the prefix.
 */
void log__detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log__detail_va(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
