// SPDX-License-Identifier: GPL-2.0
/* See leak_oracle.h. */
#include "leak_oracle.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "valgrind.h"

#define MAX_WORDS 48

/* The names of kinds in a report, and in Valgrind's summary. */
static const struct {
	const char *name, *summary;
} words_of[NR_LEAK_KINDS] = {
	[LEAK_DEFINITE] = { "definite", "definitely lost: " },
	[LEAK_INDIRECT] = { "indirect", "indirectly lost: " },
	[LEAK_POSSIBLE] = { "possible", "possibly lost: " },
	[LEAK_REACHABLE] = { "reachable", "still reachable: " },
};

/*
 * Functions whose blocks may move from "possible" to "reachable". libc points into the middle of a
 * thread's vector of dynamic storage, which the tracer knows. The loader aligns what it keeps of
 * mappings to a cache line within its block, which may be the block's start.
 */
static const char *const movable_by[LEAK_ORACLE_MOVABLE] = {
	"pthread_create",
	"_dlfo_mappings_segment_allocate",
};

/* ---- Valgrind ---- */

struct leak_counts leak_oracle__read_log(const char *log)
{
	struct leak_counts counts = { 0 };
	const char *summary = strstr(log, "LEAK SUMMARY:");

	if (!summary && !strstr(log, "no leaks are possible"))
		fail_msg("Valgrind's log has no summary:\n%.8000s", log);
	for (int kind = LEAK_DEFINITE; summary && kind < NR_LEAK_KINDS; kind++) {
		const char *line = strstr(summary, words_of[kind].summary);
		struct leak_count *count = &counts.of[kind];

		if (!line ||
		    sscanf(line + strlen(words_of[kind].summary), "%lld bytes in %lld blocks",
			   &count->bytes, &count->blocks) != 2)
			fail_msg("Valgrind's summary has no \"%s\":\n%s", words_of[kind].summary,
				 summary);
	}
	return counts;
}

/* A loss record: "==1== N bytes in N blocks are possibly lost in…", and its stack to an empty line.
 */
static const char *next_possible(const char *log, struct leak_count *count, const char **end)
{
	static const char words[] = " blocks are possibly lost in loss record";

	while ((log = strstr(log, words))) {
		const char *line = log;

		while (line[-1] != '=')
			line--;
		*end = strstr(log, "== \n");
		if (*end && sscanf(line, "%lld bytes in %lld", &count->bytes, &count->blocks) == 2)
			return log;
		log += strlen(words);
	}
	return NULL;
}

static void find_movable(struct leak_oracle *oracle)
{
	const char *end, *at = oracle->log;
	struct leak_count count;

	while ((at = next_possible(at, &count, &end))) {
		for (int i = 0; i < LEAK_ORACLE_MOVABLE; i++) {
			const char *by = strstr(at, movable_by[i]);

			if (by && by < end) {
				oracle->movable[i].bytes += count.bytes;
				oracle->movable[i].blocks += count.blocks;
			}
		}
		at = end;
	}
}

void leak_oracle__ask(struct leak_oracle *oracle, const struct child_options *program)
{
	const char *log = scratch("valgrind-leaks.log");
	struct run *run =
		valgrind__run(program, log,
			      ARGS("--leak-check=full", "--show-leak-kinds=all",
				   "--default-suppressions=no", "--child-silent-after-fork=yes"));

	*oracle = (struct leak_oracle){ .exit_status = run->exit_status };
	run__free(run);
	oracle->log = valgrind__take_log(log);
	oracle->counts = leak_oracle__read_log(oracle->log);
	find_movable(oracle);
}

void leak_oracle__free(struct leak_oracle *oracle)
{
	free(oracle->log);
	oracle->log = NULL;
}

/* ---- comparison ---- */

bool leak_counts__equal(const struct leak_counts *a, const struct leak_counts *b)
{
	bool equal = true;

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		equal = equal && a->of[kind].bytes == b->of[kind].bytes &&
			a->of[kind].blocks == b->of[kind].blocks;
	return equal;
}

