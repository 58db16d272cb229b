// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes go into a buffer that a test owns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame_bytes.h"

void frame_bytes__begin(struct frame_bytes *frames)
{
	frames->nr = 0;
	frames->bytes = malloc(FRAME_BYTES_MAX);
	assert_non_null(frames->bytes);
}

void frame_bytes__end(struct frame_bytes *frames)
{
	free(frames->bytes);
}

void frame_bytes__put(struct frame_bytes *frames, const void *bytes, size_t nr_bytes)
{
	assert_true(nr_bytes <= FRAME_BYTES_MAX - frames->nr);
	if (nr_bytes)
		memcpy(frames->bytes + frames->nr, bytes, nr_bytes);
	frames->nr += nr_bytes;
}

void frame_bytes__number(struct frame_bytes *frames, uint64_t number, size_t width)
{
	frame_bytes__put(frames, &number, width);
}

size_t frame_bytes__open(struct frame_bytes *frames)
{
	size_t record = frames->nr;

	frame_bytes__number(frames, 0, 4);
	return record;
}

void frame_bytes__close(struct frame_bytes *frames, size_t record)
{
	uint32_t length = (uint32_t)(frames->nr - record - 4);

	memcpy(frames->bytes + record, &length, sizeof(length));
}

size_t frame_bytes__cie_of(struct frame_bytes *frames, const char *augmentation, const void *data,
			   size_t data_bytes, const void *code, size_t code_bytes)
{
	size_t record = frame_bytes__open(frames);

	frame_bytes__number(frames, 0, 4);
	frame_bytes__number(frames, 1, 1); /* version */
	frame_bytes__put(frames, augmentation, strlen(augmentation) + 1);
	frame_bytes__put(frames, "\x01\x78\x10", 3); /* factors 1 and -8, rip */
	if (augmentation[0] == 'z')
		frame_bytes__number(frames, data_bytes, 1);
	frame_bytes__put(frames, data, data_bytes);
	frame_bytes__put(frames, code, code_bytes);
	frame_bytes__close(frames, record);
	return record;
}

size_t frame_bytes__cie(struct frame_bytes *frames)
{
	/* DW_CFA_def_cfa rsp, 8; DW_CFA_offset rip, 1 */
	return frame_bytes__cie_of(frames, "", NULL, 0, "\x0c\x07\x08\x90\x01", 5);
}

void frame_bytes__fde(struct frame_bytes *frames, size_t cie, uint64_t begin, uint64_t bytes,
		      const void *code, size_t code_bytes)
{
	size_t record = frame_bytes__open(frames);

	frame_bytes__number(frames, frames->nr - cie, 4);
	frame_bytes__number(frames, begin, 8);
	frame_bytes__number(frames, bytes, 8);
	frame_bytes__put(frames, code, code_bytes);
	frame_bytes__close(frames, record);
}
