/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compares the rows of an ELF file with libdw's reading of the same .eh_frame, over every address
 * that has call frame information. Both are followed with invented registers and memory, and must
 * arrive at the same caller.
 */
#ifndef CFI_AGAINST_LIBDW_H
#define CFI_AGAINST_LIBDW_H

#include <stddef.h>

#include "../../bpf/wire_unwind.h"

struct cfi_comparison {
	size_t nr_rows; /* ours */
	size_t nr_functions;
	size_t nr_stretches; /* libdw's: addresses that share a rule */
	size_t nr_differences;
	size_t nr_broken; /* stretches that libdw calls damaged; ours may be anything */
	size_t nr_cfa[UNWIND_CFA_BAD + 1]; /* stretches by our rules */
	size_t nr_rbp_inexpressible;
	double rows_s;
	double libdw_s; /* with the comparison */
};

/*
 * Compares every nth function and prints the first few differences. Returns 0; -ENOENT when the
 * file has no .eh_frame_hdr to list its functions by; -errno.
 */
int cfi_against_libdw__compare(const char *path, size_t every_nth,
			       struct cfi_comparison *comparison);

#endif
