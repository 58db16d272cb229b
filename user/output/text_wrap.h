/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines for a terminal: a line that is too long goes on in the next, broken at a space and
 * indented, and a labelled line goes on below its text. A word that is longer than a line stays
 * whole, so that a path can still be copied.
 */
#ifndef TEXT_WRAP_H
#define TEXT_WRAP_H

#include <stdio.h>

/*
 * Opens a stream that writes lines of at most so many columns (not 0) to out, which must outlive
 * it. fclose writes pending text and leaves out open. NULL when there is no memory.
 */
FILE *text_wrap__open(FILE *out, unsigned int columns);

#endif
