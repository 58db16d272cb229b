// SPDX-License-Identifier: GPL-2.0
/*
 * ld.so.cache against ldconfig -p, against caches made by hand, and against damage.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elf_fixture.h"
#include "failing_alloc.h"
#include "elf/ldso_cache.h"

#define THIS 0x0303
#define I386 0x0003
#define X32 0x0803
#define STRINGS_AT 0x400 /* relative to the newer header */

/* A cache under construction: entries grow from the front, strings from STRINGS_AT. */
struct image {
	unsigned char bytes[4096];
	size_t base; /* of the newer header */
	uint32_t nr_entries;
	size_t strings;
};

static const struct path_root own_root = { NULL, "" };

static void put32(struct image *image, size_t at, uint32_t value)
{
	memcpy(image->bytes + image->base + at, &value, sizeof(value));
}

static uint32_t put_string(struct image *image, const char *string)
{
	uint32_t at = (uint32_t)image->strings;

	memcpy(image->bytes + image->base + at, string, strlen(string) + 1);
	image->strings += strlen(string) + 1;
	return at;
}

static void begin(struct image *image, size_t base)
{
	memset(image, 0, sizeof(*image));
	image->base = base;
	image->strings = STRINGS_AT;
	memcpy(image->bytes + base, "glibc-ld.so.cache1.1", 20);
}

static void add(struct image *image, uint32_t flags, const char *name, const char *path,
		uint64_t capabilities)
{
	size_t at = 48 + 24 * image->nr_entries;

	put32(image, at, flags);
	put32(image, at + 4, put_string(image, name));
	put32(image, at + 8, put_string(image, path));
	memcpy(image->bytes + image->base + at + 16, &capabilities, sizeof(capabilities));
	put32(image, 20, ++image->nr_entries);
}

struct seen {
	char paths[512]; /* separated by blanks */
	const char *missing; /* a path that "is not there" */
	int stop;
};

static int record(const char *path, void *context)
{
	struct seen *seen = context;

	strncat(seen->paths, path, sizeof(seen->paths) - strlen(seen->paths) - 2);
	strcat(seen->paths, " ");
	if (seen->stop)
		return seen->stop;
	return !seen->missing || strcmp(seen->missing, path);
}

static struct ldso_cache *parse(const struct image *image)
{
	struct ldso_cache *cache;

	assert_int_equal(ldso_cache__parse(image->bytes, sizeof(image->bytes), &cache), 0);
	assert_non_null(cache);
	return cache;
}

static void assert_found(const struct ldso_cache *cache, const char *name, const char *paths,
			 const char *missing)
{
	struct seen seen = { .missing = missing };

	ldso_cache__each(cache, name, record, &seen);
	assert_string_equal(seen.paths, paths);
}

static void fill(struct image *image, size_t base)
{
	begin(image, base);
	add(image, I386, "liba.so.1", "/i386/liba.so.1", 0);
	add(image, X32, "liba.so.1", "/x32/liba.so.1", 0);
	add(image, THIS, "liba.so.1", "/v3/liba.so.1", 1ULL << 62);
	add(image, THIS, "liba.so.1", "/lib/liba.so.1", 0);
	add(image, THIS, "liba.so.1", "/usr/lib/liba.so.1", 0);
	add(image, THIS, "libb.so.1", "/lib/libb.so.1", 0);
}

static void test_newer_format(void **state)
{
	struct ldso_cache *cache;
	struct image image;

	(void)state;
	fill(&image, 0);
	cache = parse(&image);
	assert_found(cache, "libb.so.1", "/lib/libb.so.1 ", NULL);
	assert_found(cache, "libb.so", "", NULL);
	assert_found(cache, "", "", NULL);
	/* Every candidate that needs a certain processor, and the first that does not. */
	assert_found(cache, "liba.so.1", "/v3/liba.so.1 /lib/liba.so.1 ", NULL);
	assert_found(cache, "liba.so.1", "/v3/liba.so.1 /lib/liba.so.1 /usr/lib/liba.so.1 ",
		     "/lib/liba.so.1");
	ldso_cache__free(cache);
}

static void test_error_stops_at_once(void **state)
{
	struct seen seen = { .stop = -ENOMEM };
	struct ldso_cache *cache;
	struct image image;

	(void)state;
	fill(&image, 0);
	cache = parse(&image);
	assert_int_equal(ldso_cache__each(cache, "liba.so.1", record, &seen), -ENOMEM);
	assert_string_equal(seen.paths, "/v3/liba.so.1 ");
	ldso_cache__free(cache);
}

static void test_newer_behind_older(void **state)
{
	/* 3 older entries end at 52, and the newer header is aligned to 8. */
	struct ldso_cache *cache;
	struct image image;

	(void)state;
	fill(&image, 56);
	memcpy(image.bytes, "ld.so-1.7.0", 11);
	image.bytes[12] = 3;
	cache = parse(&image);
	assert_found(cache, "libb.so.1", "/lib/libb.so.1 ", NULL);
	ldso_cache__free(cache);
}

static void test_older_alone(void **state)
{
	static const char strings[] = "liba.so.1\0/lib/liba.so.1";
	uint32_t words[] = { 1, THIS, 0, 10 };
	unsigned char bytes[12 + sizeof(words) + sizeof(strings)] = "ld.so-1.7.0";
	struct ldso_cache *cache;

	(void)state;
	memcpy(bytes + 12, words, sizeof(words));
	memcpy(bytes + 12 + sizeof(words), strings, sizeof(strings));
	assert_int_equal(ldso_cache__parse(bytes, sizeof(bytes), &cache), 0);
	assert_found(cache, "liba.so.1", "/lib/liba.so.1 ", NULL);
	ldso_cache__free(cache);
}

