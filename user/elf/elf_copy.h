/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of someone else's file that libelf and libdw may see: checked headers and the wanted
 * sections, in our own memory, where nobody can change them any more. Each lies at its offset in
 * the file; everything else is zeroes, which take no memory. libelf copies only the sections that
 * it decompresses.
 */
#ifndef ELF_COPY_H
#define ELF_COPY_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "elf/elf_headers.h"

struct elf_copy {
	Elf *elf;
	struct elf_source source; /* the copy */
	uint64_t nr_bytes; /* of the wanted sections */
};

/*
 * Copies the wanted sections that are not SHT_NOBITS. Returns 0, -EFBIG when they have more than
 * max_bytes or there is no room, -EBADMSG when one is not in the file or overlaps the headers,
 * -ENOMEM, or -errno.
 */
int elf_copy__open(struct elf_copy *copy, const struct elf_headers *headers,
		   bool (*wanted)(const char *name), uint64_t max_bytes);
/* Also accepts a copy that was never opened, if it is zeroed. */
void elf_copy__close(struct elf_copy *copy);

#endif
