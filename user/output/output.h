/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The formats: each turns the plain data of report.h into one kind of document on a FILE. A format
 * never reads a map, never sorts and never decides what to show. document.h drives them.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/report.h"

enum report_kind {
	REPORT_START,
	REPORT_EXIT, /* a process that has ended */
	REPORT_OUTSTANDING, /* a process that runs */
	REPORT_RANKING, /* of the whole system */
	REPORT_TRACE,
	REPORT_TOTAL,
};

/* One item of a document. */
struct report {
	enum report_kind kind;
	union {
		const struct start_report *start;
		const struct process_report *process; /* REPORT_EXIT and REPORT_OUTSTANDING */
		const struct ranking_report *ranking;
		const struct trace_report *trace;
		const struct total_report *total;
	};
	bool only_for_programs; /* people are not shown it */
	bool stacks_only_for_programs; /* they are shown it without stacks */
	/* Of the terminal that is written to; 0: it is none. document__write sets it. */
	unsigned int terminal_columns;
};

struct output_settings {
	bool verbose; /* text adds addresses, module paths and figures that otherwise only JSON has */
	bool suppressions; /* text has a suppression after each stack of a leak check */
	bool leaks_only; /* see text_view.h */
	double tree_percent; /* see text_view.h */
	bool system_wide; /* text has a row of columns for each process that ends */
};

/*
 * A document is one call of begin, one of report for each item, and one of end, even when the
 * tracer stops early. Each file that the report file is reopened to gets a new document. The state
 * is private to the format: state_bytes bytes, all zero before begin. out can differ from call to
 * call.
 */
struct output_format {
	const char *name;
	const char
		*suffix; /* of files that are written in it; NULL: it is asked for by name alone */
	bool is_whole; /* for programs: it has every end, and the stacks of each */
	bool is_picture; /* it shows all stacks at once, and is written when the document ends */
	bool for_people; /* long lines are broken at words on a terminal */
	size_t state_bytes;
	void (*begin)(void *state, FILE *out, const struct output_settings *settings);
	void (*report)(void *state, FILE *out, const struct report *report);
	/*
	 * Writes the tail, and releases the memory that the state points to. NULL: nothing to do.
	 */
	void (*end)(void *state, FILE *out);
};

/* Text for people. */
extern const struct output_format output_text;
/* JSON Lines, one object a line. The fields are stable. */
extern const struct output_format output_json;
/* The XML of Valgrind's memcheck: loss records, for the programs that read those. */
extern const struct output_format output_xml;

/* Folded stacks, for flame graph tools; and profiles for pprof, speedscope and heaptrack. */
extern const struct output_format output_folded, output_pprof, output_speedscope, output_heaptrack;

/* A page that draws them, and opens in any browser. */
extern const struct output_format output_html;

/* NULL: there is no such format. */
const struct output_format *output__find(const char *name);
/* The format that the suffix of a file's name asks for; NULL: none. */
const struct output_format *output__of_file(const char *path);

#endif
