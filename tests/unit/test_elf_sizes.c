// SPDX-License-Identifier: GPL-2.0
/*
 * Files of some gigabytes, most of them a hole, whose headers claim everything that could make a
 * reader take memory for it. They go through each door that opens the files of traced processes.
 * Each is measured in a process of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <zlib.h>

#include "allocators/allocators.h"
#include "elf_fixture.h"
#include "names/symbolize.h"
#include "unwind/unwind_rows.h"
#include "allocators/vfork_users.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define BASE 0x7f0000000000
#define CODE_OFFSET 0x100000
#define CODE_BYTES 0x1000
#define HOLE_OFFSET (2 * MIB)
#define NR_SECTIONS 300
/* No test may harm the machine, whatever the code does. */
#define ADDRESS_SPACE_BYTES (4 * GIB)
#ifdef __SANITIZE_ADDRESS__
#define LIMIT_BYTES (512 * MIB)
#define LIMIT_S 60.0
#else
#define LIMIT_BYTES (96 * MIB)
#define LIMIT_S 10.0
#endif

struct claims {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	Elf64_Shdr sections[NR_SECTIONS];
	char names[NR_SECTIONS * 24];
	uint64_t file_bytes;
	void *packed; /* lies at HOLE_OFFSET */
	size_t packed_bytes;
};

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

/* Returns its index. */
static size_t add_section(struct claims *claims, const char *name, uint32_t type, uint64_t offset,
			  uint64_t bytes)
{
	size_t nr = claims->header.e_shnum++, at = nr * 24;

	assert_true(nr < NR_SECTIONS);
	snprintf(claims->names + at, 24, "%s", name);
	claims->sections[nr] = (Elf64_Shdr){
		.sh_name = (uint32_t)at,
		.sh_type = type,
		.sh_offset = offset,
		.sh_size = bytes,
		.sh_addralign = 1,
	};
	return nr;
}

/* A program with a page of code, and in it nothing but its own section names. */
static struct claims *new_claims(uint64_t file_bytes)
{
	struct claims *claims = calloc(1, sizeof(*claims));
	size_t text;

	assert_non_null(claims);
	claims->file_bytes = file_bytes;
	memcpy(claims->header.e_ident, ELFMAG "\2\1\1", 7);
	claims->header.e_type = ET_EXEC;
	claims->header.e_machine = EM_X86_64;
	claims->header.e_version = EV_CURRENT;
	claims->header.e_ehsize = sizeof(claims->header);
	claims->header.e_phoff = offsetof(struct claims, segments);
	claims->header.e_phentsize = sizeof(claims->segments[0]);
	claims->header.e_phnum = 2;
	claims->header.e_shoff = offsetof(struct claims, sections);
	claims->header.e_shentsize = sizeof(claims->sections[0]);
	claims->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = CODE_OFFSET,
		.p_vaddr = CODE_OFFSET,
		.p_filesz = CODE_BYTES,
		.p_memsz = CODE_BYTES,
	};
	add_section(claims, "", SHT_NULL, 0, 0);
	claims->header.e_shstrndx = (uint16_t)add_section(claims, ".shstrtab", SHT_STRTAB,
							  offsetof(struct claims, names),
							  sizeof(claims->names));
	text = add_section(claims, ".text", SHT_PROGBITS, CODE_OFFSET, CODE_BYTES);
	claims->sections[text].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	claims->sections[text].sh_addr = CODE_OFFSET;
	return claims;
}

static struct claims *many_sections(void)
{
	struct claims *claims = new_claims(GIB);

	claims->header.e_shnum = 0;
	claims->sections[0].sh_size = GIB / sizeof(Elf64_Shdr) - 1000;
	return claims;
}

static struct claims *many_segments(void)
{
	struct claims *claims = new_claims(GIB);

	claims->header.e_phnum = PN_XNUM;
	claims->sections[0].sh_info = GIB / sizeof(Elf64_Phdr) - 1000;
	return claims;
}

static struct claims *symbols(uint32_t type, uint64_t symbol_bytes, uint64_t name_bytes)
{
	struct claims *claims = new_claims(GIB + 8 * MIB);
	size_t table = add_section(claims, ".symbols", type, HOLE_OFFSET, symbol_bytes);
	size_t names = add_section(claims, ".names", SHT_STRTAB, HOLE_OFFSET, name_bytes);
	size_t relocations = add_section(claims, ".rela.plt", SHT_RELA, HOLE_OFFSET, symbol_bytes);

	claims->sections[table].sh_entsize = sizeof(Elf64_Sym);
	claims->sections[table].sh_link = (uint32_t)names;
	claims->sections[relocations].sh_link = (uint32_t)table;
	return claims;
}

static struct claims *many_symbols(void)
{
	return symbols(SHT_SYMTAB, GIB, MIB);
}

static struct claims *long_names(void)
{
	return symbols(SHT_SYMTAB, MIB, GIB);
}

