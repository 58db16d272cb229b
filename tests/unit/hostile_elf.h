/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ELF files that are small on disk and ask for much memory: with a page of code, and sections that
 * may be holes. All functions fail the running test rather than return an error.
 */
#ifndef HOSTILE_ELF_H
#define HOSTILE_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/* The code is at this address and this offset. */
#define HOSTILE_ELF_CODE 0x1000

struct hostile_section {
	const char *name;
	uint32_t type, link;
	const void *bytes; /* NULL: a hole */
	uint64_t nr_bytes;
	uint64_t flags;
};

/* The sections' numbers are 1, the code's, and those given, from 2 on. */
void hostile_elf__write(const char *path, const struct hostile_section *sections, size_t nr);

#endif
