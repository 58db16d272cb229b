// SPDX-License-Identifier: GPL-2.0
/*
 * A compressed section in, a symbol table out, for object_file.c. What is unpacked goes to a file
 * in memory, so that it is read like every other hostile ELF file. A few bytes can stand for
 * gigabytes: what comes out is bounded, and so is the unpacker's own memory.
 */
#include "mini_debug_info.h"

#include <errno.h>
#include <gelf.h>
#include <lzma.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf_file.h"

/* 200 times what the largest programs of Fedora have. */
#define MAX_BYTES (256u << 20)
#define MAX_UNPACKER_BYTES (128u << 20)

static int write_all(int fd, const uint8_t *bytes, size_t nr_bytes)
{
	while (nr_bytes) {
		ssize_t written = write(fd, bytes, nr_bytes);

		if (written < 0)
			return -errno;
		bytes += written;
		nr_bytes -= written;
	}
	return 0;
}

static int error_of(lzma_ret result)
{
	switch (result) {
	case LZMA_OK:
	case LZMA_STREAM_END:
		return 0;
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	case LZMA_MEMLIMIT_ERROR:
		return -EFBIG;
	default:
		return -EINVAL;
	}
}

static int unpack(int fd, const Elf_Data *packed)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result = lzma_stream_decoder(&stream, MAX_UNPACKER_BYTES, 0);
	uint8_t buffer[65536];
	int err = error_of(result);

	stream.next_in = packed->d_buf;
	stream.avail_in = packed->d_size;
	while (!err && result != LZMA_STREAM_END) {
		stream.next_out = buffer;
		stream.avail_out = sizeof(buffer);
		result = lzma_code(&stream, LZMA_FINISH);
		err = error_of(result);
		if (!err && stream.total_out > MAX_BYTES)
			err = -EFBIG;
		if (!err)
			err = write_all(fd, buffer, sizeof(buffer) - stream.avail_out);
	}
	lzma_end(&stream);
	return err;
}

int mini_debug_info__read(struct elf_symbols **symbols, Elf *object)
{
	Elf_Scn *section = elf_file__section(object, ".gnu_debugdata");
	Elf_Data *packed = section ? elf_rawdata(section, NULL) : NULL;
	Elf *elf;
	int fd, err;

	if (!packed || !packed->d_buf || !packed->d_size)
		return -ENOENT;
	fd = memfd_create("gnu_debugdata", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = unpack(fd, packed);
	if (!err) {
		elf = elf_file__handle(fd);
		err = elf ? elf_symbols__read(symbols, elf, SHT_SYMTAB) : -errno;
		elf_end(elf);
	}
	close(fd);
	return err;
}