static void move(struct leak_counts *counts, const struct leak_count *moved)
{
	counts->of[LEAK_POSSIBLE].bytes -= moved->bytes;
	counts->of[LEAK_POSSIBLE].blocks -= moved->blocks;
	counts->of[LEAK_REACHABLE].bytes += moved->bytes;
	counts->of[LEAK_REACHABLE].blocks += moved->blocks;
}

bool leak_oracle__agrees(const struct leak_oracle *oracle, const struct leak_counts *counts)
{
	for (unsigned int moving = 0; moving < 1U << LEAK_ORACLE_MOVABLE; moving++) {
		struct leak_counts expected = oracle->counts;

		for (unsigned int i = 0; i < LEAK_ORACLE_MOVABLE; i++)
			if (moving & 1U << i)
				move(&expected, &oracle->movable[i]);
		if (leak_counts__equal(&expected, counts))
			return true;
	}
	return false;
}

bool leak_oracle__agrees_on_lost(const struct leak_oracle *oracle, const struct leak_counts *counts)
{
	struct leak_counts lost = *counts;

	lost.of[LEAK_POSSIBLE] = oracle->counts.of[LEAK_POSSIBLE];
	lost.of[LEAK_REACHABLE] = oracle->counts.of[LEAK_REACHABLE];
	return leak_counts__equal(&oracle->counts, &lost);
}

void leak_counts__print(const struct leak_counts *counts, const char *who)
{
	print_message("%s:", who);
	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		print_message(" %s %lld in %lld", words_of[kind].name, counts->of[kind].bytes,
			      counts->of[kind].blocks);
	print_message("\n");
}

/* ---- the tracer ---- */

struct run *trace_leaks(const struct child_options *program)
{
	const char *report = scratch("leaks.json");
	const char *const more[] = { "--json",
				     "--leak-check=full",
				     "--show-leak-kinds=all",
				     "-T",
				     "1000000",
				     "-w",
				     report,
				     "--",
				     NULL };
	const char *argv[MAX_WORDS] = { NULL };
	struct child_options options = *program;
	size_t n = tracer_words(argv), i;

	for (i = 0; more[i]; i++)
		argv[n++] = more[i];
	for (i = 0; program->argv[i]; i++) {
		assert_in_range(n, 0, MAX_WORDS - 2);
		argv[n++] = program->argv[i];
	}
	options.argv = argv;
	options.report_path = report;
	return run_with(&options, 300);
}

static int kind_of(const json_t *stack)
{
	const char *name = text(stack, "kind");

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		if (!strcmp(name, words_of[kind].name))
			return kind;
	fail_msg("a stack has the kind \"%s\"", name);
	return LEAK_UNCLASSIFIED;
}

static void assert_stacks_have(const json_t *record, const struct leak_counts *counts)
{
	struct leak_counts sums = { 0 };
	json_t *stack;
	size_t i;

	json_array_foreach(field(record, "stacks"), i, stack)
	{
		struct leak_count *count = &sums.of[kind_of(stack)];

		count->bytes += number(stack, "bytes");
		count->blocks += number(stack, "blocks");
	}
	if (!leak_counts__equal(&sums, counts)) {
		leak_counts__print(&sums, "stacks");
		leak_counts__print(counts, "leaks");
		fail_msg("the stacks of a record have other sums than its leaks");
	}
}

struct leak_counts leak_counts__of(const json_t *record)
{
	struct leak_counts counts = { 0 };

	if (is_null(record, "leaks"))
		fail_msg("no leak check: %s",
			 is_null(record, "leaks_why") ? "and not why" : text(record, "leaks_why"));
	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++) {
		char path[64];

		snprintf(path, sizeof(path), "leaks.%s.bytes", words_of[kind].name);
		counts.of[kind].bytes = number(record, path);
		snprintf(path, sizeof(path), "leaks.%s.blocks", words_of[kind].name);
		counts.of[kind].blocks = number(record, path);
	}
	if (!number(record, "more_stacks"))
		assert_stacks_have(record, &counts);
	return counts;
}
