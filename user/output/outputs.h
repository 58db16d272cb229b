/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that a run writes its reports to: files and a stream, each in a format of its own. A failure
 * of one is told, and the others go on.
 */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "output/output.h"

#define OUTPUTS_MAX 16

struct outputs;

/* NULL when there is no memory. */
struct outputs *outputs__new(void);
/* Writes pending text, as far as that is possible. */
void outputs__free(struct outputs *outputs);

/* Opens a file, and empties it unless append. Returns 0 or -errno. */
int outputs__add_file(struct outputs *outputs, const struct output_format *format, const char *path,
		      bool append);
/* Writes to a copy of the descriptor, which messages call by that name. Returns 0 or -errno. */
int outputs__add_stream(struct outputs *outputs, const struct output_format *format, int fd,
			const char *name);

/* See report_file__while_full. */
void outputs__while_full(struct outputs *outputs, bool (*keep_waiting)(void *context),
			 void *context);

/* Begins the documents. top: so many stacks of a report are written, but pictures have all. */
int outputs__begin(struct outputs *outputs, const struct output_settings *settings, uint64_t top);

/* Whether any of them needs all stacks. */
bool outputs__has_pictures(const struct outputs *outputs);
/* Whether any of them has every end, and the stacks of each. */
bool outputs__has_whole_ends(const struct outputs *outputs);

void outputs__write(struct outputs *outputs, const struct report *report);
/* Writes the tails of the documents: nothing can be written after that. */
void outputs__end(struct outputs *outputs);

/* Lets a reader see what has been written so far. */
void outputs__flush(struct outputs *outputs);
/* Goes on in the files that have these names now; see document__reopen. */
void outputs__reopen(struct outputs *outputs);

/*
 * Writes what is pending. Returns 0, or -errno of the first that could not be written, after a
 * message; -EPIPE, without one, when the reader of a pipe has gone.
 */
int outputs__status(struct outputs *outputs);

#endif
