// SPDX-License-Identifier: GPL-2.0
/*
 * An object's build ID and debug link in, its debug file out, for symbols and DWARF. The search
 * follows gdb's manual, "Debugging Information in Separate Files". Both the names and the
 * candidates are hostile: see elf_file.h for how they are opened.
 */
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "build_id.h"
#include "debug_file.h"

#define DEBUG_ROOT "/usr/lib/debug"

struct wanted {
	const unsigned char *build_id;
	size_t build_id_bytes; /* 0: none */
	uint32_t crc; /* asked for when there is no build ID */
	const struct process_root *root; /* where to look first; NULL: only below ours */
};

static bool crc_matches(int fd, uint32_t wanted)
{
	unsigned char buffer[65536];
	uLong crc = crc32(0, NULL, 0);
	off_t offset = 0;
	ssize_t length;

	while ((length = pread(fd, buffer, sizeof(buffer), offset)) > 0) {
		crc = crc32(crc, buffer, length);
		offset += length;
	}
	return !length && crc == wanted;
}

static bool is_wanted(const struct elf_file *file, const struct wanted *wanted)
{
	const unsigned char *build_id;

	if (!wanted->build_id_bytes)
		return crc_matches(file->fd, wanted->crc);
	return build_id__read(file->elf, &build_id) == wanted->build_id_bytes &&
	       !memcmp(build_id, wanted->build_id, wanted->build_id_bytes);
}

static int try_below(struct elf_file *file, const struct wanted *wanted,
		     const struct process_root *root, const char *path)
{
	int err = elf_file__open(file, root, path);

	if (!err && !is_wanted(file, wanted)) {
		elf_file__close(file);
		err = -ENOENT;
	}
	return err;
}

static int try_path(struct elf_file *file, const struct wanted *wanted, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int try_path(struct elf_file *file, const struct wanted *wanted, const char *format, ...)
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

static int try_build_id(struct elf_file *file, const struct wanted *wanted)
{
	char hex[BUILD_ID_HEX_SIZE];

	if (!wanted->build_id_bytes)
		return -ENOENT;
	build_id__hex(wanted->build_id, wanted->build_id_bytes, hex);
	return try_path(file, wanted, DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex, hex + 2);
}

/* How much of the path is its folder, without the slash; -1: the path is not absolute. */
static int folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return path[0] == '/' && slash - path < PATH_MAX ? slash - path : -1;
}

int debug_file__open(struct elf_file *file, const struct elf_file *object)
{
	struct wanted wanted = { .root = object->root };
	const char *object_path = object->path;
	int folder = folder_length(object_path);
	GElf_Word crc = 0;
	const char *name;

	wanted.build_id_bytes = build_id__read(object->elf, &wanted.build_id);
	if (!try_build_id(file, &wanted))
		return 0;

	name = dwelf_elf_gnu_debuglink(object->elf, &crc);
	wanted.crc = crc;
	/* A name with a slash is no debug link, but could lead anywhere. */
	if (!name || !*name || strchr(name, '/') || folder < 0)
		return -ENOENT;
	if (!try_path(file, &wanted, "%.*s/%s", folder, object_path, name) ||
	    !try_path(file, &wanted, "%.*s/.debug/%s", folder, object_path, name))
		return 0;
	return try_path(file, &wanted, DEBUG_ROOT "%.*s/%s", folder, object_path, name);
}

int debug_file__open_alternate(struct elf_file *file, const struct elf_file *debug,
			       const char *name, const void *build_id, size_t build_id_bytes)
{
	struct wanted wanted = { .build_id = build_id,
				 .build_id_bytes = build_id_bytes,
				 .root = debug->root };
	const char *debug_path = debug->path;
	int folder = folder_length(debug_path);

	if (build_id_bytes < BUILD_ID_MIN_BYTES || build_id_bytes > BUILD_ID_MAX_BYTES)
		return -ENOENT;
	if (!try_build_id(file, &wanted))
		return 0;
	if (name[0] == '/')
		return try_path(file, &wanted, "%s", name);
	if (folder < 0)
		return -ENOENT;
	return try_path(file, &wanted, "%.*s/%s", folder, debug_path, name);
}
