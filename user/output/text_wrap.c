// SPDX-License-Identifier: GPL-2.0
/* See text_wrap.h. Opened by document.c around a report. */
#include "output/text_wrap.h"

#include <stdlib.h>

#include "base/line_wrap.h"
#include "output/text_lines.h"

static void put(void *out, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, out);
}

/* As fopencookie wants it. An error of out shows where out is flushed. */
static ssize_t write_text(void *cookie, const char *bytes, size_t size)
{
	line_wrap__write(cookie, bytes, size);
	return (ssize_t)size;
}

static int close_wrap(void *cookie)
{
	line_wrap__end(cookie);
	free(cookie);
	return 0;
}

FILE *text_wrap__open(FILE *out, unsigned int columns)
{
	const cookie_io_functions_t functions = { .write = write_text, .close = close_wrap };
	struct line_wrap *wrap = calloc(1, sizeof(*wrap));
	FILE *stream = wrap ? fopencookie(wrap, "w", functions) : NULL;

	if (!stream) {
		free(wrap);
		return NULL;
	}
	*wrap = (struct line_wrap){
		.put = put,
		.context = out,
		.columns = columns,
		.label_columns = TEXT_LINES_LABEL_COLUMNS,
	};
	return stream;
}
