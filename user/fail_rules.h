/* SPDX-License-Identifier: GPL-2.0 */
/* The rules of --fail-on: what makes a run fail whose command ends well. Pure. */
#ifndef FAIL_RULES_H
#define FAIL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/report.h"

enum fail_rule {
	FAIL_HELD, /* a process that ended held that much */
	FAIL_DEFINITE, /* a leak check found such blocks */
	FAIL_POSSIBLE,
	FAIL_KEPT, /* shared memory outlives the process that made it */
	FAIL_UNVERIFIED, /* the books of an end don't balance, or could not be checked */
	FAIL_LOST, /* events were lost, so that figures are lower bounds */
	NR_FAIL_RULES
};

#define FAIL_RULES "held[=SIZE], definite, possible, kept, unverified or lost"

struct fail_rules {
	bool is_set[NR_FAIL_RULES];
	uint64_t held_bytes; /* of FAIL_HELD; 0: any block */
};

/* Reads words between commas. Returns false when one is none of the rules. */
bool fail_rules__parse(struct fail_rules *rules, const char *text);
bool fail_rules__any(const struct fail_rules *rules);

/* How often each rule was broken, and by whom first. */
struct broken_rules {
	uint64_t times[NR_FAIL_RULES];
	char first[NR_FAIL_RULES][160]; /* raw: it may hold what a program chose */
	/* FAIL_HELD could not be judged: nobody knows what this many processes held. */
	uint64_t unknown_held;
};

/* Judges the end of a process. Ends by exec, which go on as another program, don't count. */
void broken_rules__add_end(struct broken_rules *broken, const struct fail_rules *rules,
			   const struct process_report *process);
/* Judges what was lost over the run. */
void broken_rules__add_lost(struct broken_rules *broken, const struct fail_rules *rules,
			    const struct report_lost *lost);
/* Judges the kinds that leak checks found, a sum of LEAK_KIND_BIT. */
void broken_rules__add_leaks(struct broken_rules *broken, const struct fail_rules *rules,
			     unsigned int kinds);

/*
 * One line on a broken rule, without a newline: "--fail-on held: PID 7 (a.out) held 48 bytes in 1
 * block". Returns false when the rule holds.
 */
bool broken_rules__tell(const struct broken_rules *broken, enum fail_rule rule, char *line,
			size_t size);

#endif
