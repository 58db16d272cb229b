// SPDX-License-Identifier: GPL-2.0
/*
 * The command line. option_table.h has the options; getopt_long only cuts argv into pieces. An
 * error becomes one line for main to show.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse_number.h"
#include "bpf/wire.h"
#include "option_leaks.h"
#include "option_table.h"
#include "option_value.h"
#include "output/output.h"

#define MIN_SECONDS 0.001 /* a timer of 0 would never fire, one of 1 ns never rest */
#define MAX_COUNT UINT32_MAX
#define DEFAULT_TOP 10

/* An option as it was written: by its letter, or by its name in full. */
static const char *show_option(const struct option_entry *entry, bool by_name, char shown[32])
{
	if (by_name)
		snprintf(shown, 32, "--%s", entry->name);
	else
		snprintf(shown, 32, "-%c", entry->letter);
	return shown;
}

static int refuse_option(struct option_parser *parser, int result, char **argv)
{
	/* getopt is past an option that misses its value and past a long one that it rejects. */
	const char *word = argv[optind - 1];
	const struct option_entry *entry = option_table__find(optopt);
	char shown[32];

	if (result == ':')
		return option_parser__refuse(parser, "option '%s' needs a value",
					     show_option(entry, strncmp(word, "--", 2) == 0,
							 shown));
	/* With optopt of a known option, getopt saw --NAME=VALUE where NAME takes none. */
	if (entry)
		return option_parser__refuse(parser, "option '--%s' takes no value", entry->name);
	if (optopt)
		return option_parser__refuse(parser, "unknown option '-%c'; see --help", optopt);
	return option_parser__refuse(parser, "unknown option '%.*s'; see --help",
				     (int)strcspn(word, "="), word);
}

/*
 * Applies the options up to the first word that is none. *separated tells whether "--" ended them;
 * optind then is after it.
 */
static int parse_flags(struct option_parser *parser, int argc, char **argv, bool *separated)
{
	const char *letters;
	const struct option *names;
	struct options *options = parser->options;
	char shown[32];

	option_table__for_getopt(&letters, &names);
	opterr = 0;
	optind = 0; /* glibc: start afresh, whatever an earlier parse left half done */
	for (;;) {
		int before = optind ? optind : 1, index = -1, error;
		int result = getopt_long(argc, argv, letters, names, &index);
		const struct option_entry *entry;

		if (result == -1) {
			/* The word before may be "--" as some option's value. */
			*separated = optind > before;
			return 0;
		}
		if (result == ':' || result == '?')
			return refuse_option(parser, result, argv);
		entry = option_table__find(result);
		error = entry->apply(parser, entry, show_option(entry, index >= 0, shown), optarg);
		if (error)
			return error;
		if (options->help || options->version || options->completion)
			return 0;
	}
}

/* A word where a number should be is most often a command without its "--". */
static const char *hint_for(const char *word)
{
	bool is_number = !word[strspn(word, "0123456789.")];

	return is_number ? "" : "; a command goes after --: -- COMMAND [ARG...]";
}

