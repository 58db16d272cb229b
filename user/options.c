// SPDX-License-Identifier: GPL-2.0
/*
 * The command line. One table has the name, the value and the meaning of each option; getopt_long
 * only cuts argv into pieces. An error becomes one line for main to show.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "options.h"
#include "base/parse_number.h"

#define MAX_SECONDS 31536000 /* a year */
#define MIN_SECONDS 0.001 /* a timer of 0 would never fire, one of 1 ns never rest */
#define MAX_COUNT UINT32_MAX
#define MAX_BLOCKS (1ULL << 27)
#define MAX_STACKS (1ULL << 20)
/* An error quotes this much of a value, so that it stays one line. */
#define QUOTED "'%.80s'"

struct parser {
	struct options *options;
	char *error;
	size_t error_size;
};

struct option_entry {
	int letter; /* below LONG_ONLY: the short option */
	const char *name;
	const char *value; /* as the help calls it; NULL when the option takes none */
	const char *help;
	int (*apply)(struct parser *parser, const struct option_entry *entry, const char *shown,
		     char *value);
	size_t field; /* offset in struct options */
	uint64_t min, max;
};

/* Letters of options that have none. */
enum {
	LONG_ONLY = 256,
	LETTER_APPEND,
	LETTER_JSON,
	LETTER_MAX_BLOCKS,
	LETTER_MAX_STACKS,
	LETTER_FRAMES,
	LETTER_BTF,
	LETTER_FEATURES,
	LETTER_EXIT_HOOK,
	LETTER_EXIT_AFTER,
	LETTER_ATTACH,
	LETTER_STACK_WALK,
	LETTER_VERSION
};

