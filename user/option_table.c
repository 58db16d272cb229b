// SPDX-License-Identifier: GPL-2.0
/* See option_table.h. Used by options.c. */
#include "option_table.h"

#include <stddef.h>
#include <stdio.h>

#include "bpf/wire.h"
#include "completion.h"
#include "option_definitions.h"
#include "option_leaks.h"

/* Letters of options that have none. */
enum {
	LETTER_APPEND = OPTION_LONG_ONLY + 1,
	LETTER_ALLOC,
	LETTER_FREE,
	LETTER_DEFINITIONS,
	LETTER_HOLD_NEW,
	LETTER_JSON,
	LETTER_SORT,
	LETTER_TREE,
	LETTER_MAX_BLOCKS,
	LETTER_MAX_STACKS,
	LETTER_FRAMES,
	LETTER_BTF,
	LETTER_FEATURES,
	LETTER_EXIT_HOOK,
	LETTER_EXIT_AFTER,
	LETTER_ATTACH,
	LETTER_STACK_WALK,
	LETTER_LEAK_CHECK,
	LETTER_SHOW_LEAK_KINDS,
	LETTER_ERROR_LEAK_KINDS,
	LETTER_LEAK_HEURISTICS,
	LETTER_SUPPRESSIONS,
	LETTER_GEN_SUPPRESSIONS,
	LETTER_ERROR_EXITCODE,
	LETTER_FORMAT,
	LETTER_FAIL_ON,
	LETTER_ONLY,
	LETTER_NO_ENDS,
	LETTER_XML,
	LETTER_XML_FILE,
	LETTER_COMPLETION,
	LETTER_VERSION
};

#define MAX_BLOCKS (1ULL << 27)
#define MAX_STACKS (1ULL << 20)
#define SHOWN_COLUMNS 24 /* of an option and its value in the help */

#define FIELD(member) .field = offsetof(struct options, member)

