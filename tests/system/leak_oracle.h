/* SPDX-License-Identifier: GPL-2.0 */
/* Blocks at a program's end by leak kind: what Valgrind says, and what the tracer says. */
#ifndef LEAK_ORACLE_H
#define LEAK_ORACLE_H

#include <jansson.h>
#include <stdbool.h>

#include "harness.h"
#include "leaks/leak_kind.h"

struct leak_count {
	long long bytes, blocks;
};

struct leak_counts {
	struct leak_count of[NR_LEAK_KINDS];
};

/* Blocks whose kind depends on more than the program; leak_oracle.c names them. */
#define LEAK_ORACLE_MOVABLE 2

struct leak_oracle {
	struct leak_counts counts;
	/* Among the possibly lost ones. */
	struct leak_count movable[LEAK_ORACLE_MOVABLE];
	int exit_status;
	char *log;
};

/* Runs a program in Valgrind. Its argv, folder, environment and stdout count. */
void leak_oracle__ask(struct leak_oracle *oracle, const struct child_options *program);
void leak_oracle__free(struct leak_oracle *oracle);

/* The sums of a log of Valgrind's, which has no commas in numbers. */
struct leak_counts leak_oracle__read_log(const char *log);

/* Whether the counts are Valgrind's, but for blocks that may move. */
bool leak_oracle__agrees(const struct leak_oracle *oracle, const struct leak_counts *counts);
/* The same, of what is lost for certain alone. */
bool leak_oracle__agrees_on_lost(const struct leak_oracle *oracle,
				 const struct leak_counts *counts);

/* Runs it traced, with all kinds of leaks shown. */
struct run *trace_leaks(const struct child_options *program);
/*
 * What a record of the tracer's says, "exit" or "outstanding". Asserts that leaks were looked for,
 * and, when all stacks were asked for, that they have the same sums.
 */
struct leak_counts leak_counts__of(const json_t *record);
bool leak_counts__equal(const struct leak_counts *a, const struct leak_counts *b);
void leak_counts__print(const struct leak_counts *counts, const char *who);

#endif
