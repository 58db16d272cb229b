/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a rule is found in the words of the tables; see wire_unwind.h for what they are. The BPF side
 * does it, and the user side for walks that it finishes.
 */
#ifndef UNWIND_SEARCH_H
#define UNWIND_SEARCH_H

#include "wire_unwind.h"

#define UNWIND_SEARCH_STEPS 17 /* halvings of a page of 65,536 rows, and one */

/*
 * The index of the rule at that offset of the file whose table begins at that word. The table has
 * the offset's page.
 */
static inline __attribute__((always_inline)) __u32
unwind_search(__u32 (*word_at)(const void *context, __u32 index), const void *context,
	      __u32 first_word, __u64 offset)
{
	__u32 page = offset >> UNWIND_PAGE_BITS;
	__u32 wanted = offset & ((1 << UNWIND_PAGE_BITS) - 1);
	__u32 low = first_word + word_at(context, first_word + page);
	__u32 high = first_word + word_at(context, first_word + page + 1);

	/* rows[low] <= wanted < rows[high] */
	for (int i = 0; i < UNWIND_SEARCH_STEPS; i++) {
		__u32 middle = low + ((high - low) >> 1);

		if (high - low <= 1 || high < low)
			break;
		if (word_at(context, middle) >> 16 <= wanted)
			low = middle;
		else
			high = middle;
	}
	return word_at(context, low) & 0xffff;
}

#endif