/* Each is bearable, and the allocators' search takes no memory for them, only time. */
static struct claims *names_of_nothing(void)
{
	return symbols(SHT_SYMTAB, 600 * MIB, 500 * MIB);
}

static struct claims *many_exported(void)
{
	return symbols(SHT_DYNSYM, GIB, MIB);
}

static struct claims *long_exported_names(void)
{
	return symbols(SHT_DYNSYM, MIB, GIB);
}

/* At places where no reader can use them as they are. */
static struct claims *sections_everywhere(const char *name, uint32_t type, size_t nr)
{
	struct claims *claims = new_claims(GIB + 8 * MIB);

	for (size_t i = 0; i < nr; i++)
		add_section(claims, name, type, HOLE_OFFSET + 2 * i + 1, GIB);
	return claims;
}

static struct claims *long_notes(void)
{
	return sections_everywhere(".note", SHT_NOTE, 200);
}

static struct claims *long_notes_by_segment(void)
{
	struct claims *claims = new_claims(GIB + 8 * MIB);

	claims->header.e_shnum = 0;
	claims->header.e_shoff = 0;
	claims->segments[1] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = HOLE_OFFSET + 1,
		.p_filesz = GIB,
	};
	return claims;
}

static struct claims *long_link(void)
{
	return sections_everywhere(".gnu_debuglink", SHT_PROGBITS, 1);
}

static struct claims *long_packed_symbols(void)
{
	return sections_everywhere(".gnu_debugdata", SHT_PROGBITS, 1);
}

static struct claims *long_section_names(void)
{
	struct claims *claims = new_claims(GIB + 8 * MIB);

	claims->sections[claims->header.e_shstrndx].sh_size = GIB;
	return claims;
}

static struct claims *long_stubs(void)
{
	struct claims *claims = symbols(SHT_DYNSYM, MIB, MIB);
	size_t stubs = add_section(claims, ".plt", SHT_PROGBITS, HOLE_OFFSET, GIB);

	claims->sections[stubs].sh_flags = SHF_EXECINSTR;
	return claims;
}

/* For one of them there would be room, but not for all. */
static struct claims *much_dwarf(void)
{
	struct claims *claims = sections_everywhere(".debug_info", SHT_PROGBITS, 100);

	claims->sections[3].sh_type = SHT_RELA;
	return claims;
}

static struct claims *many_abbreviations(void)
{
	struct claims *claims = sections_everywhere(".debug_abbrev", SHT_PROGBITS, 1);

	add_section(claims, ".debug_info", SHT_PROGBITS, HOLE_OFFSET, 16);
	return claims;
}

/* Behind so many bytes: as much as zlib makes of 400 MiB of zeroes. */
static void pack_zeroes(struct claims *claims, size_t header_bytes)
{
	static unsigned char zeroes[1 << 20];
	z_stream stream = { .next_in = NULL };

	claims->packed_bytes = 2 * MIB;
	claims->packed = calloc(1, claims->packed_bytes);
	assert_non_null(claims->packed);
	assert_int_equal(deflateInit(&stream, 1), Z_OK);
	stream.next_out = (unsigned char *)claims->packed + header_bytes;
	stream.avail_out = (unsigned int)(claims->packed_bytes - header_bytes);
	for (size_t i = 0; i < 400; i++) {
		stream.next_in = zeroes;
		stream.avail_in = sizeof(zeroes);
		assert_int_equal(deflate(&stream, Z_NO_FLUSH), Z_OK);
	}
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	claims->packed_bytes = header_bytes + stream.total_out;
	deflateEnd(&stream);
}

static struct claims *packed(const char *name, uint32_t type)
{
	struct claims *claims = new_claims(8 * MIB);
	Elf64_Chdr header = {
		.ch_type = ELFCOMPRESS_ZLIB,
		.ch_size = 400 * MIB,
		.ch_addralign = 1,
	};
	size_t nr;

	pack_zeroes(claims, sizeof(header));
	memcpy(claims->packed, &header, sizeof(header));
	nr = add_section(claims, name, type, HOLE_OFFSET, claims->packed_bytes);
	claims->sections[nr].sh_flags = SHF_COMPRESSED;
	return claims;
}

static struct claims *packed_dwarf(void)
{
	return packed(".debug_info", SHT_PROGBITS);
}

static struct claims *packed_link(void)
{
	return packed(".gnu_debuglink", SHT_PROGBITS);
}

static struct claims *packed_section_names(void)
{
	struct claims *claims = packed(".shstrtab", SHT_STRTAB);

	claims->header.e_shstrndx = claims->header.e_shnum - 1;
	return claims;
}

static struct claims *packed_as_of_old(void)
{
	struct claims *claims = new_claims(8 * MIB);
	uint64_t bytes = htobe64(400 * MIB);

