/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the instructions at which an x86-64 function returns to its caller, for probes there. A
 * return probe would replace the return address, and an exception that is thrown through such a
 * frame ends the program; a probe at a ret changes nothing. ELF bytes are hostile input.
 */
#ifndef FUNCTION_RETURNS_H
#define FUNCTION_RETURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_image.h"

#define FUNCTION_RETURNS_MAX 64

struct function_returns {
	uint64_t file_offset[FUNCTION_RETURNS_MAX]; /* sorted, each once */
	size_t nr;
	/*
	 * On the way, the code jumps to a function of this file by name (through the procedure
	 * linkage table). Where another file of the process defines that name, and comes first in
	 * the dynamic linker's search order, calls go there and return there.
	 */
	bool by_name;
};

/*
 * Finds every ret at which a call of the function at that file offset can end: in the function, in
 * its parts elsewhere, in the functions of the same file that it ends with a jump to, and where it
 * goes on after it caught an exception. At each, the stack pointer is that of the entry. Some may
 * belong to other calls, too: a function that is jumped to can also be called.
 *
 * Returns 0 with at least one ret; or, with none: -ENOTSUP when the code can't be followed for
 * certain (an indirect jump, a jump to a function of another file or out of the segment, bytes that
 * are no instruction, code without call frame information, no way to a ret); -E2BIG when there is
 * too much of it; -EBADMSG when the file is damaged, or has no code at that offset; -ENOMEM;
 * -errno.
 */
int function_returns__find(const struct elf_image *image, uint64_t entry_offset,
			   struct function_returns *returns);

#endif
