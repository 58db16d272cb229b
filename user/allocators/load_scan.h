/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads through what a program loads from its file, part by part. Some part may be looked at for a
 * text, or for an instruction, when no table says where that is.
 */
#ifndef LOAD_SCAN_H
#define LOAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_image.h"

/* A text or an instruction of at most this many bytes is whole in one of the parts. */
#define LOAD_SCAN_WHOLE_BYTES 64

/* Bytes that the program has in memory at that address. They end with the call. */
struct load_part {
	const uint8_t *bytes;
	size_t nr_bytes;
	uint64_t address;
};

enum load_kind {
	LOAD_READ_ONLY, /* segments that are neither writable nor executable */
	LOAD_CODE, /* executable segments */
};

/*
 * Calls look for the parts of the segments of that kind, in the headers' order, up to nr_bytes_max
 * in all. Neighbouring parts overlap, so that look may see something twice. Stops when look returns
 * non-zero and returns that; 0 at the end; -EBADMSG when a segment is not wholly in the file;
 * -ENOMEM, -errno.
 */
int load_scan__each(const struct elf_image *image, enum load_kind kind, uint64_t nr_bytes_max,
		    int (*look)(const struct load_part *part, void *context), void *context);

#endif
