// SPDX-License-Identifier: GPL-2.0
/*
 * glibc's malloc in static programs without symbols, against nm of the same programs before they
 * were stripped; programs that have none; programs that were changed so that it is not certain.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/stripped_glibc.h"
#include "elf_fixture.h"
#include "failing_alloc.h"

#define MESSAGE "malloc(): corrupted top size"
#define RANDOM_DAMAGES 60 /* of each kind */

static char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "main.c",
			  "#include <stdlib.h>\n"
			  "int main(void) { free(malloc(1)); return 0; }\n");
	elf_fixture__run(folder,
			 "gcc -static -no-pie -o fixed main.c && strip -s -o fixed-s fixed");
	elf_fixture__run(folder, "gcc -static-pie -o pie main.c && strip -s -o pie-s pie");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static int find_in(int fd, struct stripped_glibc *found)
{
	struct elf_image *image;
	int err;

	found->nr = 0;
	assert_true(fd >= 0);
	err = elf_image__open(fd, &image);
	if (!err)
		err = stripped_glibc__find(image, found);
	elf_image__free(image);
	close(fd);
	return err;
}

static void find(const char *name, struct stripped_glibc *found)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(find_in(open(path, O_RDONLY | O_CLOEXEC), found), 0);
}

static int find_bytes(const void *bytes, size_t nr_bytes, struct stripped_glibc *found)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	return find_in(fd, found);
}

static const struct stripped_function *function_of(const struct stripped_glibc *found,
						   enum allocator_function function)
{
	const struct stripped_function *one = NULL;

	for (size_t i = 0; i < found->nr; i++) {
		if (found->function[i].function != function)
			continue;
		assert_null(one);
		one = &found->function[i];
	}
	return one;
}

/* The file offset of an address: readelf names the segment of code. */
static uint64_t offset_of(const char *name, uint64_t address)
{
	char command[512], *line;
	uint64_t offset = 0, start = 0;

	snprintf(command, sizeof(command), "readelf -lW '%s/%s' | grep 'LOAD.*R E'", folder, name);
	line = elf_fixture__output(command);
	assert_int_equal(sscanf(line, " LOAD %lx %lx", &offset, &start), 2);
	free(line);
	return offset + address - start;
}

static void assert_as_nm(const char *name, const struct stripped_glibc *found,
			 enum allocator_function function, const char *symbol)
{
	const struct stripped_function *one = function_of(found, function);
	char command[512], *line;
	uint64_t address, nr_bytes;

	snprintf(command, sizeof(command), "nm -S '%s/%s' | grep -E ' [tTW] %s(\\.[.a-z0-9]+)?$'",
		 folder, name, symbol);
	line = elf_fixture__output(command);
	assert_int_equal(sscanf(line, "%lx %lx", &address, &nr_bytes), 2);
	free(line);
	assert_non_null(one);
	assert_int_equal(one->file_offset, offset_of(name, address));
	assert_int_equal(one->nr_bytes, nr_bytes);
}

static void assert_all_as_nm(const char *name, const struct stripped_glibc *found)
{
	assert_as_nm(name, found, FUNCTION_MALLOC, "malloc");
	assert_as_nm(name, found, FUNCTION_CALLOC, "calloc");
	assert_as_nm(name, found, FUNCTION_REALLOC, "realloc");
	assert_as_nm(name, found, FUNCTION_FREE, "free");
	assert_as_nm(name, found, FUNCTION_MEMALIGN, "_mid_memalign");
	assert_int_equal(found->nr, 5);
}

static void test_stripped_programs(void **state)
{
	struct stripped_glibc found;

	(void)state;
	find("fixed-s", &found);
	assert_all_as_nm("fixed", &found);
	find("pie-s", &found);
	assert_all_as_nm("pie", &found);
}

/* Read-only data and code in one segment, as linkers had it long ago. */
static void test_one_segment(void **state)
{
	struct stripped_glibc found;

	(void)state;
	elf_fixture__run(folder, "gcc -static -Wl,-z,noseparate-code -o one main.c && "
				 "strip -s -o one-s one");
	find("one-s", &found);
	assert_all_as_nm("one", &found);
}

