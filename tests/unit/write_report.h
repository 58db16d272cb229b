/* SPDX-License-Identifier: GPL-2.0 */
/* Documents of one report, for the tests of the formats. */
#ifndef WRITE_REPORT_H
#define WRITE_REPORT_H

#include "output/output.h"

/* A format as a user chooses it. */
struct writer {
	const struct output_format *format;
	struct output_settings settings;
	unsigned int terminal_columns; /* 0: to a file */
};

extern const struct writer text_writer, text_verbose_writer;
extern const struct writer system_writer, system_verbose_writer;
extern const struct writer json_writer;

/* Writes a document of that one report, which is of the type that kind asks for. */
void write_report(FILE *out, const struct writer *writer, enum report_kind kind,
		  const void *report);

/* The same below the start of a table, which is not shown. */
void write_report_below(FILE *out, const struct writer *writer, enum report_kind kind,
			const void *report);

/* In memory, to be freed. */
char *report_text(const struct writer *writer, enum report_kind kind, const void *report);

#endif
