/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bar on the terminal of stderr for work that takes longer than a second. It is erased at the
 * end. Where stderr is no terminal, nothing is shown. A traced process may be waiting meanwhile, so
 * a terminal that takes no output, as after Ctrl-S, is passed over.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* One piece of work at a time. The format says what it is, such as "leak check of PID 17". */
void progress__begin(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What it does now, such as "reading memory"; the text must outlive it. */
void progress__phase(const char *phase);
/* How far the phase is. It may be called often, and without any work that was begun. */
void progress__show(uint64_t done, uint64_t total);
void progress__end(void);

/*
 * The line for that many columns, without a newline; with a total of 0 it has no bar. Pure. Cut at
 * the size.
 */
void progress__render(char *line, size_t size, unsigned int columns, const char *text,
		      uint64_t done, uint64_t total);

#endif