static unsigned char *read_program(const char *name, size_t *nr_bytes)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return elf_fixture__read(path, nr_bytes);
}

/* Without section headers, only programs with an .eh_frame_hdr tell where their functions are. */
static void test_no_section_headers(void **state)
{
	struct stripped_glibc found;
	size_t nr_bytes;
	unsigned char *bytes = read_program("pie-s", &nr_bytes);
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes;

	(void)state;
	header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	assert_int_equal(find_bytes(bytes, nr_bytes, &found), 0);
	assert_all_as_nm("pie", &found);
	free(bytes);
	bytes = read_program("fixed-s", &nr_bytes);
	header = (Elf64_Ehdr *)bytes;
	header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	assert_int_equal(find_bytes(bytes, nr_bytes, &found), 0);
	assert_int_equal(found.nr, 0);
	free(bytes);
}

static void assert_nothing(const char *name)
{
	struct stripped_glibc found;

	find(name, &found);
	assert_int_equal(found.nr, 0);
}

static void test_programs_without_glibc_malloc(void **state)
{
	(void)state;
	elf_fixture__text(folder, "start.c",
			  "const char *volatile said;\n"
			  "void _start(void) { said = \"" MESSAGE "\"; for (;;) ; }\n");
	elf_fixture__text(folder, "silent.c", "void _start(void) { for (;;) ; }\n");
	elf_fixture__run(folder, "gcc -static -nostdlib -s -o start start.c");
	elf_fixture__run(folder, "gcc -static -nostdlib -s -o silent silent.c");
	elf_fixture__run(folder, "gcc -s -o dynamic main.c");
	assert_nothing("start");
	assert_nothing("silent");
	assert_nothing("dynamic");
	if (elf_fixture__has_command("musl-gcc")) {
		elf_fixture__run(folder, "musl-gcc -static -s -o musl main.c");
		assert_nothing("musl");
	}
}

/* Changes the text, wherever the file has it with its NUL, into one of the same length. */
static void replace(unsigned char *bytes, size_t nr_bytes, const char *text, const char *by)
{
	size_t length = strlen(text), nr = 0;
	unsigned char *at = bytes;

	assert_int_equal(strlen(by), length);
	while ((at = memmem(at, nr_bytes - (size_t)(at - bytes), text, length + 1))) {
		memcpy(at, by, length);
		nr++;
	}
	assert_true(nr);
}

static void find_without(const char *text, const char *by, struct stripped_glibc *found)
{
	size_t nr_bytes;
	unsigned char *bytes = read_program("fixed-s", &nr_bytes);

	replace(bytes, nr_bytes, text, by);
	assert_int_equal(find_bytes(bytes, nr_bytes, found), 0);
	free(bytes);
}

/* Without malloc, realloc or free there is nothing; calloc and memalign can be missing alone. */
static void test_uncertain_functions(void **state)
{
	static const char *const required[] = {
		MESSAGE,
		"__libc_realloc",
		"realloc(): invalid pointer",
		"munmap_chunk(): invalid pointer",
		"free(): double free detected in tcache 2",
	};
	struct stripped_glibc found;

	(void)state;
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		char other[64] = "";

		memset(other, 'x', strlen(required[i]));
		find_without(required[i], other, &found);
		assert_int_equal(found.nr, 0);
	}
	find_without("_mid_memalign", "_mad_memalign", &found);
	assert_int_equal(found.nr, 4);
	assert_null(function_of(&found, FUNCTION_MEMALIGN));
	/* Two functions that say that they are memalign's, calloc, malloc. */
	find_without("_int_memalign", "_mid_memalign", &found);
	assert_int_equal(found.nr, 4);
	assert_null(function_of(&found, FUNCTION_MEMALIGN));
	find_without("__libc_malloc", "__libc_calloc", &found);
	assert_int_equal(found.nr, 0);
	find_without("__libc_calloc", "__libc_malloc", &found);
	assert_int_equal(found.nr, 0);
}