	pack_zeroes(claims, 12);
	memcpy(claims->packed, "ZLIB", 4);
	memcpy((char *)claims->packed + 4, &bytes, sizeof(bytes));
	add_section(claims, ".zdebug_info", SHT_PROGBITS, HOLE_OFFSET, claims->packed_bytes);
	return claims;
}

static void write_claims(const struct claims *claims, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, claims, sizeof(*claims), 0), sizeof(*claims));
	assert_int_equal(pwrite(fd, claims->packed ? claims->packed : "", claims->packed_bytes,
				HOLE_OFFSET),
			 claims->packed_bytes);
	assert_int_equal(ftruncate(fd, (off_t)claims->file_bytes), 0);
	close(fd);
}

static void search_allocators(const char *path)
{
	struct allocator_probes probes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	allocators__find(fd, &probes);
	vfork_users__check(fd);
	close(fd);
}

static void read_tables(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct unwind_rows rows;

	if (!unwind_rows__of_file(fd, &rows))
		unwind_rows__free(&rows);
	close(fd);
}

/* Symbols, stubs, build ID, debug link, packed symbols, lines. */
static void symbolize(const char *path)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map = { .start = BASE, .end = BASE + GIB, .path = (char *)path };
	struct report_frame frames[16];
	struct stat status;

	if (stat(path, &status))
		_exit(1);
	map.file = file_key__of_stat(&status);
	symbolizer__resolve(symbolizer, &map, BASE + CODE_OFFSET + 16, false, frames, 16);
	symbolizer__free(symbolizer);
}

static const struct {
	const char *name;
	void (*open)(const char *path);
} doors[] = {
	{ "allocators", search_allocators },
	{ "unwinding", read_tables },
	{ "symbols", symbolize },
};

#define NR_DOORS (sizeof(doors) / sizeof(*doors))

static uint64_t peak_bytes(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long long kilobytes = 0;
	char line[256];

	while (status && !kilobytes && fgets(line, sizeof(line), status))
		sscanf(line, "VmHWM: %llu kB", &kilobytes);
	if (status)
		fclose(status);
	return kilobytes << 10;
}

struct cost {
	uint64_t bytes;
	double seconds;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void spend(size_t door, const char *path, int result)
{
	struct cost cost = { .bytes = peak_bytes(), .seconds = now_s() };
#ifndef __SANITIZE_ADDRESS__
	struct rlimit limit = { ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES };

	setrlimit(RLIMIT_AS, &limit);
#endif
	alarm(120);
	doors[door].open(path);
	cost.bytes = peak_bytes() - cost.bytes;
	cost.seconds = now_s() - cost.seconds;
	_exit(write(result, &cost, sizeof(cost)) == sizeof(cost) ? 0 : 1);
}

static struct cost cost_of(size_t door, const char *path)
{
	struct cost cost = { 0 };
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		spend(door, path, ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status)
		fail_msg("%s: ended with status %#x", doors[door].name, status);
	assert_int_equal(read(ends[0], &cost, sizeof(cost)), sizeof(cost));
	close(ends[0]);
	close(ends[1]);
	return cost;
}

static void test_all_doors(void **state)
{
	struct claims *(*make)(void) = *(struct claims * (**)(void)) * state;
	struct claims *claims = make();
	bool bearable = true;
	char path[512];

	snprintf(path, sizeof(path), "%s/claims", folder);
	write_claims(claims, path);
	for (size_t i = 0; i < NR_DOORS; i++) {
		struct cost cost = cost_of(i, path);

		print_message("%s: %llu MiB, %.2f s\n", doors[i].name,
			      (unsigned long long)(cost.bytes / MIB), cost.seconds);
		bearable = bearable && cost.bytes <= LIMIT_BYTES && cost.seconds <= LIMIT_S;
	}
	unlink(path);
	free(claims->packed);
	free(claims);
	assert_true(bearable);
}

#define DOORS_TEST(make)                                                        \
	{                                                                       \
#make, test_all_doors, NULL, NULL, &(struct claims * (*)(void)) \
		{                                                               \
			make                                                    \
		}                                                               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOORS_TEST(many_sections),
		DOORS_TEST(many_segments),
		DOORS_TEST(many_symbols),
		DOORS_TEST(long_names),
		DOORS_TEST(names_of_nothing),
		DOORS_TEST(many_exported),
		DOORS_TEST(long_exported_names),
		DOORS_TEST(long_stubs),
		DOORS_TEST(long_notes),
		DOORS_TEST(long_notes_by_segment),
		DOORS_TEST(long_link),
		DOORS_TEST(long_packed_symbols),
		DOORS_TEST(long_section_names),
		DOORS_TEST(much_dwarf),
		DOORS_TEST(many_abbreviations),
		DOORS_TEST(packed_dwarf),
		DOORS_TEST(packed_as_of_old),
		DOORS_TEST(packed_link),
		DOORS_TEST(packed_section_names),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