static int __attribute__((format(printf, 2, 3)))
refuse(struct parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(parser->error, parser->error_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void *field_of(struct parser *parser, const struct option_entry *entry)
{
	return (char *)parser->options + entry->field;
}

static int set_flag(struct parser *parser, const struct option_entry *entry, const char *shown,
		    char *value)
{
	(void)shown;
	(void)value;
	*(bool *)field_of(parser, entry) = true;
	return 0;
}

static int set_text(struct parser *parser, const struct option_entry *entry, const char *shown,
		    char *value)
{
	if (!*value)
		return refuse(parser, "%s takes a %s, not ''", shown, entry->value);
	*(const char **)field_of(parser, entry) = value;
	return 0;
}

static int set_whole(struct parser *parser, const struct option_entry *entry, const char *shown,
		     char *value)
{
	uint64_t number;

	if (!parse_number__between(value, entry->min, entry->max, &number))
		return refuse(parser, "%s takes a whole number from %llu to %llu, not " QUOTED,
			      shown, (unsigned long long)entry->min, (unsigned long long)entry->max,
			      value);
	*(uint64_t *)field_of(parser, entry) = number;
	return 0;
}

static int set_size(struct parser *parser, const struct option_entry *entry, const char *shown,
		    char *value)
{
	uint64_t bytes;

	if (!parse_number__size(value, &bytes))
		return refuse(parser, "%s takes a size in bytes such as 4096 or 64K, not " QUOTED,
			      shown, value);
	*(uint64_t *)field_of(parser, entry) = bytes;
	return 0;
}

static int set_age(struct parser *parser, const struct option_entry *entry, const char *shown,
		   char *value)
{
	uint64_t milliseconds;

	if (!parse_number__between(value, entry->min, entry->max, &milliseconds))
		return refuse(
			parser,
			"%s takes milliseconds, a whole number from %llu to %llu, not " QUOTED,
			shown, (unsigned long long)entry->min, (unsigned long long)entry->max,
			value);
	*(double *)field_of(parser, entry) = (double)milliseconds / 1000;
	return 0;
}

static bool has_pid(const struct options *options, pid_t pid)
{
	for (size_t i = 0; i < options->nr_pids; i++) {
		if (options->pids[i] == pid)
			return true;
	}
	return false;
}

static int add_pids(struct parser *parser, const struct option_entry *entry, const char *shown,
		    char *value)
{
	struct options *options = parser->options;
	const char *at = value;

	(void)entry;
	for (;;) {
		size_t length = strcspn(at, ",");
		uint64_t pid;

		if (!parse_number__whole(at, length, &pid) || pid < 1 || pid > INT_MAX)
			return refuse(parser,
				      "%s takes PIDs such as 1234 or 1234,1235, not " QUOTED, shown,
				      value);
		if (!has_pid(options, (pid_t)pid)) {
			if (options->nr_pids == OPTIONS_MAX_PIDS)
				return refuse(parser, "%s takes at most %d PIDs", shown,
					      OPTIONS_MAX_PIDS);
			options->pids[options->nr_pids++] = (pid_t)pid;
		}
		if (!at[length])
			return 0;
		at += length + 1;
	}
}

#define EXIT_HOOKS "kprobe, fentry or tracepoint"
#define EXIT_AFTERS "tracepoint, fexit or kretprobe"
#define CALL_PROBES "session, multi or perf"
#define STACK_WALKS "tables, frame-pointers or none"

static int set_exit_hook(struct parser *parser, const struct option_entry *entry, const char *shown,
			 char *value)
{
	enum exit_before path = probe_paths__exit_before(value);

	(void)entry;
	parser->options->paths.exit_before = path;
	return path ? 0 : refuse(parser, "%s takes " EXIT_HOOKS ", not " QUOTED, shown, value);
}

static int set_exit_after(struct parser *parser, const struct option_entry *entry,
			  const char *shown, char *value)
{
	enum exit_after path = probe_paths__exit_after(value);

	(void)entry;
	parser->options->paths.exit_after = path;
	return path ? 0 : refuse(parser, "%s takes " EXIT_AFTERS ", not " QUOTED, shown, value);
}

static int set_call_probes(struct parser *parser, const struct option_entry *entry,
			   const char *shown, char *value)
{
	enum call_probes path = probe_paths__call_probes(value);

	(void)entry;
	parser->options->paths.call_probes = path;
	return path ? 0 : refuse(parser, "%s takes " CALL_PROBES ", not " QUOTED, shown, value);
}

static int set_stack_walk(struct parser *parser, const struct option_entry *entry,
			  const char *shown, char *value)
{
	enum stack_walk path = probe_paths__stack_walk(value);

	(void)entry;
	parser->options->paths.stack_walk = path;
	return path ? 0 : refuse(parser, "%s takes " STACK_WALKS ", not " QUOTED, shown, value);
}

#define FIELD(member) .field = offsetof(struct options, member)

static const struct option_entry entries[] = {
	{ 'p', "pid", "PID[,PID...]", "trace these running processes; may be repeated", add_pids,
	  FIELD(pids) },
	{ 'c', "command", "'COMMAND LINE'", "run this by sh -c and trace it", set_text,
	  FIELD(shell_command) },
	{ 'u', "user", "USER", "run the command as this user (name or number)", set_text,
	  FIELD(user) },
	{ 'f', "follow", NULL, "trace their children too", set_flag, FIELD(follow_children) },
	{ 'a', "show-allocs", NULL, "list each block under its stack", set_flag,
	  FIELD(show_allocations) },
	{ 't', "trace", NULL, "print each allocation and free as it happens", set_flag,
	  FIELD(trace) },
	{ 'o', "older", "MS", "list only blocks at least MS milliseconds old", set_age,
	  FIELD(min_age_s), .max = MAX_SECONDS * 1000ULL },
	{ 'T', "top", "N", "show the N largest stacks (default 10)", set_whole, FIELD(top),
	  .min = 1, .max = MAX_STACKS },
	{ 'z', "min-size", "SIZE", "count only blocks of at least SIZE bytes", set_size,
	  FIELD(min_size_bytes) },
	{ 'Z', "max-size", "SIZE", "count only blocks of at most SIZE bytes", set_size,
	  FIELD(max_size_bytes) },
	{ 'v', "verbose", NULL, "more figures in reports, more detail in messages", set_flag,
	  FIELD(verbose) },
	{ 'w', "output", "FILE", "write reports to FILE", set_text, FIELD(output_path) },
	{ LETTER_APPEND, "append", NULL, "keep what the FILE of -w holds, write after it", set_flag,
	  FIELD(append) },
	{ LETTER_JSON, "json", NULL, "print JSON Lines instead of text", set_flag, FIELD(json) },
	{ LETTER_MAX_BLOCKS, "max-blocks", "N", "room for N outstanding blocks", set_whole,
	  FIELD(max_blocks), .min = 1, .max = MAX_BLOCKS },
	{ LETTER_MAX_STACKS, "max-stacks", "N", "room for N different stacks", set_whole,
	  FIELD(max_stacks), .min = 1, .max = MAX_STACKS },
	{ LETTER_FRAMES, "frames", "N", "follow stacks for N frames at most (default 128)",
	  set_whole, FIELD(max_frames), .min = 1, .max = WIRE_MAX_FRAMES },
	{ LETTER_BTF, "btf", "FILE", "kernel types from FILE, for a kernel without BTF", set_text,
	  FIELD(btf_path) },
	{ LETTER_FEATURES, "features", NULL, "show what this kernel has and what is used", set_flag,
	  FIELD(features) },
	{ LETTER_EXIT_HOOK, "exit-hook", "WAY", "see a teardown by " EXIT_HOOKS, set_exit_hook,
	  FIELD(paths) },
	{ LETTER_EXIT_AFTER, "exit-after", "WAY", "see it done by " EXIT_AFTERS, set_exit_after,
	  FIELD(paths) },
	{ LETTER_ATTACH, "attach", "WAY", "see calls by uprobes: " CALL_PROBES, set_call_probes,
	  FIELD(paths) },
	{ LETTER_STACK_WALK, "stack-walk", "WAY", "walk stacks by " STACK_WALKS, set_stack_walk,
	  FIELD(paths) },
	{ LETTER_VERSION, "version", NULL, "print the version", set_flag, FIELD(version) },
	{ 'h', "help", NULL, "print this help", set_flag, FIELD(help) },
};

#define NR_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static const struct option_entry *find_entry(int letter)
{
	for (size_t i = 0; i < NR_ENTRIES; i++) {
		if (entries[i].letter == letter)
			return &entries[i];
	}
	return NULL;
}

/* For getopt_long: '+' stops at the first word that is no option, ':' tells "no value". */
static void fill_getopt_tables(char letters[2 + 2 * NR_ENTRIES + 1],
			       struct option names[NR_ENTRIES + 1])
{
	*letters++ = '+';
	*letters++ = ':';
	for (size_t i = 0; i < NR_ENTRIES; i++) {
		names[i].name = entries[i].name;
		names[i].has_arg = entries[i].value ? required_argument : no_argument;
		names[i].val = entries[i].letter;
		if (entries[i].letter > LONG_ONLY)
			continue;
		*letters++ = (char)entries[i].letter;
		if (entries[i].value)
			*letters++ = ':';
	}
}

/* An option as it was written: by its letter, or by its name in full. */
static const char *show_option(const struct option_entry *entry, bool by_name, char shown[32])
{
	if (by_name)
		snprintf(shown, 32, "--%s", entry->name);
	else
		snprintf(shown, 32, "-%c", entry->letter);
	return shown;
}

static int refuse_option(struct parser *parser, int result, char **argv)
{
	/* getopt is past an option that misses its value and past a long one that it rejects. */
	const char *word = argv[optind - 1];
	const struct option_entry *entry = find_entry(optopt);
	char shown[32];

	if (result == ':')
		return refuse(parser, "option '%s' needs a value",
			      show_option(entry, strncmp(word, "--", 2) == 0, shown));
	/* With optopt of a known option, getopt saw --NAME=VALUE where NAME takes none. */
	if (entry)
		return refuse(parser, "option '--%s' takes no value", entry->name);
	if (optopt)
		return refuse(parser, "unknown option '-%c'; see --help", optopt);
	return refuse(parser, "unknown option '%.*s'; see --help", (int)strcspn(word, "="), word);
}

/*
 * Applies the options up to the first word that is none. *separated tells whether "--" ended them;
 * optind then is after it.
 */
static int parse_flags(struct parser *parser, int argc, char **argv, bool *separated)
{
	char letters[2 + 2 * NR_ENTRIES + 1] = "", shown[32];
	struct option names[NR_ENTRIES + 1] = { 0 };
	struct options *options = parser->options;

	fill_getopt_tables(letters, names);
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
		entry = find_entry(result);
		error = entry->apply(parser, entry, show_option(entry, index >= 0, shown), optarg);
		if (error)
			return error;
		if (options->help || options->version)
			return 0;
	}
}

/* A word where a number should be is most often a command without its "--". */
static const char *hint_for(const char *word)
{
	bool is_number = !word[strspn(word, "0123456789.")];

	return is_number ? "" : "; a command goes after --: -- COMMAND [ARG...]";
}

static int refuse_number(struct parser *parser, const char *takes, const char *word)
{
	return refuse(parser, "%s, not " QUOTED "%s", takes, word, hint_for(word));
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* [INTERVAL [COUNT]] */
static int parse_interval(struct parser *parser, char **words, int nr_words)
{
	struct options *options = parser->options;
	double seconds;

	if (!nr_words)
		return 0;
	if (!parse_number__seconds(words[0], &seconds) || seconds < MIN_SECONDS ||
	    seconds > MAX_SECONDS)
		return refuse_number(
			parser, "INTERVAL takes seconds from 0.001 to 31536000 such as 5 or 0.5",
			words[0]);
	options->interval_s = seconds;

	for (int i = 1; i < nr_words; i++) {
		if (is_option(words[i]))
			return refuse(parser, "options such as " QUOTED " go before INTERVAL",
				      words[i]);
		if (i == 2)
			return refuse(parser,
				      QUOTED " is one word too many after INTERVAL and COUNT%s",
				      words[i], hint_for(words[i]));
		if (!parse_number__between(words[i], 1, MAX_COUNT, &options->count))
			return refuse_number(parser,
					     "COUNT takes a whole number from 1 to 4294967295",
					     words[i]);
	}
	return 0;
}

/* The words after the options: [INTERVAL [COUNT]] [-- COMMAND [ARG...]]. */
static int parse_words(struct parser *parser, char **words, int nr_words, bool separated)
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
		return refuse(parser, "-- needs a COMMAND after it");
	if (!*words[nr_before])
		return refuse(parser, "-- takes a COMMAND, not ''");
	options->command = words + nr_before;
	return 0;
}

static int build_shell_command(struct parser *parser)
{
	struct options *options = parser->options;

	options->command = calloc(4, sizeof(*options->command));
	if (!options->command) {
		refuse(parser, "out of memory");
		return -ENOMEM;
	}
	/* These are never written through: execvp's argument type is older than const. */
	options->command[0] = (char *)"sh";
	options->command[1] = (char *)"-c";
	options->command[2] = options->shell_command;
	return 0;
}

/* Checks the options that depend on each other; then sets the mode. */
static int check_together(struct parser *parser)
{
	struct options *options = parser->options;

	if (options->command && options->shell_command) {
		options->command = NULL; /* argv's: not for options__free */
		return refuse(parser, "-c and a command after -- exclude each other");
	}
	if (options->nr_pids && (options->command || options->shell_command))
		return refuse(parser, "-p and a command exclude each other");
	if (options->user && !options->command && !options->shell_command)
		return refuse(parser, "-u goes with a command only");
	if (options->follow_children && !options->nr_pids && !options->command &&
	    !options->shell_command)
		return refuse(
			parser,
			"-f goes with a command or -p: without them all processes are traced");
	if (options->features &&
	    (options->nr_pids || options->command || options->shell_command || options->interval_s))
		return refuse(parser,
			      "--features traces nothing: no -p, command or INTERVAL with it");
	if (options->append && !options->output_path)
		return refuse(parser, "--append goes with -w only");
	if (options->min_size_bytes > options->max_size_bytes)
		return refuse(parser, "-z %llu is more than -Z %llu: no block would be counted",
			      (unsigned long long)options->min_size_bytes,
			      (unsigned long long)options->max_size_bytes);
	if (options->shell_command)
		return build_shell_command(parser);
	return 0;
}

int options__parse(struct options *options, int argc, char **argv, char *error, size_t error_size)
{
	struct parser parser = { options, error, error_size };
	bool separated = false;
	int result;

	*options = (struct options){
		.max_size_bytes = UINT64_MAX,
		.max_frames = WIRE_MAX_FRAMES,
	};
	if (error_size)
		error[0] = '\0';
	if (argc < 1)
		return 0;

	result = parse_flags(&parser, argc, argv, &separated);
	if (result || options->help || options->version)
		return result;
	result = parse_words(&parser, argv + optind, argc - optind, separated);
	if (result)
		return result;
	result = check_together(&parser);
	if (result)
		return result;

	if (options->command)
		options->mode = MODE_COMMAND;
	else if (options->nr_pids)
		options->mode = MODE_PID;
	return 0;
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

void options__print_help(FILE *out)
{
	fputs("memleak-bpf: trace what programs allocate and hold, and the kernel takes back\n"
	      "\n"
	      "usage: memleak-bpf [OPTION...] [INTERVAL [COUNT]] -- COMMAND [ARG...]\n"
	      "       memleak-bpf [OPTION...] -c 'COMMAND LINE' [INTERVAL [COUNT]]\n"
	      "       memleak-bpf [OPTION...] -p PID[,PID...] [INTERVAL [COUNT]]\n"
	      "       memleak-bpf [OPTION...] [INTERVAL [COUNT]]      the whole system\n"
	      "       memleak-bpf --features [--json]\n"
	      "\n"
	      "INTERVAL: seconds between reports of outstanding memory, such as 5 or 0.5.\n"
	      "COUNT: how many such reports. SIZE: bytes; K, M and G multiply by 1024.\n"
	      "Reports go to stdout; with a command they go to stderr.\n"
	      "\n",
	      out);
	for (size_t i = 0; i < NR_ENTRIES; i++) {
		const struct option_entry *entry = &entries[i];
		char shown[64];

		snprintf(shown, sizeof(shown), "--%s%s%s", entry->name, entry->value ? " " : "",
			 entry->value ? entry->value : "");
		if (entry->letter < LONG_ONLY)
			fprintf(out, "  -%c, %-24s  %s\n", entry->letter, shown, entry->help);
		else
			fprintf(out, "      %-24s  %s\n", shown, entry->help);
	}
	fputs("\nman memleak-bpf explains the options and each line of a report.\n", out);
}
