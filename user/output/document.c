// SPDX-License-Identifier: GPL-2.0
/* See document.h. Reports come from reporter.c; the stream belongs to report_file.c. */
#include "output/document.h"

#include <stdlib.h>
#include <string.h>

#include "output/text_wrap.h"

struct document {
	const struct output_format *format;
	struct output_settings settings;
	struct report_file *file;
	void *state; /* the format's */
	bool ended;
};

static unsigned int terminal_columns(const struct document *document)
{
	return report_file__terminal_columns(document->file);
}

/*
 * Returns the stream to write to: for text on a terminal, one that breaks long lines. close_stream
 * closes what this opens.
 */
static FILE *open_stream(const struct document *document, unsigned int columns)
{
	FILE *stream = report_file__stream(document->file);
	FILE *wrapped = columns && document->format->for_people ? text_wrap__open(stream, columns) :
								  NULL;

	return wrapped ? wrapped : stream;
}

static void close_stream(const struct document *document, FILE *out)
{
	if (out != report_file__stream(document->file))
		fclose(out);
}

static void begin(struct document *document)
{
	FILE *out = open_stream(document, terminal_columns(document));

	memset(document->state, 0, document->format->state_bytes);
	document->format->begin(document->state, out, &document->settings);
	document->ended = false;
	close_stream(document, out);
}

void document__write(struct document *document, const struct report *report)
{
	struct report item = *report;
	FILE *out;

	item.terminal_columns = terminal_columns(document);
	out = open_stream(document, item.terminal_columns);
	document->format->report(document->state, out, &item);
	close_stream(document, out);
}

void document__end(struct document *document)
{
	FILE *out;

	if (document->ended)
		return;
	document->ended = true;
	if (!document->format->end)
		return;
	out = open_stream(document, terminal_columns(document));
	document->format->end(document->state, out);
	close_stream(document, out);
}

struct document *document__new(const struct output_format *format,
			       const struct output_settings *settings, struct report_file *file)
{
	struct document *document = calloc(1, sizeof(*document));

	if (document)
		document->state = malloc(format->state_bytes);
	if (!document || !document->state) {
		free(document);
		return NULL;
	}
	document->format = format;
	document->settings = *settings;
	document->file = file;
	begin(document);
	return document;
}

void document__free(struct document *document)
{
	if (!document)
		return;
	document__end(document);
	free(document->state);
	free(document);
}

static void leave(void *document)
{
	document__end(document);
}

int document__reopen(struct document *document, const char *path)
{
	int err = report_file__reopen(document->file, path, leave, document);

	if (document->ended)
		begin(document);
	return err;
}
