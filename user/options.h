/* SPDX-License-Identifier: GPL-2.0 */
/* The command line as a struct. The parser prints nothing and exits nowhere. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "allocators/file_functions.h"
#include "end_filter.h"
#include "fail_rules.h"
#include "probes/probe_paths.h"
#include "report/stack_order.h"

#define OPTIONS_MAX_PIDS 256

/* The exit status of the tool itself; a command's own status passes through instead. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_USAGE = 120, /* wrong command line */
	STATUS_PRIVILEGE = 121, /* missing capabilities */
	STATUS_KERNEL = 122, /* the kernel lacks something that is needed */
	STATUS_TARGET = 123, /* no such process */
	STATUS_OUTPUT = 124, /* the output file can't be written */
	STATUS_FAILED = 125, /* anything else that went wrong in the tool */
	STATUS_CANNOT_RUN = 126, /* the command was found but can't be run */
	STATUS_NOT_FOUND = 127, /* the command was not found */
	STATUS_NO_READER = 141, /* a pipe's reader has gone: as a filter that SIGPIPE ends */
};

enum leak_check { LEAK_CHECK_NO, LEAK_CHECK_SUMMARY, LEAK_CHECK_FULL };

#define OPTIONS_MAX_SUPPRESSIONS 64 /* files */
#define OPTIONS_MAX_PREFIXES 4
#define OPTIONS_MAX_OUTPUTS 15 /* beside a standard stream */
#define OPTIONS_MAX_DEFINITIONS 32

enum definition_kind { DEFINITION_ALLOC, DEFINITION_FREE, DEFINITION_FILE };

struct option_definition {
	enum definition_kind kind;
	const char *text; /* the definition, which is right, or the file's name */
};

enum options_mode { MODE_SYSTEM, MODE_PID, MODE_COMMAND };

struct options {
	enum options_mode mode;
	pid_t pids[OPTIONS_MAX_PIDS]; /* distinct */
	size_t nr_pids;
	char **command; /* NULL-terminated; points into argv, or owned when shell_command is set */
	char *shell_command; /* -c: the text handed to "sh -c", in argv; NULL otherwise */
	const char *user; /* -u */
	double interval_s; /* 0: no interval */
	uint64_t count; /* 0: no limit */
	bool once; /* INTERVAL 0, COUNT 1: a leak check at once, and no more; interval_s is 0 */
	bool follow_children; /* -f */
	bool hold_new; /* --hold-new */
	bool show_allocations; /* -a */
	bool trace; /* -t */
	double min_age_s; /* -o, given in milliseconds */
	uint64_t top; /* -T; 0: not given */
	double tree_percent; /* --tree; 0: not given */
	enum stack_order order; /* --sort; ORDER_GROWTH by default */
	uint64_t min_size_bytes; /* -z; 0 by default */
	uint64_t max_size_bytes; /* -Z; UINT64_MAX by default */
	uint64_t max_blocks; /* --max-blocks; 0: sized from memory */
	uint64_t max_stacks; /* --max-stacks; 0: default */
	uint64_t max_frames; /* --frames; 128 by default */
	const char *symbol_prefixes[OPTIONS_MAX_PREFIXES]; /* -S: of allocators' names */
	size_t nr_symbol_prefixes;
	const char *objects[FILE_FUNCTIONS_MAX_OBJECTS]; /* -O: the only ones with allocators */
	size_t nr_objects;
	/* --alloc, --free, --definitions: in order */
	struct option_definition definitions[OPTIONS_MAX_DEFINITIONS];
	size_t nr_definitions;
	const char *btf_path; /* --btf */
	const char *output_paths[OPTIONS_MAX_OUTPUTS]; /* -w or --xml-file */
	size_t nr_outputs;
	const char *format; /* --format: of all of them; NULL: their suffixes say */
	bool append; /* --append */
	bool json; /* --json */
	bool verbose; /* -v */
	struct probe_paths paths; /* --exit-hook, --exit-after, --attach, --stack-walk */
	enum leak_check leak_check; /* --leak-check */
	unsigned int show_leak_kinds; /* --show-leak-kinds, a sum of LEAK_KIND_BIT */
	unsigned int error_leak_kinds; /* --errors-for-leak-kinds, the same */
	unsigned int leak_heuristics; /* --leak-check-heuristics, a sum of LEAK_HEURISTIC_BIT */
	const char *suppressions[OPTIONS_MAX_SUPPRESSIONS]; /* --suppressions: files, in order */
	size_t nr_suppressions;
	struct end_filter only; /* --only */
	bool no_ends; /* --no-ends */
	struct fail_rules fail_on; /* --fail-on */
	bool gen_suppressions; /* --gen-suppressions=all */
	int error_exitcode; /* --error-exitcode, 1 with --fail-on; 0: nothing found changes the
			       status */
	bool xml; /* --xml=yes */
	const char *xml_path; /* --xml-file; then one of output_paths, too */
	bool features; /* --features */
	const char *completion; /* --completion: the shell; or NULL */
	bool help; /* --help */
	bool version; /* --version */
};

/*
 * Parses argv, which must outlive the options. Returns 0, or -EINVAL or -ENOMEM. error then has one
 * line, without a newline, that says what is wrong and what would be right; it quotes argv and is
 * as hostile. Nothing after --help, --version or --completion is read. Call options__free either
 * way. Not reentrant: getopt's state is global.
 */
int options__parse(struct options *options, int argc, char **argv, char *error, size_t error_size);
void options__free(struct options *options);

/* The name of the format that is written to a file; path NULL: to a standard stream. */
const char *options__format_of(const struct options *options, const char *path);

/* How many stacks, or processes of the whole system, are shown. */
uint64_t options__nr_shown(const struct options *options);

#endif
