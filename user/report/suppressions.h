/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leaks that the user knows and doesn't want to see, listed in files of Valgrind's format or of
 * LeakSanitizer's; and entries of Valgrind's format for what was found. Pure.
 */
#ifndef SUPPRESSIONS_H
#define SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "leaks/leak_kind.h"
#include "names/frame.h"
#include "report/report.h"

struct suppressions;

/* NULL and errno when memory has run out. */
struct suppressions *suppressions__new(void);
void suppressions__free(struct suppressions *suppressions);

/*
 * Adds the entries of a file. Valgrind's (manual section 2.5) and lines "leak:PATTERN" of
 * LeakSanitizer may be mixed. Entries for anything but Memcheck:Leak are checked as far as Valgrind
 * checks them, and ignored. file_name is for messages. Returns 0; -EINVAL when the file is broken
 * or over a limit, -ENOMEM, or -errno when it can't be read. Then nothing of it is taken, and error
 * holds one line, "FILE:LINE: reason" when a line is to blame, else "FILE: reason".
 */
int suppressions__read(struct suppressions *suppressions, const char *file_name, FILE *in,
		       char *error, size_t error_size);

/* How many entries for leaks there are. */
size_t suppressions__nr(const struct suppressions *suppressions);

/*
 * Whether an entry matches a leak of that kind with these frames, innermost first. The first that
 * does counts what it hid. suppression_match.h says how frames are compared.
 */
bool suppressions__match(struct suppressions *suppressions, enum leak_kind kind,
			 const struct report_frame *frames, size_t nr,
			 const struct leak_sum *hidden);

/*
 * The entries that have matched since the last reset, in the order of the files. Returns how many
 * there are; at most max are filled in. Their strings live as long as the suppressions.
 */
size_t suppressions__used(const struct suppressions *suppressions, struct report_suppression *list,
			  size_t max);
void suppressions__reset_counts(struct suppressions *suppressions);

/*
 * Prints an entry that hides a leak of that kind and stack, here and in Valgrind: what
 * --gen-suppressions=all prints there. A stack without any name or file gets none, since it would
 * hide everything.
 */
void suppressions__print_entry(FILE *out, enum leak_kind kind, const struct report_frame *frames,
			       size_t nr);

#endif
