/* SPDX-License-Identifier: GPL-2.0 */
/* Where a key belongs in a sorted array. To find an item that equals the key, use bsearch(). */
#ifndef SEARCH_H
#define SEARCH_H

#include <stddef.h>

/*
 * Returns how many of nr sorted items come before the key: the index of the first that does not, or
 * nr. is_before is an expression about the item at index at, a name of the caller's; it is true for
 * the first items and false for all others. With "<" that is the first item not below the key, with
 * "<=" the first above it, and the last that is not above it comes just before. This is a macro, so
 * that the comparison is part of the loop: names and unwind rows are found here.
 */
#define search__nr_before(nr, at, is_before)                                     \
	({                                                                       \
		size_t search_low = 0, search_high = (nr);                       \
                                                                                 \
		while (search_low < search_high) {                               \
			size_t at = search_low + (search_high - search_low) / 2; \
                                                                                 \
			if (is_before)                                           \
				search_low = (at) + 1;                           \
			else                                                     \
				search_high = at;                                \
		}                                                                \
		search_low;                                                      \
	})

#endif
