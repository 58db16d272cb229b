// SPDX-License-Identifier: GPL-2.0
/* See write_report.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "write_report.h"

const struct writer text_writer = { &output_text, { .verbose = false }, 0 };
const struct writer text_verbose_writer = { &output_text, { .verbose = true }, 0 };
const struct writer system_writer = { &output_text, { .system_wide = true }, 0 };
const struct writer system_verbose_writer = { &output_text,
					      { .verbose = true, .system_wide = true },
					      0 };
const struct writer json_writer = { &output_json, { .verbose = false }, 0 };

/* Not from the heap: tests let its allocations fail. */
static void *begin(FILE *out, const struct writer *writer)
{
	static uint64_t state[64];

	assert_true(writer->format->state_bytes <= sizeof(state));
	memset(state, 0, sizeof(state));
	writer->format->begin(state, out, &writer->settings);
	return state;
}

static void end(void *state, FILE *out, const struct writer *writer)
{
	if (writer->format->end)
		writer->format->end(state, out);
}

static void put(void *state, FILE *out, const struct writer *writer, enum report_kind kind,
		const void *report)
{
	struct report item = { .kind = kind,
			       { report },
			       .terminal_columns = writer->terminal_columns };

	writer->format->report(state, out, &item);
}

void write_report(FILE *out, const struct writer *writer, enum report_kind kind, const void *report)
{
	void *state = begin(out, writer);

	put(state, out, writer, kind, report);
	end(state, out, writer);
}

void write_report_below(FILE *out, const struct writer *writer, enum report_kind kind,
			const void *report)
{
	struct start_report start = { .version = "", .kernel = "", .mode = "system" };
	FILE *nowhere = fopen("/dev/null", "w");
	void *state;

	assert_non_null(nowhere);
	state = begin(nowhere, writer);
	put(state, nowhere, writer, REPORT_START, &start);
	assert_int_equal(fclose(nowhere), 0);
	put(state, out, writer, kind, report);
	end(state, out, writer);
}

char *report_text(const struct writer *writer, enum report_kind kind, const void *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	write_report(out, writer, kind, report);
	assert_int_equal(fclose(out), 0);
	return text;
}