static int refuse_number(struct option_parser *parser, const char *takes, const char *word)
{
	return option_parser__refuse(parser, "%s, not " QUOTED "%s", takes, word, hint_for(word));
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* [INTERVAL [COUNT]] */
static int parse_interval(struct option_parser *parser, char **words, int nr_words)
{
	struct options *options = parser->options;
	double seconds;
	bool is_number;

	if (!nr_words)
		return 0;
	is_number = parse_number__seconds(words[0], &seconds);
	options->once = is_number && seconds == 0;
	if (!options->once && (!is_number || seconds < MIN_SECONDS || seconds > OPTION_MAX_SECONDS))
		return refuse_number(parser, INTERVAL_TAKES, words[0]);
	options->interval_s = seconds;

	for (int i = 1; i < nr_words; i++) {
		if (is_option(words[i]))
			return option_parser__refuse(
				parser, "options such as " QUOTED " go before INTERVAL", words[i]);
		if (i == 2)
			return option_parser__refuse(
				parser, QUOTED " is one word too many after INTERVAL and COUNT%s",
				words[i], hint_for(words[i]));
		if (!parse_number__between(words[i], 1, MAX_COUNT, &options->count))
			return refuse_number(parser,
					     "COUNT takes a whole number from 1 to 4294967295",
					     words[i]);
	}
	if (options->once && options->count != 1)
		return option_leaks__refuse_zero(parser);
	return 0;
}

/* The words after the options: [INTERVAL [COUNT]] [-- COMMAND [ARG...]]. */
static int parse_words(struct option_parser *parser, char **words, int nr_words, bool separated)
{
	struct options *options = parser->options;
	int nr_before = 0, error;

	if (!separated) {
		while (nr_before < nr_words && strcmp(words[nr_before], "--") != 0)
			nr_before++;
		error = parse_interval(parser, words, nr_before);
		if (error)
			return error;
		if (nr_before == nr_words)
			return 0;
		nr_before++;
	}
	if (nr_before == nr_words)
		return option_parser__refuse(parser, "-- needs a COMMAND after it");
	if (!*words[nr_before])
		return option_parser__refuse(parser, "-- takes a COMMAND, not ''");
	options->command = words + nr_before;
	return 0;
}

static int build_shell_command(struct option_parser *parser)
{
	struct options *options = parser->options;

	options->command = calloc(4, sizeof(*options->command));
	if (!options->command) {
		option_parser__refuse(parser, "out of memory");
		return -ENOMEM;
	}
	/* These are never written through: execvp's argument type is older than const. */
	options->command[0] = (char *)"sh";
	options->command[1] = (char *)"-c";
	options->command[2] = options->shell_command;
	return 0;
}

/* Checks what is to be traced against -p, -c, -u and -f. */
static int check_targets(struct option_parser *parser)
{
	struct options *options = parser->options;
	bool has_command = options->command || options->shell_command;

	if (options->command && options->shell_command) {
		options->command = NULL; /* argv's: not for options__free */
		return option_parser__refuse(parser,
					     "-c and a command after -- exclude each other");
	}
	if (options->nr_pids && has_command)
		return option_parser__refuse(parser, "-p and a command exclude each other");
	if (options->user && !has_command)
		return option_parser__refuse(parser, "-u goes with a command only");
	if (options->follow_children && !options->nr_pids && !has_command)
		return option_parser__refuse(
			parser,
			"-f goes with a command or -p: without them all processes are traced");
	if (options->hold_new && (options->nr_pids || has_command) && !options->follow_children)
		return option_parser__refuse(
			parser, "--hold-new is for the whole system, or for children (-f)");
	if (options->hold_new && options->features)
		return option_parser__refuse(parser,
					     "--hold-new and --features exclude each other");
	if (options->features &&
	    (options->nr_pids || has_command || options->interval_s || options->once))
		return option_parser__refuse(
			parser, "--features traces nothing: no -p, command or INTERVAL with it");
	return 0;
}

/* --json and --xml are for what is no picture; without them the suffix says it. */
const char *options__format_of(const struct options *options, const char *path)
{
	const struct output_format *by_suffix = path ? output__of_file(path) : NULL;

	if (options->format)
		return options->format;
	if (by_suffix && by_suffix->is_picture)
		return by_suffix->name;
	if (options->xml)
		return "xml";
	if (options->json)
		return "json";
	return by_suffix ? by_suffix->name : "text";
}

static bool is_picture(const struct options *options, const char *path)
{
	return output__find(options__format_of(options, path))->is_picture;
}

/* Pictures are one for a whole run. */
static int check_outputs(struct option_parser *parser)
{
	const struct options *options = parser->options;
	bool pictures = !options->nr_outputs && is_picture(options, NULL);

	for (size_t i = 0; i < options->nr_outputs; i++)
		pictures |= is_picture(options, options->output_paths[i]);
	if (options->append && !options->nr_outputs)
		return option_parser__refuse(parser, "--append goes with -w only");
	if (options->append && pictures)
		return option_parser__refuse(
			parser, "--append would put two pictures into one file: not with one");
	if (pictures && options->mode == MODE_SYSTEM && !options->interval_s)
		return option_parser__refuse(
			parser, "a picture of the whole system is of its newest ranking: add "
				"INTERVAL, such as 10");
	return 0;
}

/* Checks the options that depend on each other; then sets the mode and what follows from it. */
static int check_together(struct option_parser *parser)
{
	struct options *options = parser->options;
	int error = check_targets(parser);

	if (error)
		return error;
	if (options->no_ends && options->only.is_set)
		return option_parser__refuse(parser, "--no-ends and --only exclude each other");
	if (options->no_ends && !options->interval_s && !options->trace)
		return option_parser__refuse(
			parser,
			"--no-ends without INTERVAL would show nothing: add one, such as 10");
	if (options->tree_percent > 0 &&
	    (options->json || options->show_allocations || options->leak_check != LEAK_CHECK_NO))
		return option_parser__refuse(
			parser,
			"--tree is text without blocks or leaks: no --json, -a or --leak-check");
	if (options->min_size_bytes > options->max_size_bytes)
		return option_parser__refuse(
			parser, "-z %llu is more than -Z %llu: no block would be counted",
			(unsigned long long)options->min_size_bytes,
			(unsigned long long)options->max_size_bytes);
	if (options->command || options->shell_command)
		options->mode = MODE_COMMAND;
	else if (options->nr_pids)
		options->mode = MODE_PID;
	error = option_leaks__complete(parser);
	if (!error)
		error = check_outputs(parser);
	if (error)
		return error;
	return options->shell_command ? build_shell_command(parser) : 0;
}

int options__parse(struct options *options, int argc, char **argv, char *error, size_t error_size)
{
	struct option_parser parser = {
		.options = options,
		.error = error,
		.error_size = error_size,
	};
	bool separated = false;
	int result;

	*options = (struct options){
		.max_size_bytes = UINT64_MAX,
		.max_frames = WIRE_MAX_FRAMES,
		.order = ORDER_GROWTH,
	};
	option_leaks__set_defaults(options);
	if (error_size)
		error[0] = '\0';
	if (argc < 1)
		return 0;

	result = parse_flags(&parser, argc, argv, &separated);
	if (result || options->help || options->version || options->completion)
		return result;
	result = parse_words(&parser, argv + optind, argc - optind, separated);
	if (result)
		return result;
	return check_together(&parser);
}

void options__free(struct options *options)
{
	if (!options)
		return;
	if (options->shell_command)
		free(options->command);
	options->command = NULL;
	options->shell_command = NULL;
}

uint64_t options__nr_shown(const struct options *options)
{
	return options->top ? options->top : DEFAULT_TOP;
}
