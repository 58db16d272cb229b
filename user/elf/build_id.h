/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The build ID of an ELF file: what its linker wrote into .note.gnu.build-id so that a file and its
 * debug file can be told from those of every other build.
 */
#ifndef BUILD_ID_H
#define BUILD_ID_H

#include <stddef.h>

#include "elf/elf_headers.h"

/* SHA-1 has 20, --build-id=0x… may have any number. */
#define BUILD_ID_MIN_BYTES 4
#define BUILD_ID_MAX_BYTES 64
#define BUILD_ID_HEX_SIZE (2 * BUILD_ID_MAX_BYTES + 1)

/* The number of bytes; 0: it has none worth the name. */
size_t build_id__read(const struct elf_headers *headers, unsigned char bytes[BUILD_ID_MAX_BYTES]);

/* As text, lower case; at most BUILD_ID_MAX_BYTES are written. */
void build_id__hex(const unsigned char *bytes, size_t nr_bytes, char hex[BUILD_ID_HEX_SIZE]);

#endif
