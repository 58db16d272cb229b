/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines for a terminal: what is too long for one goes on in the next, broken at a space and
 * indented, a labelled line below its text. A word that is longer than a line stays whole, so that
 * a path can still be copied.
 */
#ifndef TEXT_WRAP_H
#define TEXT_WRAP_H

#include <stdio.h>

/*
 * A stream that writes to out, which must outlive it, lines of at most so many columns (not 0).
 * fclose writes what is pending and leaves out open. NULL when there is no memory.
 */
FILE *text_wrap__open(FILE *out, unsigned int columns);

#endif
