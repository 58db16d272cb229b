/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pointers into the middle of a block that compilers and libraries keep as the only ones.
 * Valgrind's four (--leak-check-heuristics, manual section 4.3).
 */
#ifndef HEURISTICS_H
#define HEURISTICS_H

#include "leaks/block_index.h"
#include "leaks/leak_kind.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"

/*
 * Which of the allowed heuristics (a sum of LEAK_HEURISTIC_BIT) makes a pointer to that address, in
 * the block's middle, count as one to its start. NR_LEAK_HEURISTICS: none.
 */
enum leak_heuristic heuristics__match(unsigned int allowed, const struct leak_block *block,
				      uint64_t pointer, const struct memory_reader *memory,
				      const struct process_areas *areas);

#endif
