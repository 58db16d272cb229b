/* SPDX-License-Identifier: GPL-2.0 */
/* One line of a stack, as the symbolizer names it and a report shows it. */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Strings are owned by the symbolizer; they live until its next report begins. */
struct report_frame {
	const char *function; /* demangled; NULL when no symbol covers the address */
	const char *file; /* source file, NULL when there is no line information */
	unsigned int line; /* 0 when unknown */
	const char *module; /* path of the mapped file, "[vdso]" and such, or NULL */
	uint64_t module_offset; /* file offset of the address in the module */
	uint64_t address; /* virtual address in the process, 0 when the frame has none */
	bool inlined; /* the function was inlined into the next frame */
	const char *build_id; /* of the module, in hex; NULL: it has none, or could not be read */
	const char *symbol; /* the function as its file has it; NULL: not from a file, or too long */
};

#endif
