// SPDX-License-Identifier: GPL-2.0
/*
 * The format is that of glibc's sysdeps/generic/dl-cache.h: a header, an array of entries whose key
 * and value are offsets of strings, and the strings. The older format, "ld.so-1.7.0", may stand
 * alone, or before the newer one so that an old libc finds it. Bytes come from a file or a test.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf_file.h"
#include "elf/ldso_cache.h"

#define CACHE_BYTES_MAX (64UL << 20)

/* FLAG_ELF_LIBC6 and the machine; entries of other ABIs (i386, x32) carry other flags. */
#define FLAG_ANY_ELF 1
#if defined(__x86_64__)
#define FLAG_THIS_MACHINE 0x0303
#elif defined(__aarch64__)
#define FLAG_THIS_MACHINE 0x0a03
#else
#error "port me: _DL_CACHE_DEFAULT_ID"
#endif

static const char old_magic[] = "ld.so-1.7.0";
static const char new_magic[] = "glibc-ld.so.cache1.1";

struct old_header {
	char magic[12]; /* the last byte is not part of it */
	uint32_t nr_entries;
};

struct old_entry {
	int32_t flags;
	uint32_t key;
	uint32_t value;
};

struct new_header {
	char magic[20];
	uint32_t nr_entries;
	uint32_t string_bytes;
	uint8_t byte_order;
	uint8_t pad[3];
	uint32_t extension_offset;
	uint32_t unused[3];
};

struct new_entry {
	struct old_entry entry;
	uint32_t os_version;
	uint64_t capabilities; /* not 0: only for processors that have these */
};

_Static_assert(sizeof(struct old_header) == 16, "old_header");
_Static_assert(sizeof(struct old_entry) == 12, "old_entry");
_Static_assert(sizeof(struct new_header) == 48, "new_header");
_Static_assert(sizeof(struct new_entry) == 24, "new_entry");

struct ldso_cache {
	char *bytes;
	size_t nr_bytes;
	size_t entries; /* offset of the first one */
	size_t entry_bytes;
	uint32_t nr_entries;
	size_t strings; /* the place that keys and values are relative to */
};

static bool begins_with(const struct ldso_cache *cache, size_t at, const char *magic)
{
	size_t length = strlen(magic);

	return at <= cache->nr_bytes && cache->nr_bytes - at >= length &&
	       !memcmp(cache->bytes + at, magic, length);
}

static int locate_new(struct ldso_cache *cache, size_t at)
{
	struct new_header header;

	if (cache->nr_bytes - at < sizeof(header))
		return -EBADMSG;
	memcpy(&header, cache->bytes + at, sizeof(header));
	cache->entries = at + sizeof(header);
	cache->entry_bytes = sizeof(struct new_entry);
	cache->nr_entries = header.nr_entries;
	cache->strings = at;
	if (header.nr_entries > (cache->nr_bytes - cache->entries) / cache->entry_bytes)
		return -EBADMSG;
	return 0;
}

static int locate_old(struct ldso_cache *cache)
{
	struct old_header header;
	size_t end, next;

	if (cache->nr_bytes < sizeof(header))
		return -EBADMSG;
	memcpy(&header, cache->bytes, sizeof(header));
	if (header.nr_entries > (cache->nr_bytes - sizeof(header)) / sizeof(struct old_entry))
		return -EBADMSG;
	end = sizeof(header) + (size_t)header.nr_entries * sizeof(struct old_entry);
	/* The newer header is aligned for its 64-bit members. */
	next = (end + 7) & ~(size_t)7;
	if (begins_with(cache, next, new_magic))
		return locate_new(cache, next);
	cache->entries = sizeof(header);
	cache->entry_bytes = sizeof(struct old_entry);
	cache->nr_entries = header.nr_entries;
	cache->strings = end;
	return 0;
}

static int locate_entries(struct ldso_cache *cache)
{
	if (begins_with(cache, 0, new_magic))
		return locate_new(cache, 0);
	if (begins_with(cache, 0, old_magic))
		return locate_old(cache);
	return -EBADMSG;
}

/* Takes ownership of the bytes, even when it fails. */
static int adopt(char *bytes, size_t nr_bytes, struct ldso_cache **cache)
{
	struct ldso_cache *adopted = calloc(1, sizeof(*adopted));
	int err;

	if (!adopted) {
		free(bytes);
		return -ENOMEM;
	}
	adopted->bytes = bytes;
	adopted->nr_bytes = nr_bytes;
	err = locate_entries(adopted);
	if (err) {
		ldso_cache__free(adopted);
		return err;
	}
	*cache = adopted;
	return 0;
}

int ldso_cache__parse(const void *bytes, size_t nr_bytes, struct ldso_cache **cache)
{
	char *copy;

	*cache = NULL;
	if (!nr_bytes)
		return -EBADMSG;
	copy = malloc(nr_bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, nr_bytes);
	return adopt(copy, nr_bytes, cache);
}

static int read_all(int fd, char *bytes, size_t nr_bytes)
{
	size_t done = 0;

	while (done < nr_bytes) {
		ssize_t got = pread(fd, bytes + done, nr_bytes - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EBADMSG;
		done += (size_t)got;
	}
	return 0;
}

static int load_descriptor(int fd, const struct stat *status, struct ldso_cache **cache)
{
	char *bytes;
	int err;

	if (!status->st_size)
		return -EBADMSG;
	if ((uint64_t)status->st_size > CACHE_BYTES_MAX)
		return -EFBIG;
	bytes = malloc((size_t)status->st_size);
	if (!bytes)
		return -ENOMEM;
	err = read_all(fd, bytes, (size_t)status->st_size);
	if (err) {
		free(bytes);
		return err;
	}
	return adopt(bytes, (size_t)status->st_size, cache);
}

int ldso_cache__load(const struct path_root *root, const char *path, struct ldso_cache **cache)
{
	struct stat status;
	int fd = elf_file__open_below(root, path, &status);
	int err;

	*cache = NULL;
	if (fd < 0)
		return fd;
	err = load_descriptor(fd, &status, cache);
	close(fd);
	return err;
}

void ldso_cache__free(struct ldso_cache *cache)
{
	if (!cache)
		return;
	free(cache->bytes);
	free(cache);
}

/* The string at the offset; NULL when there is none, or none that could be a path. */
static const char *string_at(const struct ldso_cache *cache, uint32_t offset)
{
	size_t left = cache->nr_bytes - cache->strings, length;
	const char *string;

	if (offset >= left)
		return NULL;
	string = cache->bytes + cache->strings + offset;
	left -= offset;
	length = strnlen(string, left < PATH_MAX ? left : PATH_MAX);
	return length < left && length < PATH_MAX ? string : NULL;
}

int ldso_cache__each(const struct ldso_cache *cache, const char *name,
		     int (*found)(const char *path, void *context), void *context)
{
	int result = 0;

	for (uint32_t i = 0; i < cache->nr_entries; i++) {
		struct new_entry entry = { .capabilities = 0 };
		const char *key, *path;

		memcpy(&entry, cache->bytes + cache->entries + i * cache->entry_bytes,
		       cache->entry_bytes);
		if (entry.entry.flags != FLAG_THIS_MACHINE && entry.entry.flags != FLAG_ANY_ELF)
			continue;
		key = string_at(cache, entry.entry.key);
		if (!key || strcmp(key, name) != 0)
			continue;
		path = string_at(cache, entry.entry.value);
		if (!path)
			continue;
		result = found(path, context);
		if (result < 0 || (result && !entry.capabilities))
			break;
	}
	return result;
}
