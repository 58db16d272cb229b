// SPDX-License-Identifier: GPL-2.0
/* See separate_symbols.h. Used by allocators/function_search.c. */
#include "elf/separate_symbols.h"

#include <errno.h>

#include "elf/debug_file.h"
#include "elf/mini_debug_info.h"

int separate_symbols__open(struct elf_file *file, const struct elf_headers *object,
			   const char **place)
{
	char no_path[] = ""; /* so only the build ID leads to a file */
	const struct elf_file stripped = { .fd = -1, .headers = *object, .path = no_path };
	int err = mini_debug_info__open(file, object);

	*place = ".gnu_debugdata";
	if (!err || err == -ENOMEM)
		return err;
	*place = "debug file";
	return debug_file__open(file, &stripped);
}
