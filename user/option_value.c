// SPDX-License-Identifier: GPL-2.0
/* See option_value.h. Used by option_table.c. */
#include "option_value.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "allocators/allocator_names.h"
#include "base/parse_number.h"
#include "completion.h"
#include "option_table.h"
#include "output/output.h"

int option_parser__refuse(struct option_parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(parser->error, parser->error_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void *option_parser__field(struct option_parser *parser, const struct option_entry *entry)
{
	return (char *)parser->options + entry->field;
}

int option_value__flag(struct option_parser *parser, const struct option_entry *entry,
		       const char *shown, char *value)
{
	(void)shown;
	(void)value;
	*(bool *)option_parser__field(parser, entry) = true;
	return 0;
}

int option_value__text(struct option_parser *parser, const struct option_entry *entry,
		       const char *shown, char *value)
{
	if (!*value)
		return option_parser__refuse(parser, "%s takes a %s, not ''", shown, entry->value);
	*(const char **)option_parser__field(parser, entry) = value;
	return 0;
}

int option_value__whole(struct option_parser *parser, const struct option_entry *entry,
			const char *shown, char *value)
{
	uint64_t number;

	if (!parse_number__between(value, entry->min, entry->max, &number))
		return option_parser__refuse(
			parser, "%s takes a whole number from %llu to %llu, not " QUOTED, shown,
			(unsigned long long)entry->min, (unsigned long long)entry->max, value);
	*(uint64_t *)option_parser__field(parser, entry) = number;
	return 0;
}

int option_value__size(struct option_parser *parser, const struct option_entry *entry,
		       const char *shown, char *value)
{
	uint64_t bytes;

	if (!parse_number__size(value, &bytes))
		return option_parser__refuse(
			parser, "%s takes a size in bytes such as 4096 or 64K, not " QUOTED, shown,
			value);
	*(uint64_t *)option_parser__field(parser, entry) = bytes;
	return 0;
}

int option_value__age(struct option_parser *parser, const struct option_entry *entry,
		      const char *shown, char *value)
{
	double *seconds = option_parser__field(parser, entry);
	uint64_t milliseconds;

	if (parse_number__between(value, entry->min, entry->max, &milliseconds)) {
		*seconds = (double)milliseconds / 1000;
		return 0;
	}
	/* Without a suffix it is no whole number of milliseconds. */
	if (*value && !isdigit((unsigned char)value[strlen(value) - 1]) &&
	    parse_number__seconds(value, seconds) && *seconds <= OPTION_MAX_SECONDS)
		return 0;
	return option_parser__refuse(
		parser,
		"%s takes milliseconds, a whole number from %llu to %llu, or a time such as 90s, "
		"not " QUOTED,
		shown, (unsigned long long)entry->min, (unsigned long long)entry->max, value);
}

static bool has_pid(const struct options *options, pid_t pid)
{
	for (size_t i = 0; i < options->nr_pids; i++) {
		if (options->pids[i] == pid)
			return true;
	}
	return false;
}

int option_value__pids(struct option_parser *parser, const struct option_entry *entry,
		       const char *shown, char *value)
{
	struct options *options = parser->options;
	const char *at = value;

	(void)entry;
	for (;;) {
		size_t length = strcspn(at, ",");
		uint64_t pid;

		if (!parse_number__whole(at, length, &pid) || pid < 1 || pid > INT_MAX)
			return option_parser__refuse(
				parser, "%s takes PIDs such as 1234 or 1234,1235, not " QUOTED,
				shown, value);
		if (!has_pid(options, (pid_t)pid)) {
			if (options->nr_pids == OPTIONS_MAX_PIDS)
				return option_parser__refuse(parser, "%s takes at most %d PIDs",
							     shown, OPTIONS_MAX_PIDS);
			options->pids[options->nr_pids++] = (pid_t)pid;
		}
		if (!at[length])
			return 0;
		at += length + 1;
	}
}

/* What C, C++ and Rust compilers put into names, and is not a file's or a person's. */
static bool can_begin_symbol(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789_.$");

	return length && length <= ALLOCATOR_PREFIX_MAX && !text[length];
}

int option_value__prefix(struct option_parser *parser, const struct option_entry *entry,
			 const char *shown, char *value)
{
	struct options *options = parser->options;

	(void)entry;
	if (!can_begin_symbol(value))
		return option_parser__refuse(
			parser,
			"%s takes what a function's name begins with, such as "
			"my_ for my_malloc, at most %d characters, not " QUOTED,
			shown, ALLOCATOR_PREFIX_MAX, value);
	if (options->nr_symbol_prefixes == OPTIONS_MAX_PREFIXES)
		return option_parser__refuse(parser, "%s can be given at most %d times", shown,
					     OPTIONS_MAX_PREFIXES);
	options->symbol_prefixes[options->nr_symbol_prefixes++] = value;
	return 0;
}

int option_value__object(struct option_parser *parser, const struct option_entry *entry,
			 const char *shown, char *value)
{
	struct options *options = parser->options;

	(void)entry;
	if (!*value)
		return option_parser__refuse(
			parser, "%s takes the name or the path of a file with an allocator", shown);
	if (options->nr_objects == FILE_FUNCTIONS_MAX_OBJECTS)
		return option_parser__refuse(parser, "%s can be given at most %d times", shown,
					     FILE_FUNCTIONS_MAX_OBJECTS);
	options->objects[options->nr_objects++] = value;
	return 0;
}

/* A way to trace that is not among those that the option chooses from. */
static int refuse_way(struct option_parser *parser, const char *shown, const char *ways,
		      const char *value)
{
	return option_parser__refuse(parser, "%s takes %s, not " QUOTED, shown, ways, value);
}

int option_value__exit_hook(struct option_parser *parser, const struct option_entry *entry,
			    const char *shown, char *value)
{
	enum exit_before path = probe_paths__exit_before(value);

	(void)entry;
	parser->options->paths.exit_before = path;
	return path ? 0 : refuse_way(parser, shown, EXIT_HOOKS, value);
}

int option_value__exit_after(struct option_parser *parser, const struct option_entry *entry,
			     const char *shown, char *value)
{
	enum exit_after path = probe_paths__exit_after(value);

	(void)entry;
	parser->options->paths.exit_after = path;
	return path ? 0 : refuse_way(parser, shown, EXIT_AFTERS, value);
}

int option_value__call_probes(struct option_parser *parser, const struct option_entry *entry,
			      const char *shown, char *value)
{
	enum call_probes path = probe_paths__call_probes(value);

	(void)entry;
	parser->options->paths.call_probes = path;
	return path ? 0 : refuse_way(parser, shown, CALL_PROBES, value);
}

int option_value__stack_walk(struct option_parser *parser, const struct option_entry *entry,
			     const char *shown, char *value)
{
	enum stack_walk path = probe_paths__stack_walk(value);

	(void)entry;
	parser->options->paths.stack_walk = path;
	return path ? 0 : refuse_way(parser, shown, STACK_WALKS, value);
}

int option_value__order(struct option_parser *parser, const struct option_entry *entry,
			const char *shown, char *value)
{
	static const char *const names[NR_STACK_ORDERS] = {
		[ORDER_HELD] = "held",	   [ORDER_GROWTH] = "growth", [ORDER_OLD] = "old",
		[ORDER_BLOCKS] = "blocks", [ORDER_RATE] = "rate",
	};

	(void)entry;
	for (int i = 0; i < NR_STACK_ORDERS; i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		parser->options->order = (enum stack_order)i;
		return 0;
	}
	return refuse_way(parser, shown, STACK_ORDERS, value);
}

int option_value__percent(struct option_parser *parser, const struct option_entry *entry,
			  const char *shown, char *value)
{
	double percent;

	if (!parse_number__decimal(value, &percent) || percent < 0.01 || percent > 100)
		return option_parser__refuse(
			parser,
			"%s takes a share in percent from 0.01 to 100 such as 1, not " QUOTED,
			shown, value);
	*(double *)option_parser__field(parser, entry) = percent;
	return 0;
}

int option_value__completion(struct option_parser *parser, const struct option_entry *entry,
			     const char *shown, char *value)
{
	if (!completion__knows(value))
		return refuse_way(parser, shown, COMPLETION_SHELLS, value);
	*(const char **)option_parser__field(parser, entry) = value;
	return 0;
}

int option_value__only(struct option_parser *parser, const struct option_entry *entry,
		       const char *shown, char *value)
{
	if (!end_filter__parse(option_parser__field(parser, entry), value))
		return option_parser__refuse(parser, "%s takes " END_FILTER_TERMS ", not " QUOTED,
					     shown, value);
	return 0;
}

int option_value__output(struct option_parser *parser, const struct option_entry *entry,
			 const char *shown, char *value)
{
	struct options *options = parser->options;

	if (!*value)
		return option_parser__refuse(parser, "%s takes a %s, not ''", shown, entry->value);
	for (size_t i = 0; i < options->nr_outputs; i++)
		if (!strcmp(options->output_paths[i], value))
			return option_parser__refuse(parser, "%s " QUOTED " is given twice", shown,
						     value);
	if (options->nr_outputs == OPTIONS_MAX_OUTPUTS)
		return option_parser__refuse(parser, "%s can be given at most %d times", shown,
					     OPTIONS_MAX_OUTPUTS);
	options->output_paths[options->nr_outputs++] = value;
	return 0;
}

int option_value__format(struct option_parser *parser, const struct option_entry *entry,
			 const char *shown, char *value)
{
	/* XML is asked for by --xml=yes, which implies a leak check. */
	if (!output__find(value) || !strcmp(value, "xml"))
		return refuse_way(parser, shown, OUTPUT_FORMATS, value);
	*(const char **)option_parser__field(parser, entry) = value;
	return 0;
}
