// SPDX-License-Identifier: GPL-2.0
/*
 * Symbol tables made by hand, whose names and addresses we choose: tables that no compiler would
 * write, and some that it would write only at certain sizes.
 */
#include <elf.h>
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

#include "allocators/allocators.h"

static int find_bytes(const void *bytes, size_t nr_bytes, struct allocator_probes *probes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = allocators__find(fd, probes);
	close(fd);
	return err;
}

/* A program with one executable segment and a .symtab, no dynamic section. */
struct made {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[400];
	char strings[600 << 10];
};

static struct made *make_elf(size_t nr_symbols)
{
	struct made *made = test_calloc(1, sizeof(*made));

	memcpy(made->header.e_ident, ELFMAG "\2\1\1", 7);
	made->header.e_type = ET_EXEC;
	made->header.e_machine = EM_X86_64;
	made->header.e_version = EV_CURRENT;
	made->header.e_ehsize = sizeof(made->header);
	made->header.e_phoff = offsetof(struct made, segment);
	made->header.e_phentsize = sizeof(made->segment);
	made->header.e_phnum = 1;
	made->header.e_shoff = offsetof(struct made, sections);
	made->header.e_shentsize = sizeof(made->sections[0]);
	made->header.e_shnum = 3;
	made->segment = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = 64,
		.p_vaddr = 0x400000,
		.p_filesz = 0x10000,
		.p_memsz = 0x20000,
	};
	made->sections[1] = (Elf64_Shdr){
		.sh_type = SHT_SYMTAB,
		.sh_link = 2,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_offset = offsetof(struct made, symbols),
		.sh_size = nr_symbols * sizeof(Elf64_Sym),
	};
	made->sections[2] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct made, strings),
		.sh_size = sizeof(made->strings),
	};
	memset(made->strings, 'x', sizeof(made->strings) - 1);
	made->strings[0] = '\0';
	return made;
}

static void put_symbol(struct made *made, size_t i, const char *name, size_t at, uint64_t address)
{
	memcpy(made->strings + at, name, strlen(name) + 1);
	made->symbols[i] = (Elf64_Sym){
		.st_name = (uint32_t)at,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = address,
	};
}

static void test_every_place_in_the_string_table(void **state)
{
	struct made *made = make_elf(3);
	struct allocator_probes probes;

	(void)state;
	/* Tables are read in pieces of 256 KiB. */
	for (size_t piece = 1; piece <= 2; piece++) {
		for (size_t at = (piece << 18) - 20; at < (piece << 18) + 20; at++) {
			memset(made->strings + 1, 'x', sizeof(made->strings) - 2);
			put_symbol(made, 1, "malloc", at, 0x400010);
			put_symbol(made, 2, "free@@VERSION_1", at + 7, 0x400020);
			assert_int_equal(find_bytes(made, sizeof(*made), &probes), 0);
			assert_int_equal(probes.nr, 2);
			assert_int_equal(probes.probe[0].file_offset, 64 + 0x10);
			assert_int_equal(probes.probe[1].file_offset, 64 + 0x20);
		}
	}
	test_free(made);
}

/* Writes all but the holes: whole pages of the file, from the first to before the last. */
static int find_around_hole(const struct made *made, size_t first, size_t last,
			    struct allocator_probes *probes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;
	const char *bytes = (const char *)made;

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, first, 0), first);
	assert_int_equal(pwrite(fd, bytes + last, sizeof(*made) - last, (off_t)last),
			 sizeof(*made) - last);
	assert_int_equal(lseek(fd, (off_t)first, SEEK_DATA), last);
	err = allocators__find(fd, probes);
	close(fd);
	return err;
}

/* Holes are passed over, and the data next to them is seen. */
static void test_holes(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t first = (offsetof(struct made, strings) / page + 2) * page, last = first + 3 * page;
	size_t hole = first - offsetof(struct made, strings), end = hole + 3 * page;
	struct made *made = make_elf(3);
	struct allocator_probes probes;

	(void)state;
	put_symbol(made, 1, "malloc", hole - 6, 0x400010);
	memset(made->strings + hole, 0, 3 * page);
	put_symbol(made, 2, "free", end, 0x400020);
	assert_int_equal(find_around_hole(made, first, last, &probes), 0);
	assert_int_equal(probes.nr, 2);
	/* The bytes before a hole and the bytes after it together make no name. */
	memcpy(made->strings + hole - 4, "mall", 4);
	memcpy(made->strings + end, "oc", 3);
	made->symbols[1].st_name = (uint32_t)(hole - 4);
	put_symbol(made, 2, "free", 100, 0x400020);
	assert_int_equal(find_around_hole(made, first, last, &probes), 0);
	assert_int_equal(probes.nr, 0);
	/* Up to the end of the table. */
	put_symbol(made, 1, "malloc", hole - 6, 0x400010);
	made->sections[2].sh_size = end;
	assert_int_equal(find_around_hole(made, first, last, &probes), 0);
	assert_int_equal(probes.nr, 2);
	test_free(made);
}

static void test_addresses_outside_the_file(void **state)
{
	static const uint64_t nowhere[] = { 0, 0x3fffff, 0x410000, 0x41ffff, UINT64_MAX };
	struct made *made = make_elf(3);
	struct allocator_probes probes;

	(void)state;
	put_symbol(made, 2, "free", 100, 0x400020);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		put_symbol(made, 1, "malloc", 50, nowhere[i]);
		assert_int_equal(find_bytes(made, sizeof(*made), &probes), 0);
		assert_int_equal(probes.nr, 0);
	}
	put_symbol(made, 1, "malloc", 50, 0x40ffff);
	assert_int_equal(find_bytes(made, sizeof(*made), &probes), 0);
	assert_int_equal(probes.nr, 2);
	made->segment.p_offset = UINT64_MAX - 5; /* sums that wrap */
	assert_int_equal(find_bytes(made, sizeof(*made), &probes), 0);
	assert_int_equal(probes.nr, 0);
	made->segment.p_offset = 64;
	made->segment.p_flags = PF_R;
	assert_int_equal(find_bytes(made, sizeof(*made), &probes), 0);
	assert_int_equal(probes.nr, 0);
	test_free(made);
}

static void test_more_than_any_allocator_has(void **state)
{
	struct made *made = make_elf(400);
	struct allocator_probes probes;

	(void)state;
	put_symbol(made, 1, "free", 100, 0x400020);
	for (size_t i = 2; i < 2 + ALLOCATOR_PROBES_MAX; i++)
		put_symbol(made, i, "malloc", 50, 0x400100 + i);
	assert_int_equal(find_bytes(made, sizeof(*made), &probes), -E2BIG);
	assert_int_equal(probes.nr, 0);
	for (size_t i = 2; i < 400; i++)
		put_symbol(made, i, "malloc", 50, 0x400100 + i);
	assert_int_equal(find_bytes(made, sizeof(*made), &probes), -EBADMSG);
	/* A string table of nothing but such names, and every symbol one of them. */
	for (size_t at = 0; at + 5 < sizeof(made->strings); at += 5)
		memcpy(made->strings + at, "free", 5);
	assert_int_equal(find_bytes(made, sizeof(*made), &probes), -EBADMSG);
	test_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_place_in_the_string_table),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_addresses_outside_the_file),
		cmocka_unit_test(test_more_than_any_allocator_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
