/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a function goes on after it caught an exception: no jump leads to these places, only the
 * unwinder does, by the function's table in .gcc_except_table. ELF bytes are hostile input.
 */
#ifndef LANDING_PADS_H
#define LANDING_PADS_H

#include <stdint.h>

#include "elf/elf_image.h"
#include "elf/function_ranges.h"

/*
 * Calls found with the address of each landing pad of the range, some more than once. Stops when
 * found returns non-zero and returns that; 0 at the end, also of a range without such a table;
 * -ENOTSUP when the table is in a form that is not known; -EBADMSG when it is damaged; -ENOMEM;
 * -errno.
 */
int landing_pads__each(const struct elf_image *image, const struct function_range *range,
		       int (*found)(uint64_t address, void *context), void *context);

#endif
