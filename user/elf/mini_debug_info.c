// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a symbol table from a compressed section, for object_file.c. The section is unpacked to a
 * file in memory, so that it is read like every other hostile ELF file. A few bytes can stand for
 * gigabytes: the unpacked size is bounded, and so is the unpacker's own memory.
 */
#include "elf/mini_debug_info.h"

#include <errno.h>
#include <lzma.h>
#include <sys/mman.h>
#include <unistd.h>

/* 50 times the size in the largest programs of Fedora. It bounds the packed size too. */
#define MAX_BYTES (64u << 20)
/* xz -9 asks for 65 MiB. */
#define MAX_UNPACKER_BYTES (80u << 20)

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

/* Reads the next bytes of the section, once those before are used up. */
static int feed(lzma_stream *stream, const struct elf_headers *object, const Elf64_Shdr *section,
		uint8_t *buffer, size_t nr_bytes)
{
	uint64_t left = section->sh_size - stream->total_in;

	if (stream->avail_in || !left)
		return 0;
	stream->next_in = buffer;
	stream->avail_in = left < nr_bytes ? left : nr_bytes;
	return elf_source__read(&object->source, section->sh_offset + stream->total_in, buffer,
				stream->avail_in);
}

static int unpack(int fd, const struct elf_headers *object, const Elf64_Shdr *section)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result = lzma_stream_decoder(&stream, MAX_UNPACKER_BYTES, 0);
	uint8_t packed[65536], buffer[65536];
	int err = error_of(result);

	while (!err && result != LZMA_STREAM_END) {
		err = feed(&stream, object, section, packed, sizeof(packed));
		if (err)
			break;
		stream.next_out = buffer;
		stream.avail_out = sizeof(buffer);
		result = lzma_code(&stream, LZMA_RUN);
		err = error_of(result);
		if (!err && stream.total_out > MAX_BYTES)
			err = -EFBIG;
		if (!err)
			err = write_all(fd, buffer, sizeof(buffer) - stream.avail_out);
	}
	lzma_end(&stream);
	return err;
}

int mini_debug_info__open(struct elf_file *file, const struct elf_headers *object)
{
	const Elf64_Shdr *section = elf_headers__section(object, ".gnu_debugdata");
	int err;

	*file = (struct elf_file)ELF_FILE_CLOSED;
	if (!section || section->sh_type == SHT_NOBITS || !section->sh_size)
		return -ENOENT;
	if (section->sh_size > MAX_BYTES)
		return -EFBIG;
	file->fd = memfd_create("gnu_debugdata", MFD_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	err = unpack(file->fd, object, section);
	if (!err)
		err = elf_headers__of_file(file->fd, &file->headers);
	if (err)
		elf_file__close(file);
	return err;
}

int mini_debug_info__read(struct elf_symbols **symbols, const struct elf_headers *object)
{
	struct elf_file file;
	int err = mini_debug_info__open(&file, object);

	if (err)
		return err;
	err = elf_symbols__read(symbols, &file.headers, SHT_SYMTAB);
	elf_file__close(&file);
	return err;
}
