/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What libelf and libdw may see of a file of someone else's: headers that were checked and the
 * sections that are wanted, in memory of our own where nobody can change them any more, at the
 * places that they have in the file. Everything else is zeroes, which take no memory. libelf makes
 * no copies of it, but for what it unpacks.
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
 * Copies the sections whose names are wanted and that are not SHT_NOBITS. Returns 0, -EFBIG when
 * they have more than max_bytes or there is no room, -EBADMSG when one is not in the file or
 * reaches into the headers, -ENOMEM, or -errno.
 */
int elf_copy__open(struct elf_copy *copy, const struct elf_headers *headers,
		   bool (*wanted)(const char *name), uint64_t max_bytes);
/* Also what was never opened, but zeroed. */
void elf_copy__close(struct elf_copy *copy);

#endif
