/* SPDX-License-Identifier: GPL-2.0 */
/* A stream that breaks a text report's lines for a terminal, as base/line_wrap.h says. */
#ifndef TEXT_WRAP_H
#define TEXT_WRAP_H

#include <stdio.h>

/*
 * Opens a stream that writes lines of at most so many columns (not 0) to out, which must outlive
 * it. fclose writes pending text and leaves out open. NULL when there is no memory.
 */
FILE *text_wrap__open(FILE *out, unsigned int columns);

#endif