static const struct option_entry entries[] = {
	{ 'p', "pid", "PID[,PID...]", "trace these running processes; may be repeated",
	  option_value__pids, FIELD(pids) },
	{ 'c', "command", "'COMMAND LINE'", "run this by sh -c and trace it", option_value__text,
	  FIELD(shell_command) },
	{ 'u', "user", "USER", "run the command as this user (name or number)", option_value__text,
	  FIELD(user) },
	{ 'f', "follow", NULL, "trace their children too", option_value__flag,
	  FIELD(follow_children) },
	{ LETTER_HOLD_NEW, "hold-new", NULL, "hold new programs back until they are probed",
	  option_value__flag, FIELD(hold_new) },
	{ 'a', "show-allocs", NULL, "list each block under its stack", option_value__flag,
	  FIELD(show_allocations) },
	{ 't', "trace", NULL, "print each allocation and free as it happens", option_value__flag,
	  FIELD(trace) },
	{ 'o', "older", "MS", "list only blocks at least that old: 500, 90s, 5m", option_value__age,
	  FIELD(min_age_s), .max = OPTION_MAX_SECONDS * 1000ULL },
	{ 'T', "top", "N", "show the N largest stacks (default 10)", option_value__whole,
	  FIELD(top), .min = 1, .max = MAX_STACKS },
	{ LETTER_ONLY, "only", "WHICH[,WHICH...]", "ends of oom, failed, held>=SIZE, comm=GLOB ...",
	  option_value__only, FIELD(only) },
	{ LETTER_NO_ENDS, "no-ends", NULL, "only what is outstanding at INTERVAL",
	  option_value__flag, FIELD(no_ends) },
	{ LETTER_SORT, "sort", "ORDER", "order by " STACK_ORDERS, option_value__order, FIELD(order),
	  .choices = STACK_ORDERS },
	{ LETTER_TREE, "tree", "PERCENT", "sum stacks up by caller, down to PERCENT of all",
	  option_value__percent, FIELD(tree_percent) },
	{ 'z', "min-size", "SIZE", "count only blocks of at least SIZE bytes", option_value__size,
	  FIELD(min_size_bytes) },
	{ 'Z', "max-size", "SIZE", "count only blocks of at most SIZE bytes", option_value__size,
	  FIELD(max_size_bytes) },
	{ 'S', "symbols-prefix", "PREFIX", "also probe PREFIXmalloc, PREFIXfree and so on",
	  option_value__prefix, FIELD(symbol_prefixes) },
	{ 'O', "object", "OBJECT", "probe only the allocators in this file", option_value__object,
	  FIELD(objects) },
	{ LETTER_ALLOC, "alloc", "FUNCTION", "also probe this function that gives blocks",
	  option_definitions__alloc, FIELD(definitions) },
	{ LETTER_FREE, "free", "FUNCTION", "probe this function that takes them back",
	  option_definitions__free, FIELD(definitions) },
	{ LETTER_DEFINITIONS, "definitions", "FILE", "probe the functions that FILE defines",
	  option_definitions__file, FIELD(definitions) },
	{ 'v', "verbose", NULL, "more figures in reports, more detail in messages",
	  option_value__flag, FIELD(verbose) },
	{ 'w', "output", "FILE", "write to FILE, in the format of its suffix", option_value__output,
	  FIELD(output_paths) },
	{ LETTER_FORMAT, "format", "NAME", "text, json, html, folded, pprof, speedscope ...",
	  option_value__format, FIELD(format), .choices = OUTPUT_FORMATS },
	{ LETTER_APPEND, "append", NULL, "keep what the FILE of -w holds, write after it",
	  option_value__flag, FIELD(append) },
	{ LETTER_JSON, "json", NULL, "print JSON Lines instead of text", option_value__flag,
	  FIELD(json) },
	{ LETTER_LEAK_CHECK, "leak-check", "HOW", "find lost blocks: " LEAK_CHECKS,
	  option_leaks__check, FIELD(leak_check), .choices = LEAK_CHECKS },
	{ LETTER_SHOW_LEAK_KINDS, "show-leak-kinds", "KINDS",
	  "list these stacks (default definite,possible)", option_leaks__kinds,
	  FIELD(show_leak_kinds) },
	{ LETTER_ERROR_LEAK_KINDS, "errors-for-leak-kinds", "KINDS",
	  "what --error-exitcode is for (same default)", option_leaks__error_kinds,
	  FIELD(error_leak_kinds) },
	{ LETTER_LEAK_HEURISTICS, "leak-check-heuristics", "WHICH",
	  "inner pointers that count (default all)", option_leaks__heuristics,
	  FIELD(leak_heuristics) },
	{ LETTER_SUPPRESSIONS, "suppressions", "FILE", "hide the leaks it names; may be repeated",
	  option_leaks__suppressions, FIELD(suppressions) },
	{ LETTER_GEN_SUPPRESSIONS, "gen-suppressions", "WHICH",
	  "all: print a suppression for each listed stack", option_leaks__generate,
	  FIELD(gen_suppressions), .choices = "no or all" },
	{ LETTER_ERROR_EXITCODE, "error-exitcode", "N",
	  "exit with N if leaks are found and nothing fails", option_leaks__exit_code,
	  FIELD(error_exitcode), .min = 0, .max = 255 },
	{ LETTER_FAIL_ON, "fail-on", "RULE[,RULE...]",
	  "fail after held[=SIZE], definite, kept, lost ...", option_leaks__fail_on,
	  FIELD(fail_on) },
	{ LETTER_XML, "xml", "yes|no", "print a leak check as Valgrind's XML", option_leaks__xml,
	  FIELD(xml), .choices = "yes or no" },
	{ LETTER_XML_FILE, "xml-file", "FILE", "write the XML to FILE", option_value__text,
	  FIELD(xml_path) },
	{ LETTER_MAX_BLOCKS, "max-blocks", "N", "room for N outstanding blocks",
	  option_value__whole, FIELD(max_blocks), .min = 1, .max = MAX_BLOCKS },
	{ LETTER_MAX_STACKS, "max-stacks", "N", "room for N different stacks", option_value__whole,
	  FIELD(max_stacks), .min = 1, .max = MAX_STACKS },
	{ LETTER_FRAMES, "frames", "N", "follow stacks for N frames at most (default 128)",
	  option_value__whole, FIELD(max_frames), .min = 1, .max = WIRE_MAX_FRAMES },
	{ LETTER_BTF, "btf", "FILE", "kernel types from FILE, for a kernel without BTF",
	  option_value__text, FIELD(btf_path) },
	{ LETTER_FEATURES, "features", NULL, "show what this kernel has and what is used",
	  option_value__flag, FIELD(features) },
	{ LETTER_EXIT_HOOK, "exit-hook", "WAY", "see a teardown by " EXIT_HOOKS,
	  option_value__exit_hook, FIELD(paths), .choices = EXIT_HOOKS },
	{ LETTER_EXIT_AFTER, "exit-after", "WAY", "see it done by " EXIT_AFTERS,
	  option_value__exit_after, FIELD(paths), .choices = EXIT_AFTERS },
	{ LETTER_ATTACH, "attach", "WAY", "see calls by uprobes: " CALL_PROBES,
	  option_value__call_probes, FIELD(paths), .choices = CALL_PROBES },
	{ LETTER_STACK_WALK, "stack-walk", "WAY", "walk stacks by " STACK_WALKS,
	  option_value__stack_walk, FIELD(paths), .choices = STACK_WALKS },
	{ LETTER_COMPLETION, "completion", "SHELL", "print the completion for " COMPLETION_SHELLS,
	  option_value__completion, FIELD(completion), .choices = COMPLETION_SHELLS },
	{ LETTER_VERSION, "version", NULL, "print the version", option_value__flag,
	  FIELD(version) },
	{ 'h', "help", NULL, "print this help", option_value__flag, FIELD(help) },
};

