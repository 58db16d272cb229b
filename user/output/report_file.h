/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file that reports are written to. It can be opened anew when it was moved away, as logrotate
 * does, and it remembers why it could not be written.
 */
#ifndef REPORT_FILE_H
#define REPORT_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct report_file;

/* Empties the file, or with append writes after its content. NULL with errno on failure. */
struct report_file *report_file__open(const char *path, bool append);
/* Writes to a copy of the descriptor. NULL with errno on failure. */
struct report_file *report_file__of_descriptor(int fd);
/* Writes pending text, as far as that is possible. */
void report_file__free(struct report_file *file);

/*
 * While the file is full because its reader does not read, keep_waiting is asked ten times a second
 * whether to go on waiting. If not, this write and all later ones fail with -EINTR.
 */
void report_file__while_full(struct report_file *file, bool (*keep_waiting)(void *context),
			     void *context);

/* The stream for the writers; it lives as long as the file does. */
FILE *report_file__stream(struct report_file *file);

/* The current width of the terminal that it writes to; 0 when it is none, or does not say. */
unsigned int report_file__terminal_columns(const struct report_file *file);

/*
 * Writes pending text. Returns 0, or -errno when that or something before it could not be written,
 * or nobody will read it: -EPIPE from a pipe whose reader has gone.
 */
int report_file__flush(struct report_file *file);

/*
 * Writes pending text to the open file, then goes on in the file that has that name now; it is
 * created when there is none, and never emptied. Call it between two reports, so that no line is
 * split between the files. leave, unless NULL, is called once another file is open, to write the
 * last words to the old one. Returns 0, or -errno and stays with the file that was open.
 */
int report_file__reopen(struct report_file *file, const char *path, void (*leave)(void *context),
			void *context);

#endif
