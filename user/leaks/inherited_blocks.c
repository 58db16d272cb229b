// SPDX-License-Identifier: GPL-2.0
/* See inherited_blocks.h. Used by leak_scan.c. */
#include "leaks/inherited_blocks.h"

#include "leaks/root_ranges.h"

static bool is_in(const struct range_list *ranges, const struct leak_block *block)
{
	uint64_t last = block->address + (block->size_bytes ? block->size_bytes - 1 : 0);

	return root_ranges__contain(ranges, block->address) && root_ranges__contain(ranges, last);
}

size_t inherited_blocks__keep_used(struct leak_block *inherited, size_t nr,
				   const struct glibc_arenas *arenas)
{
	size_t nr_kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (is_in(&arenas->unknown, &inherited[i]) ||
		    !root_ranges__contain(&arenas->owned, inherited[i].address))
			inherited[nr_kept++] = inherited[i];
	return nr_kept;
}

size_t inherited_blocks__keep_mapped(struct leak_block *inherited, size_t nr,
				     const struct glibc_arenas *arenas)
{
	size_t nr_kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (is_in(&arenas->owned, &inherited[i]))
			inherited[nr_kept++] = inherited[i];
	return nr_kept;
}
