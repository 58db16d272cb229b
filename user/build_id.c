// SPDX-License-Identifier: GPL-2.0
/* See build_id.h. debug_file.c compares them, object_file.c hands them on to reports. */
#include "build_id.h"

#include <elfutils/libdwelf.h>
#include <stdio.h>

size_t build_id__read(Elf *elf, const unsigned char **bytes)
{
	const void *found;
	ssize_t length = dwelf_elf_gnu_build_id(elf, &found);

	if (length < BUILD_ID_MIN_BYTES || length > BUILD_ID_MAX_BYTES)
		return 0;
	*bytes = found;
	return length;
}

void build_id__hex(const unsigned char *bytes, size_t nr_bytes, char hex[BUILD_ID_HEX_SIZE])
{
	*hex = '\0';
	for (size_t i = 0; i < nr_bytes && i < BUILD_ID_MAX_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}
