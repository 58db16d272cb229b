// SPDX-License-Identifier: GPL-2.0
/*
 * The returns of functions that catch exceptions; damaged files; and the libraries of this machine,
 * whose returns objdump must show, too.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_fixture.h"
#include "failing_alloc.h"
#include "returning_code.h"

/* ---- exceptions ---- */

static const char catching[] = "extern \"C\" void *take(unsigned long);\n"
			       "extern \"C\" void *f(unsigned long n)\n"
			       "{ try { return take(n); } catch (...) { return 0; } }\n";

/* All returns of code.so that objdump shows were found. */
static void assert_all_shown(const struct function_returns *found)
{
	char command[512], *lines, *rest = NULL;
	size_t nr = 0;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn '%s/code.so' | grep -E '\\sret'",
		 returning_code__folder());
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert_true(nr < found->nr);
		/* Here, addresses of code are offsets, too. */
		assert_int_equal(strtoull(line, NULL, 16), found->file_offset[nr++]);
	}
	assert_int_equal(nr, found->nr);
	free(lines);
}

/* LLVM gives the landing pad a return of its own, to which no jump leads. */
static void test_landing_pads(void **state)
{
	static const char *const compilers[] = {
		"g++ -O1",     "g++ -O2",     "g++ -Os", "g++ -O2 -fcf-protection",
		"clang++ -O1", "clang++ -O2",
	};
	struct function_returns expected, found;

	(void)state;
	elf_fixture__text(returning_code__folder(), "catch.cc", catching);
	for (size_t i = 0; i < sizeof(compilers) / sizeof(*compilers); i++) {
		struct elf_image *image;
		int fd;

		if (*compilers[i] == 'c' && !elf_fixture__has_command("clang++"))
			continue;
		elf_fixture__run(returning_code__folder(),
				 "%s -shared -fPIC -nostdlib -o code.so catch.cc", compilers[i]);
		image = returning_code__open("code.so", &fd);
		assert_int_equal(
			function_returns__find(image, returning_code__read_labels(image, &expected),
					       &found),
			0);
		assert_all_shown(&found);
		elf_image__free(image);
		close(fd);
	}
}

/* A table by hand: the landing pad has a return of its own. */
#define PAD_TABLE(encoding, size)                                                        \
	".section .gcc_except_table,\"a\",@progbits\ntable: .byte 0xff, 0xff, " encoding \
	"\n.uleb128 2f-1f\n1: " size " 0\n" size " 2\n" size " pad-f\n.uleb128 0\n2:\n.text\n"
#define PAD_CODE \
	BEGIN("f") ".cfi_lsda 0x1b, table\n" FOUND("1", "ret") "pad: " FOUND("2", "ret") END

static void test_forms_of_exception_tables(void **state)
{
	(void)state;
	returning_code__assert_found(PAD_CODE PAD_TABLE("1", ".uleb128"));
	returning_code__assert_found(PAD_CODE PAD_TABLE("3", ".4byte"));
	returning_code__assert_found(PAD_CODE PAD_TABLE("2", ".2byte"));
	/* An unknown form, or a table that ends early. */
	returning_code__assert_refused(PAD_CODE PAD_TABLE("5", ".4byte"), -EBADMSG);
	returning_code__assert_refused(PAD_CODE ".section .gcc_except_table,\"a\",@progbits\n"
						"table: .byte 0xff, 0xff, 1, 3, 0, 0, 0\n",
				       -EBADMSG);
	returning_code__assert_refused(PAD_CODE ".section .gcc_except_table,\"a\",@progbits\n"
						"table: .byte 0xff, 0xff, 1, 0xff, 0xff, 0x7f\n",
				       -ENOTSUP);
}

/* ---- damage ---- */

static int find_bytes(const unsigned char *bytes, size_t nr_bytes, uint64_t entry)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;
	struct function_returns found;
	struct elf_image *image;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = elf_image__open(fd, &image);
	if (!err) {
		err = function_returns__find(image, entry, &found);
		assert_true(err ? !found.nr : found.nr && found.nr <= FUNCTION_RETURNS_MAX);
		for (size_t i = 0; i < found.nr; i++) {
			assert_true(found.file_offset[i] < nr_bytes);
			assert_true(!i || found.file_offset[i] > found.file_offset[i - 1]);
		}
		elf_image__free(image);
	}
	close(fd);
	return err;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static const char *const all_rules =
	BEGIN("f") ".cfi_lsda 0x1b, table\njz g@plt\njc 1f\ncall *%rax\n" FOUND(
		"1", "ret") "pad: " FOUND("2", "ret") "1: call g@plt\n" END BEGIN("g")
		FOUND("3", "ret") END PAD_TABLE("1", ".uleb128");

/* The whole file, owned, and where its f is. */
static unsigned char *read_all_rules(size_t *nr_bytes, uint64_t *entry)
{
	struct function_returns expected;
	struct elf_image *image;
	char path[512];
	int fd;

	returning_code__assert(all_rules, LINK, 0, true);
	image = returning_code__open("code.so", &fd);
	*entry = returning_code__read_labels(image, &expected);
	elf_image__free(image);
	close(fd);
	snprintf(path, sizeof(path), "%s/code.so", returning_code__folder());
	return elf_fixture__read(path, nr_bytes);
}

