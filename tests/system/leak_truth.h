/* SPDX-License-Identifier: GPL-2.0 */
/* What the cases of the victims leak_kinds, leak_threads, leak_ends and leak_cxx lose. */
#ifndef LEAK_TRUTH_H
#define LEAK_TRUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "leak_oracle.h"

struct leak_truth {
	const char *victim, *name;
	struct leak_count definite, indirect, possible, reachable;
	int exit_status; /* 128 + N: ended by signal N */
	/* Libraries have blocks of their own: what is possible or reachable is at least that. */
	bool at_least;
	/* The sums depend on which numbers Valgrind takes for addresses: the truth alone counts. */
	bool by_chance;
	/* Why the tracer may call less of it lost, and never more; NULL: it finds all. */
	const char *may_miss;
};

extern const struct leak_truth leak_truths[];
extern const size_t nr_leak_truths;

const struct leak_truth *leak_truth__find(const char *victim, const char *name);
/* Whether nothing is called lost beyond what the victim loses. */
bool leak_truth__has_no_more_lost(const struct leak_truth *truth, const struct leak_counts *counts);
/* Whether the counts are what the victim has, whatever its libraries have. */
bool leak_truth__holds(const struct leak_truth *truth, const struct leak_counts *counts);

#endif
