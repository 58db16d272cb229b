// SPDX-License-Identifier: GPL-2.0
/* See leak_words.h. Used by the writers of text, JSON and XML. */
#include "output/leak_words.h"

const char *leak_words__kind(enum leak_kind kind)
{
	static const char *const words[NR_LEAK_KINDS] = {
		[LEAK_UNCLASSIFIED] = "not classified", [LEAK_DEFINITE] = "definitely lost",
		[LEAK_INDIRECT] = "indirectly lost",	[LEAK_POSSIBLE] = "possibly lost",
		[LEAK_REACHABLE] = "still reachable",
	};

	return words[kind];
}

const char *leak_words__heuristic(enum leak_heuristic heuristic)
{
	static const char *const names[NR_LEAK_HEURISTICS] = {
		[HEURISTIC_STDSTRING] = "stdstring",
		[HEURISTIC_LENGTH64] = "length64",
		[HEURISTIC_NEWARRAY] = "newarray",
		[HEURISTIC_MULTIPLE_INHERITANCE] = "multipleinheritance",
	};

	return names[heuristic];
}

const struct leak_limit_words leak_limits[NR_LEAK_LIMITS] = {
	{ LEAK_LIMIT_ALLOCATOR, true, "allocator",
	  "a lower bound: memory of an allocator other than glibc's counts as in use, so lost blocks"
	  " may be missing" },
	{ LEAK_LIMIT_ARENAS, true, "arenas",
	  "a lower bound: a part of glibc's heap could not be walked and counts as in use, so lost"
	  " blocks may be missing" },
	{ LEAK_LIMIT_LATE, true, "late",
	  "a lower bound: blocks from before the attach count as in use, so lost blocks may be"
	  " missing" },
	{ LEAK_LIMIT_COPY, true, "copy",
	  "a lower bound: blocks of its parent without a record count as in use, so lost blocks may"
	  " be missing" },
	{ LEAK_LIMIT_UNREAD, false, "unread",
	  "some memory could not be read: a lost block may still be reachable" },
};