static void test_damage(void **state)
{
	uint64_t entry, seed = 0x9e3779b97f4a7c15;
	size_t nr_bytes, nr_found = 0;
	unsigned char *bytes = read_all_rules(&nr_bytes, &entry);

	(void)state;
	assert_int_equal(find_bytes(bytes, nr_bytes, entry), 0);
	for (size_t cut = 0; cut < nr_bytes; cut += 61)
		find_bytes(bytes, cut, entry);
	for (size_t round = 0; round < 10000; round++) {
		unsigned char saved[4];
		size_t at[4];

		for (size_t i = 0; i < 4; i++) {
			at[i] = next_random(&seed) % nr_bytes;
			saved[i] = bytes[at[i]];
			bytes[at[i]] = (unsigned char)next_random(&seed);
		}
		nr_found += !find_bytes(bytes, nr_bytes, entry);
		for (size_t i = 4; i-- > 0;)
			bytes[at[i]] = saved[i];
	}
	assert_in_range(nr_found, 1000, 9999);
	free(bytes);
}

static void test_entry_elsewhere(void **state)
{
	size_t nr_bytes;
	uint64_t entry;
	unsigned char *bytes = read_all_rules(&nr_bytes, &entry);

	(void)state;
	assert_int_equal(find_bytes(bytes, nr_bytes, 0), -EBADMSG);
	assert_int_equal(find_bytes(bytes, nr_bytes, nr_bytes), -EBADMSG);
	assert_int_equal(find_bytes(bytes, nr_bytes, UINT64_MAX), -EBADMSG);
	for (uint64_t at = 0; at < nr_bytes; at += 5)
		find_bytes(bytes, nr_bytes, at);
	free(bytes);
}

static void test_no_memory(void **state)
{
	struct function_returns expected, found;
	struct elf_image *image;
	int fd, err = -ENOMEM;
	uint64_t entry;

	(void)state;
	returning_code__assert(all_rules, LINK, 0, true);
	image = returning_code__open("code.so", &fd);
	entry = returning_code__read_labels(image, &expected);
	for (long nr = 0; err && nr < 100; nr++) {
		failing_alloc__after(nr);
		err = function_returns__find(image, entry, &found);
		failing_alloc__never();
		assert_true(!err || (err == -ENOMEM && !found.nr));
		assert_true(nr || err);
	}
	assert_int_equal(err, 0);
	assert_int_equal(found.nr, expected.nr);
	elf_image__free(image);
	close(fd);
}

/* ---- the libraries of this machine ---- */

static const char *const libraries[] = {
	"libjemalloc.so.2",   "libtcmalloc_minimal.so.4", "libtcmalloc.so.4",
	"libmimalloc.so.2.0", "libtbbmalloc_proxy.so.2",  "libasan.so.8",
	"libstdc++.so.6",
};

static bool has(const struct function_returns *found, uint64_t offset)
{
	for (size_t i = 0; i < found->nr; i++)
		if (found->file_offset[i] == offset)
			return true;
	return false;
}

/* All that objdump shows within the symbol's bytes, from first to last, was found. */
static void check_shown(const char *path, uint64_t address, uint64_t nr_bytes, uint64_t offset,
			const struct function_returns *found)
{
	char command[512], *lines, *rest = NULL;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn --start-address=0x%lx --stop-address=0x%lx '%s' | "
		 "grep -E '\\sret' || true",
		 address, address + nr_bytes, path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!has(found, strtoull(line, NULL, 16) - address + offset))
			fail_msg("%s: not found: %s", path, line);
	free(lines);
}

static void check_bytes(const struct elf_image *image, const struct function_returns *found)
{
	for (size_t i = 0; i < found->nr; i++) {
		uint8_t bytes[2];

		assert_int_equal(elf_image__read(image, found->file_offset[i], bytes, 2), 0);
		assert_int_equal(bytes[0] == 0xf3 ? bytes[1] : bytes[0], 0xc3);
	}
}

/* Returns how many functions were followed. */
static size_t check_library(const char *path)
{
	char command[512], *lines, *rest = NULL;
	struct elf_image *image;
	size_t nr = 0;
	int fd;

	image = returning_code__open(path, &fd);
	snprintf(command, sizeof(command), "nm -D -S --defined-only '%s' | grep -E ' [TW] _Zn[wa]'",
		 path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t address, nr_bytes, offset = returning_code__offset_of(image, line);
		struct function_returns found;

		assert_int_equal(sscanf(line, "%lx %lx", &address, &nr_bytes), 2);
		if (function_returns__find(image, offset, &found))
			fail_msg("%s: %s", path, line);
		check_shown(path, address, nr_bytes, offset, &found);
		check_bytes(image, &found);
		nr++;
	}
	free(lines);
	elf_image__free(image);
	close(fd);
	return nr;
}

static void test_libraries(void **state)
{
	size_t nr = 0;
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%s", libraries[i]);
		if (!access(path, R_OK))
			nr += check_library(path);
	}
	if (!nr)
		skip();
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_landing_pads),
		cmocka_unit_test(test_forms_of_exception_tables),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_entry_elsewhere),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_libraries),
	};

	return cmocka_run_group_tests(tests, returning_code__make_folder,
				      returning_code__remove_folder);
}