#define NR_ENTRIES (sizeof(entries) / sizeof(entries[0]))

const struct option_entry *option_table__at(size_t i)
{
	return i < NR_ENTRIES ? &entries[i] : NULL;
}

const struct option_entry *option_table__find(int letter)
{
	for (size_t i = 0; i < NR_ENTRIES; i++) {
		if (entries[i].letter == letter)
			return &entries[i];
	}
	return NULL;
}

void option_table__for_getopt(const char **letters, const struct option **names)
{
	static char all_letters[2 + 2 * NR_ENTRIES + 1];
	static struct option all_names[NR_ENTRIES + 1];
	char *at = all_letters;

	*at++ = '+';
	*at++ = ':';
	for (size_t i = 0; i < NR_ENTRIES; i++) {
		all_names[i].name = entries[i].name;
		all_names[i].has_arg = entries[i].value ? required_argument : no_argument;
		all_names[i].val = entries[i].letter;
		if (entries[i].letter > OPTION_LONG_ONLY)
			continue;
		*at++ = (char)entries[i].letter;
		if (entries[i].value)
			*at++ = ':';
	}
	*at = '\0';
	*letters = all_letters;
	*names = all_names;
}

static void print_option(FILE *out, const struct option_entry *entry)
{
	const char *value = entry->value ? entry->value : "";
	char shown[64];
	int width;

	width = snprintf(shown, sizeof(shown), "--%s%s%s", entry->name, *value ? " " : "", value);
	if (entry->letter < OPTION_LONG_ONLY)
		fprintf(out, "  -%c, ", entry->letter);
	else
		fputs("      ", out);
	/* What is said of a long option begins below it. */
	if (width > SHOWN_COLUMNS)
		fprintf(out, "%s\n      %-*s  %s\n", shown, SHOWN_COLUMNS, "", entry->help);
	else
		fprintf(out, "%-*s  %s\n", SHOWN_COLUMNS, shown, entry->help);
}

void option_table__print_help(FILE *out)
{
	fputs("memleak-bpf: trace what programs allocate and hold, and the kernel takes back\n"
	      "\n"
	      "usage: memleak-bpf [OPTION...] [INTERVAL [COUNT]] -- COMMAND [ARG...]\n"
	      "       memleak-bpf [OPTION...] -c 'COMMAND LINE' [INTERVAL [COUNT]]\n"
	      "       memleak-bpf [OPTION...] -p PID[,PID...] [INTERVAL [COUNT]]\n"
	      "       memleak-bpf [OPTION...] [INTERVAL [COUNT]]      the whole system\n"
	      "       memleak-bpf --features [--json]\n"
	      "\n"
	      "INTERVAL: seconds between reports of outstanding memory: 5, 0.5, or 2m.\n"
	      "COUNT: how many such reports. SIZE: bytes; K, M and G multiply by 1024.\n"
	      "Reports go to stdout; with a command they go to stderr.\n"
	      "\n",
	      out);
	for (size_t i = 0; i < NR_ENTRIES; i++)
		print_option(out, &entries[i]);
	fputs("\nman memleak-bpf explains the options and each line of a report.\n", out);
}
