/* SPDX-License-Identifier: GPL-2.0 */
/* Turns the value of an option into the fields of struct options, or refuses it in one line. */
#ifndef OPTION_VALUE_H
#define OPTION_VALUE_H

#include "options.h"

/* An error quotes this much of a value, so that it stays one line. */
#define QUOTED "'%.80s'"

/* The ways that some options choose from, for help and errors. */
#define EXIT_HOOKS "kprobe, fentry or tracepoint"
#define EXIT_AFTERS "tracepoint, fexit or kretprobe"
#define CALL_PROBES "session, multi or perf"
#define STACK_WALKS "tables, frame-pointers or none"
#define OUTPUT_FORMATS "text, json, html, folded, pprof, speedscope or heaptrack"
#define STACK_ORDERS "growth, held, old, blocks or rate"
#define INTERVAL_TAKES "INTERVAL takes seconds from 0.001 to 31536000 such as 5, 0.5 or 2m"

struct option_parser {
	struct options *options;
	char *error;
	size_t error_size;
	bool leak_check_given; /* --leak-check, with whatever value */
	bool error_kinds_given; /* --errors-for-leak-kinds */
	const char *leak_detail; /* an option that means nothing without a leak check, or NULL */
};

struct option_entry;

/*
 * Applies an option; shown is how it was written, value is NULL when it takes none. Returns 0 or
 * -EINVAL.
 */
typedef int option_apply(struct option_parser *parser, const struct option_entry *entry,
			 const char *shown, char *value);

/* A row of option_table.h. */
struct option_entry {
	int letter; /* below OPTION_LONG_ONLY: the short option */
	const char *name;
	const char *value; /* as the help calls it; NULL when the option takes none */
	const char *help;
	option_apply *apply;
	size_t field; /* offset in struct options */
	uint64_t min, max;
	const char
		*choices; /* the words that the value is one of, as an error lists them; or NULL */
};

/* Writes the error. Returns -EINVAL. */
int option_parser__refuse(struct option_parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The entry's field in the options that are filled. */
void *option_parser__field(struct option_parser *parser, const struct option_entry *entry);

/* These set the entry's field. */
option_apply option_value__flag, option_value__text, option_value__whole, option_value__size;
option_apply option_value__age; /* milliseconds, into seconds */
/* These know their fields. */
option_apply option_value__pids, option_value__prefix, option_value__object,
	option_value__exit_hook, option_value__exit_after;
option_apply option_value__call_probes, option_value__stack_walk, option_value__order,
	option_value__percent, option_value__completion, option_value__only, option_value__output,
	option_value__format;

#endif
