// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over the returns of a function in a hostile file. The input's first two bytes are the
 * function's offset in the rest. Built and run by make fuzz.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocators/function_returns.h"

#define ENTRY_BYTES 2

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

static void check(int fd, uint64_t entry, size_t nr_bytes)
{
	struct function_returns found;
	struct elf_image *image;
	int err;

	if (elf_image__open(fd, &image))
		return;
	err = function_returns__find(image, entry, &found);
	if (err ? found.nr > 0 : !found.nr || found.nr > FUNCTION_RETURNS_MAX)
		abort();
	for (size_t i = 0; i < found.nr; i++)
		if (found.file_offset[i] >= nr_bytes ||
		    (i && found.file_offset[i] <= found.file_offset[i - 1]))
			abort();
	elf_image__free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	uint64_t entry;
	int fd;

	if (nr_bytes < ENTRY_BYTES)
		return 0;
	entry = bytes[0] | (uint64_t)bytes[1] << 8;
	bytes += ENTRY_BYTES;
	nr_bytes -= ENTRY_BYTES;
	fd = memfd_create("elf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, nr_bytes) != (ssize_t)nr_bytes)
		abort();
	check(fd, entry, nr_bytes);
	close(fd);
	return 0;
}
