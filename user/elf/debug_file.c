// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the debug file of an object, for symbols and DWARF, by its build ID or its debug link. The
 * search follows gdb's manual, "Debugging Information in Separate Files". Names and candidates are
 * hostile: elf_file.h says how they are opened.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "elf/build_id.h"
#include "elf/debug_file.h"

#define DEBUG_ROOT "/usr/lib/debug"

/*
 * The most that is read to compute checksums, for all candidates of an object together. Objects
 * without a build ID are old and small. Reading more would take seconds, and push pages out of the
 * page cache that others need.
 */
#define CRC_BYTES_MAX (128ull << 20)

struct wanted {
	unsigned char build_id[BUILD_ID_MAX_BYTES];
	size_t build_id_bytes; /* 0: none */
	uint32_t crc; /* compared when there is no build ID */
	uint64_t crc_bytes_left;
	const struct process_root *root; /* where to search first; NULL: only below ours */
};

static bool crc_matches(const struct elf_source *source, struct wanted *wanted)
{
	unsigned char buffer[65536];
	uLong crc = crc32(0, NULL, 0);
	uint64_t length;

	if (source->nr_bytes > wanted->crc_bytes_left)
		return false;
	wanted->crc_bytes_left -= source->nr_bytes;
	for (uint64_t offset = 0; offset < source->nr_bytes; offset += length) {
		length = elf_source__within(source, offset, sizeof(buffer));
		if (elf_source__read(source, offset, buffer, length))
			return false;
		crc = crc32(crc, buffer, (uInt)length);
	}
	return crc == wanted->crc;
}

static bool is_wanted(const struct elf_file *file, struct wanted *wanted)
{
	unsigned char build_id[BUILD_ID_MAX_BYTES];

	if (!wanted->build_id_bytes)
		return crc_matches(&file->headers.source, wanted);
	return build_id__read(&file->headers, build_id) == wanted->build_id_bytes &&
	       !memcmp(build_id, wanted->build_id, wanted->build_id_bytes);
}

static int try_below(struct elf_file *file, struct wanted *wanted, const struct process_root *root,
		     const char *path)
{
	int err = elf_file__open(file, root, path);

	if (!err && !is_wanted(file, wanted)) {
		elf_file__close(file);
		err = -ENOENT;
	}
	return err;
}

static int try_path(struct elf_file *file, struct wanted *wanted, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int try_path(struct elf_file *file, struct wanted *wanted, const char *format, ...)
{
	char path[PATH_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* A container's debug packages are often installed outside of it only. */
	if (wanted->root && !try_below(file, wanted, wanted->root, path))
		return 0;
	return try_below(file, wanted, NULL, path);
}

static int try_build_id(struct elf_file *file, struct wanted *wanted)
{
	char hex[BUILD_ID_HEX_SIZE];

	if (!wanted->build_id_bytes)
		return -ENOENT;
	build_id__hex(wanted->build_id, wanted->build_id_bytes, hex);
	return try_path(file, wanted, DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex, hex + 2);
}

/* The length of the path's folder, without the slash; -1 when the path is not absolute. */
static int folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return path[0] == '/' && slash - path < PATH_MAX ? slash - path : -1;
}

/*
 * Reads .gnu_debuglink: the name of a file and, after its NUL, at a multiple of four, the checksum.
 * The name is empty when there is no such section, or when it would lead to anything but a file in
 * the searched folder.
 */
static void read_link(const struct elf_headers *headers, char name[NAME_MAX + 1], uint32_t *crc)
{
	const Elf64_Shdr *section = elf_headers__section(headers, ".gnu_debuglink");
	char bytes[NAME_MAX + 1 + sizeof(*crc)] = "";
	size_t crc_at;

	*name = '\0';
	if (!section || section->sh_flags & SHF_COMPRESSED || section->sh_size > sizeof(bytes) ||
	    elf_source__read(&headers->source, section->sh_offset, bytes, section->sh_size))
		return;
	crc_at = (strnlen(bytes, section->sh_size) / 4 + 1) * 4;
	if (crc_at + sizeof(*crc) > section->sh_size || strchr(bytes, '/'))
		return;
	memcpy(name, bytes, strlen(bytes) + 1);
	memcpy(crc, bytes + crc_at, sizeof(*crc));
}

int debug_file__open(struct elf_file *file, const struct elf_file *object)
{
	struct wanted wanted = { .root = object->root, .crc_bytes_left = CRC_BYTES_MAX };
	const char *object_path = object->path;
	int folder = folder_length(object_path);
	char name[NAME_MAX + 1];

	wanted.build_id_bytes = build_id__read(&object->headers, wanted.build_id);
	if (!try_build_id(file, &wanted))
		return 0;

	read_link(&object->headers, name, &wanted.crc);
	if (!*name || folder < 0)
		return -ENOENT;
	if (!try_path(file, &wanted, "%.*s/%s", folder, object_path, name) ||
	    !try_path(file, &wanted, "%.*s/.debug/%s", folder, object_path, name))
		return 0;
	return try_path(file, &wanted, DEBUG_ROOT "%.*s/%s", folder, object_path, name);
}

int debug_file__open_alternate(struct elf_file *file, const struct elf_file *debug,
			       const char *name, const void *build_id, size_t build_id_bytes)
{
	struct wanted wanted = { .build_id_bytes = build_id_bytes, .root = debug->root };
	const char *debug_path = debug->path;
	int folder = folder_length(debug_path);

	if (build_id_bytes < BUILD_ID_MIN_BYTES || build_id_bytes > BUILD_ID_MAX_BYTES)
		return -ENOENT;
	memcpy(wanted.build_id, build_id, build_id_bytes);
	if (!try_build_id(file, &wanted))
		return 0;
	if (name[0] == '/')
		return try_path(file, &wanted, "%s", name);
	if (folder < 0)
		return -ENOENT;
	return try_path(file, &wanted, "%.*s/%s", folder, debug_path, name);
}
