/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to the person at the terminal, on stderr, one line each, "memleak-bpf: …". Not for
 * reports: those go through output.h. A message of any length is cut, not refused; errno stays as
 * it was; nothing is allocated.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stdbool.h>

void log__set_verbose(bool verbose);

/* What failed, on what, why, what to do. Control characters in the text are shown escaped. */
void log__error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log__warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Only with -v. A text of several lines (the verifier's, by way of libbpf) becomes as many lines,
 * each with the prefix.
 */
void log__detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log__detail_va(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
