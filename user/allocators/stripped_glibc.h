/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds glibc's malloc in a static x86-64 program that was stripped of its symbols: by the messages
 * and names that glibc's own code refers to, and by which of its functions calls which. A wrong
 * probe would spoil all figures, so whatever is not certain is not found.
 */
#ifndef STRIPPED_GLIBC_H
#define STRIPPED_GLIBC_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "elf/elf_image.h"

#define STRIPPED_GLIBC_MAX 5

struct stripped_function {
	/*
	 * FUNCTION_MEMALIGN is what memalign, aligned_alloc, posix_memalign, valloc and pvalloc all
	 * jump to or call, with the alignment and the size as its first two arguments.
	 */
	enum allocator_function function;
	uint64_t file_offset; /* of its first byte, which is where threads enter it */
	uint64_t nr_bytes;
};

struct stripped_glibc {
	struct stripped_function function[STRIPPED_GLIBC_MAX];
	size_t nr;
};

/*
 * Is for programs (elf_image__is_program) without an interpreter. Finds malloc, realloc and free,
 * and calloc and memalign where these are certain, too; or nothing. Each kind comes once. The image
 * is hostile input: what is read and how long that takes is bounded. Returns 0, with nr 0 when
 * nothing is certain or the file is damaged; -ENOMEM; -errno.
 */
int stripped_glibc__find(const struct elf_image *image, struct stripped_glibc *found);

#endif