/* The message twice, the other one before glibc's or after it: either could be glibc's. */
static void test_two_messages(void **state)
{
	(void)state;
	elf_fixture__text(folder, "said.c", "const char said[] = \"" MESSAGE "\";\n");
	elf_fixture__run(folder, "gcc -c said.c && gcc -static -s -o before said.o main.c");
	elf_fixture__run(folder, "gcc -static -s -o after main.c -Wl,--start-group -lc -lgcc "
				 "-lgcc_eh -Wl,--end-group said.o");
	assert_nothing("before");
	assert_nothing("after");
}

static void assert_sound(const struct stripped_glibc *found, size_t nr_bytes)
{
	assert_true(found->nr == 0 || (found->nr >= 3 && found->nr <= STRIPPED_GLIBC_MAX));
	for (size_t i = 0; i < found->nr; i++)
		assert_true(found->function[i].file_offset < nr_bytes);
}

static void test_truncated(void **state)
{
	struct stripped_glibc found;
	size_t nr_bytes;
	unsigned char *bytes = read_program("fixed-s", &nr_bytes);

	(void)state;
	for (size_t cut = 0; cut < nr_bytes; cut += 10007) {
		find_bytes(bytes, cut, &found);
		assert_sound(&found, cut);
	}
	free(bytes);
}

/* Up to 8 bytes of the file, which is as it was afterwards. */
static void damage(int fd, size_t nr_bytes, size_t at, unsigned int *seed)
{
	unsigned char saved[8], bytes[8];
	size_t nr = 1 + (size_t)rand_r(seed) % sizeof(bytes);
	struct stripped_glibc found;

	for (size_t i = 0; i < nr; i++)
		bytes[i] = (unsigned char)rand_r(seed);
	assert_int_equal(pread(fd, saved, nr, (off_t)at), nr);
	assert_int_equal(pwrite(fd, bytes, nr, (off_t)at), nr);
	find_in(dup(fd), &found);
	assert_sound(&found, nr_bytes);
	assert_int_equal(pwrite(fd, saved, nr, (off_t)at), nr);
}

/* Most bytes are not looked at: damage goes to the headers, malloc's code, and the data. */
static void damage_program(const char *name)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	unsigned int seed = 1;
	struct stripped_glibc found;
	size_t nr_bytes, code;
	unsigned char *bytes = read_program(name, &nr_bytes);

	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	free(bytes);
	find(name, &found);
	assert_int_equal(found.nr, 5);
	code = found.function[0].file_offset;
	for (size_t i = 0; i < RANDOM_DAMAGES; i++) {
		damage(fd, nr_bytes, (size_t)rand_r(&seed) % 1024, &seed);
		damage(fd, nr_bytes, code - 16384 + (size_t)rand_r(&seed) % 32768, &seed);
		damage(fd, nr_bytes, nr_bytes / 2 + (size_t)rand_r(&seed) % (nr_bytes / 2 - 8),
		       &seed);
	}
	assert_int_equal(find_in(fd, &found), 0);
	assert_int_equal(found.nr, 5);
}

static void test_damaged(void **state)
{
	(void)state;
	damage_program("fixed-s");
	damage_program("pie-s");
}

static void test_out_of_memory(void **state)
{
	struct stripped_glibc found;
	char path[512];
	long nr = 0;
	int err;

	(void)state;
	snprintf(path, sizeof(path), "%s/fixed-s", folder);
	do {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		failing_alloc__after(nr++);
		err = find_in(fd, &found);
		failing_alloc__never();
		assert_int_equal(found.nr, err ? 0 : 5);
	} while (err == -ENOMEM && nr < 100);
	assert_int_equal(err, 0);
	assert_in_range(nr, 8, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stripped_programs),
		cmocka_unit_test(test_one_segment),
		cmocka_unit_test(test_no_section_headers),
		cmocka_unit_test(test_programs_without_glibc_malloc),
		cmocka_unit_test(test_uncertain_functions),
		cmocka_unit_test(test_two_messages),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
