/* SPDX-License-Identifier: GPL-2.0 */
/* The words of a leak check, the same in every format. */
#ifndef LEAK_WORDS_H
#define LEAK_WORDS_H

#include <stdbool.h>

#include "report/report.h"

/* Valgrind's: "definitely lost", "still reachable". */
const char *leak_words__kind(enum leak_kind kind);
/* Valgrind's, as --leak-check-heuristics takes them: "stdstring". */
const char *leak_words__heuristic(enum leak_heuristic heuristic);

struct leak_limit_words {
	enum leak_limit limit;
	bool lower_bound; /* lost blocks may count as reachable; else the other way round */
	const char *name; /* one word, for programs */
	const char *why; /* a line for people */
};

#define NR_LEAK_LIMITS 5

extern const struct leak_limit_words leak_limits[NR_LEAK_LIMITS];

#endif
