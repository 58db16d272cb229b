/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a held block can be reached from the process's own memory and registers. The kinds, their
 * order and their names are Valgrind's (memcheck/mc_leakcheck.c, manual section 4.2.8).
 */
#ifndef LEAK_KIND_H
#define LEAK_KIND_H

enum leak_kind {
	LEAK_UNCLASSIFIED, /* nobody has looked */
	LEAK_DEFINITE, /* no pointer to it is left */
	LEAK_INDIRECT, /* only lost blocks point to it */
	LEAK_POSSIBLE, /* found by pointers into its middle alone */
	LEAK_REACHABLE, /* found by a pointer to its start */
	NR_LEAK_KINDS,
};

/* Sets of kinds are sums of these. */
#define LEAK_KIND_BIT(kind) (1U << (kind))
#define LEAK_KINDS_ALL                                                 \
	(LEAK_KIND_BIT(LEAK_DEFINITE) | LEAK_KIND_BIT(LEAK_INDIRECT) | \
	 LEAK_KIND_BIT(LEAK_POSSIBLE) | LEAK_KIND_BIT(LEAK_REACHABLE))
#define LEAK_KINDS_LOST (LEAK_KIND_BIT(LEAK_DEFINITE) | LEAK_KIND_BIT(LEAK_POSSIBLE))

/* Why the result is only a lower bound: lost blocks can count as reachable. */
enum leak_limit {
	LEAK_LIMIT_ALLOCATOR = 1 << 0, /* not glibc's: all of its memory counts as in use */
	LEAK_LIMIT_ARENAS = 1 << 1, /* glibc's, but damaged: the same for a part of it */
	LEAK_LIMIT_LATE = 1 << 2, /* blocks from before the attach count as in use */
	LEAK_LIMIT_COPY = 1 << 3, /* the same for those of its parent that have no record */
	LEAK_LIMIT_UNREAD = 1 << 4, /* memory could not be read: lost blocks may be reachable */
};

/* Pointers into the middle of a block that count as pointers to its start; see heuristics.h. */
enum leak_heuristic {
	HEURISTIC_STDSTRING,
	HEURISTIC_LENGTH64,
	HEURISTIC_NEWARRAY,
	HEURISTIC_MULTIPLE_INHERITANCE,
	NR_LEAK_HEURISTICS,
};

#define LEAK_HEURISTIC_BIT(heuristic) (1U << (heuristic))
#define LEAK_HEURISTICS_ALL ((1U << NR_LEAK_HEURISTICS) - 1)

#endif
