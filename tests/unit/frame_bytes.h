/* SPDX-License-Identifier: GPL-2.0 */
/*
 * .eh_frame written by hand, record by record: records that no assembler would write, and each
 * instruction by itself.
 */
#ifndef FRAME_BYTES_H
#define FRAME_BYTES_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_BYTES_MAX (1 << 20)

struct frame_bytes {
	unsigned char *bytes;
	size_t nr;
};

void frame_bytes__begin(struct frame_bytes *frames);
void frame_bytes__end(struct frame_bytes *frames);

void frame_bytes__number(struct frame_bytes *frames, uint64_t number, size_t width);
void frame_bytes__put(struct frame_bytes *frames, const void *bytes, size_t nr_bytes);

/* A record; its content is put between the two calls. */
size_t frame_bytes__open(struct frame_bytes *frames);
void frame_bytes__close(struct frame_bytes *frames, size_t record);

/*
 * A CIE that most x86-64 functions could have, but for plain 8-byte addresses: cfa is rsp + 8, rip
 * at cfa - 8; factors 1 and -8. Returns its offset.
 */
size_t frame_bytes__cie(struct frame_bytes *frames);

/* A CIE with that augmentation, its data, and those instructions. */
size_t frame_bytes__cie_of(struct frame_bytes *frames, const char *augmentation, const void *data,
			   size_t data_bytes, const void *code, size_t code_bytes);

/* An FDE of such a CIE. */
void frame_bytes__fde(struct frame_bytes *frames, size_t cie, uint64_t begin, uint64_t bytes,
		      const void *code, size_t code_bytes);

#endif
