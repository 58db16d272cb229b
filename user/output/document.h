/* SPDX-License-Identifier: GPL-2.0 */
/* A report file in one format, from its head to its tail. On a terminal, long lines are broken. */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "output/output.h"
#include "output/report_file.h"

struct document;

/* Writes the head to file, which must outlive the document. NULL when there is no memory. */
struct document *document__new(const struct output_format *format,
			       const struct output_settings *settings, struct report_file *file);
/* Ends the document if it has not ended. */
void document__free(struct document *document);

/* Tells the format the terminal's current width, which can change at any time. */
void document__write(struct document *document, const struct report *report);

/* Writes the tail, once: nothing can be written after it. */
void document__end(struct document *document);

/*
 * Ends the document in the open file, and begins a new one in the file that has that path now.
 * Returns 0, or -errno: then the document goes on in the file that was open.
 */
int document__reopen(struct document *document, const char *path);

#endif
