/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rules to unwind all the code of one ELF file. They go by file offset, so that they hold
 * wherever and in whatever process the file is mapped. They are made from .eh_frame, and from
 * common knowledge of code that has no entry there: stubs and the entry code.
 */
#ifndef UNWIND_ROWS_H
#define UNWIND_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire_unwind.h"

#define UNWIND_ROWS_MAX (8u << 20)

/* The rule holds from that offset up to the next row's. */
struct unwind_row {
	uint64_t file_offset;
	struct unwind_rule rule;
	uint32_t pad;
};

struct unwind_rows {
	struct unwind_row *row; /* ascending, to the code's end; neighbours differ in rule */
	size_t nr;
	size_t nr_functions; /* described by .eh_frame */
	size_t nr_refused; /* records of .eh_frame that could not be read */
};

/*
 * The file must be regular. The descriptor stays the caller's, and is not needed after the call. A
 * file without .eh_frame has one row, UNWIND_CFA_FRAME_POINTER; a file without code has none.
 * Returns 0; -ENOEXEC when it is no ELF program or library of this machine; -EBADMSG when its
 * headers are damaged; -ENOTSUP when .eh_frame is compressed; -E2BIG when it would have more than
 * UNWIND_ROWS_MAX rows, or takes too much memory to read; -ENOMEM; -errno.
 */
int unwind_rows__of_file(int fd, struct unwind_rows *rows);

void unwind_rows__free(struct unwind_rows *rows);

/* The rule at an offset: that of the last row at or before it. NULL before the first row. */
const struct unwind_rule *unwind_rows__find(const struct unwind_rows *rows, uint64_t file_offset);

#endif