static void test_damaged_headers(void **state)
{
	struct ldso_cache *cache;
	struct image image;

	(void)state;
	fill(&image, 0);
	assert_int_equal(ldso_cache__parse(image.bytes, 0, &cache), -EBADMSG);
	assert_int_equal(ldso_cache__parse(image.bytes, 19, &cache), -EBADMSG);
	assert_int_equal(ldso_cache__parse(image.bytes, 47, &cache), -EBADMSG);
	assert_int_equal(ldso_cache__parse(image.bytes, 48 + 6 * 24 - 1, &cache), -EBADMSG);
	assert_null(cache);
	put32(&image, 20, UINT32_MAX);
	assert_int_equal(ldso_cache__parse(image.bytes, sizeof(image.bytes), &cache), -EBADMSG);
	image.bytes[0] = 'x';
	assert_int_equal(ldso_cache__parse(image.bytes, sizeof(image.bytes), &cache), -EBADMSG);
	memcpy(image.bytes, "ld.so-1.7.0\0\377\377\377\377", 16);
	assert_int_equal(ldso_cache__parse(image.bytes, sizeof(image.bytes), &cache), -EBADMSG);
	assert_int_equal(ldso_cache__parse(image.bytes, 13, &cache), -EBADMSG);
}

static void test_damaged_strings(void **state)
{
	struct ldso_cache *cache;
	struct image image;

	(void)state;
	fill(&image, 0);
	put32(&image, 48 + 5 * 24 + 8, UINT32_MAX); /* libb's path */
	cache = parse(&image);
	assert_found(cache, "libb.so.1", "", NULL);
	ldso_cache__free(cache);
	put32(&image, 48 + 5 * 24 + 8, 4090); /* and one without an end */
	memset(image.bytes + 4090, 'x', 6);
	cache = parse(&image);
	assert_found(cache, "libb.so.1", "", NULL);
	ldso_cache__free(cache);
}

/* Each name that ldconfig -p lists for this machine leads to the first path that it lists. */
static void test_system_cache(void **state)
{
	struct ldso_cache *cache;
	char *lines, *rest = NULL;

	(void)state;
	if (ldso_cache__load(&own_root, "/etc/ld.so.cache", &cache))
		skip();
	lines = elf_fixture__output("/sbin/ldconfig -p | "
				    "awk '/libc6,x86-64\\)/ && !n[$1]++ { print $1, $NF }'");
	assert_non_null(strstr(lines, "libc.so.6 "));
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct seen seen = { .stop = 0 };
		char *path = strchr(line, ' ');

		*path++ = '\0';
		assert_int_equal(ldso_cache__each(cache, line, record, &seen), 1);
		assert_int_equal(strlen(seen.paths), strlen(path) + 1); /* and a blank */
		assert_memory_equal(seen.paths, path, strlen(path));
	}
	free(lines);
	ldso_cache__free(cache);
}

static void test_load_errors(void **state)
{
	char *folder = elf_fixture__folder();
	char path[256];
	struct ldso_cache *cache;

	(void)state;
	snprintf(path, sizeof(path), "%s/cache", folder);
	assert_int_equal(ldso_cache__load(&own_root, path, &cache), -ENOENT);
	elf_fixture__run(folder, "mkfifo cache");
	assert_int_equal(ldso_cache__load(&own_root, path, &cache), -EINVAL);
	elf_fixture__run(folder, "rm cache; truncate -s 65M cache");
	assert_int_equal(ldso_cache__load(&own_root, path, &cache), -EFBIG);
	elf_fixture__run(folder, "truncate -s 0 cache");
	assert_int_equal(ldso_cache__load(&own_root, path, &cache), -EBADMSG);
	elf_fixture__run(folder, "truncate -s 100 cache");
	assert_int_equal(ldso_cache__load(&own_root, path, &cache), -EBADMSG);
	assert_null(cache);
	elf_fixture__remove(folder);
}

static void test_flipped_bits(void **state)
{
	struct image image, damaged;

	(void)state;
	fill(&image, 56);
	memcpy(image.bytes, "ld.so-1.7.0", 11);
	image.bytes[12] = 3;
	for (size_t bit = 0; bit < 8 * 600; bit++) {
		struct ldso_cache *cache;
		struct seen seen = { .stop = 0 };

		damaged = image;
		damaged.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (ldso_cache__parse(damaged.bytes, 2048, &cache))
			continue;
		ldso_cache__each(cache, "liba.so.1", record, &seen);
		ldso_cache__free(cache);
	}
}

static void test_out_of_memory(void **state)
{
	struct ldso_cache *cache;
	struct image image;

	(void)state;
	fill(&image, 0);
	for (long after = 0; after < 2; after++) {
		int err;

		failing_alloc__after(after);
		err = ldso_cache__parse(image.bytes, sizeof(image.bytes), &cache);
		failing_alloc__never();
		assert_int_equal(err, -ENOMEM);
		assert_null(cache);
	}
	ldso_cache__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newer_format),
		cmocka_unit_test(test_error_stops_at_once),
		cmocka_unit_test(test_newer_behind_older),
		cmocka_unit_test(test_older_alone),
		cmocka_unit_test(test_damaged_headers),
		cmocka_unit_test(test_damaged_strings),
		cmocka_unit_test(test_system_cache),
		cmocka_unit_test(test_load_errors),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
