/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The build ID of an ELF file, which its linker wrote into .note.gnu.build-id. It tells a file and
 * its debug file from those of every other build.
 */
#ifndef BUILD_ID_H
#define BUILD_ID_H

#include <stddef.h>

#include "elf/elf_headers.h"

/* A SHA-1 build ID has 20 bytes; --build-id=0x… may set any number. */
#define BUILD_ID_MIN_BYTES 4
#define BUILD_ID_MAX_BYTES 64
#define BUILD_ID_HEX_SIZE (2 * BUILD_ID_MAX_BYTES + 1)

/*
 * Returns the number of bytes; 0 when the file has no build ID, or one too short to identify a
 * build.
 */
size_t build_id__read(const struct elf_headers *headers, unsigned char bytes[BUILD_ID_MAX_BYTES]);

/* Writes the build ID as lower-case hex, at most BUILD_ID_MAX_BYTES of it. */
void build_id__hex(const unsigned char *bytes, size_t nr_bytes, char hex[BUILD_ID_HEX_SIZE]);

#endif
