/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where functions begin and end in a file without symbols, also in one without the sorted table
 * that function_ranges.h needs: .eh_frame, which strip leaves, has an entry (FDE) for each function
 * that compilers generate.
 */
#ifndef FUNCTION_SCAN_H
#define FUNCTION_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "elf/elf_image.h"
#include "elf/function_ranges.h"

/*
 * Fills ranges with the functions that begin in [begin, end), sorted, none of which overlaps the
 * next; their number becomes *nr. Compilers give a function's unlikely code, far away, a range of
 * its own. Functions without an entry have no range. Returns 0; -ENOENT when no header says where
 * .eh_frame is; -EBADMSG when it is damaged, or its addresses are encoded as x86-64 compilers
 * don't; -E2BIG when there are more than nr_max, or the first 64 MB have no end; -ENOMEM; -errno.
 */
int function_scan__between(const struct elf_image *image, uint64_t begin, uint64_t end,
			   struct function_range *ranges, size_t nr_max, size_t *nr);

#endif
