// SPDX-License-Identifier: GPL-2.0
/*
 * Small files that would cost the symbolizer gigabytes and minutes. Names together must stay within
 * a share of memory and a share of time, and the names of other files must still be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <dwarf.h>
#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile_elf.h"
#include "names/name_budget.h"
#include "names/perf_map_file.h"
#include "symbol_fixture.h"
#include "names/symbolize.h"
#include "unwind/unwind_rows.h"

#define MIB (1ull << 20)
#define MAX_FRAMES 16
/* The test doesn't measure a sanitizer's own memory and time, and nothing counts with one. */
#ifdef __SANITIZE_ADDRESS__
#define MAX_RESIDENT_KIB (8ull << 20)
#define MAX_S 30.0
#define NR_FILES 2000
#else
#define MAX_RESIDENT_KIB (300ull << 10)
/* Less than two seconds, except on slow machines. */
#define MAX_S 4.0
#define NR_FILES 200000
#endif

static unsigned long long peak_kib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long long kib = 0;
	char line[256];

	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmHWM: %llu kB", &kib);
	fclose(status);
	return kib;
}

static double processor_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs it in a process of its own, whose peak is its own too. */
static void assert_bearable(void (*run)(void))
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		double begun_s = processor_s();
		FILE *peak = fopen("/proc/self/clear_refs", "w");

		fputs("5", peak);
		fclose(peak);
		run();
		print_message("%llu KiB, %.2f s\n", peak_kib(), processor_s() - begun_s);
		fflush(stdout);
		_exit(peak_kib() > MAX_RESIDENT_KIB ? 2 : processor_s() - begun_s > MAX_S ? 3 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The names of the well-behaved file must be found whatever else there is. */
static void expect_good_names(struct symbolizer *symbolizer)
{
	struct mapping map = symbol_fixture__map("leak64");
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");

	if (strcmp(symbol_fixture__frames(symbolizer, &map, address, false), SYMBOL_FIXTURE_INNER))
		_exit(1);
}

static void look_up(struct symbolizer *symbolizer, const char *name)
{
	struct mapping map = symbol_fixture__map(name);
	struct report_frame frames[MAX_FRAMES];

	for (uint64_t i = 0; i < 20; i++)
		symbolizer__resolve(symbolizer, &map,
				    SYMBOL_FIXTURE_BASE + HOSTILE_ELF_CODE + 16 * i, false, frames,
				    MAX_FRAMES);
}

/* Asks for each file, then for the well-behaved one, again and again. */
static void look_up_all(const char *const *names, size_t nr)
{
	struct symbolizer *symbolizer = symbolizer__new(0);

	for (int round = 0; round < 3; round++) {
		symbolizer__begin_report(symbolizer);
		for (size_t i = 0; i < nr; i++)
			look_up(symbolizer, names[i]);
		symbolizer__begin_report(symbolizer);
		expect_good_names(symbolizer);
	}
	symbolizer__free(symbolizer);
}

static const char *const sparse_names[] = { "sparse0", "sparse1", "sparse2",
					    "sparse3", "sparse4", "sparse5" };

static void look_up_sparse(void)
{
	look_up_all(sparse_names, 6);
}

static void test_string_tables_of_holes(void **state)
{
	/* The last ones fit, one by one. */
	static const uint64_t sizes[] = { 1024 * MIB, 1024 * MIB, 500 * MIB,
					  120 * MIB,  120 * MIB,  120 * MIB };
	const Elf64_Sym symbols[2] = {
		[1] = { .st_name = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = HOSTILE_ELF_CODE,
			.st_size = 0x100 },
	};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		const struct hostile_section sections[] = {
			{ ".symtab", SHT_SYMTAB, 3, symbols, sizeof(symbols), 0 },
			{ ".strtab", SHT_STRTAB, 0, NULL, sizes[i], 0 },
		};

		hostile_elf__write(symbol_fixture__path(sparse_names[i]), sections, 2);
	}
	assert_bearable(look_up_sparse);
}

static void look_up_symbols(void)
{
	static const char *const names[] = { "symbols" };

	look_up_all(names, 1);
}

/* Four million symbols at one place, with names that are alike for long. */
static void test_symbols_that_are_alike(void **state)
{
	enum { NR = 4000000, NAME_BYTES = 4096 };
	Elf64_Sym *symbols = calloc(NR, sizeof(*symbols));
	char *names = malloc(NAME_BYTES);
	const struct hostile_section sections[] = {
		{ ".symtab", SHT_SYMTAB, 3, symbols, NR * sizeof(*symbols), 0 },
		{ ".strtab", SHT_STRTAB, 0, names, NAME_BYTES, 0 },
	};

	(void)state;
	memset(names, '_', NAME_BYTES);
	names[0] = names[NAME_BYTES - 1] = '\0';
	for (size_t i = 0; i < NR; i++)
		symbols[i] = (Elf64_Sym){ .st_name = 1 + i % 1000,
					  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					  .st_shndx = 1,
					  .st_value = HOSTILE_ELF_CODE,
					  .st_size = 0x100 };
	hostile_elf__write(symbol_fixture__path("symbols"), sections, 2);
	free(symbols);
	free(names);
	assert_bearable(look_up_symbols);
}

static void look_up_units(void)
{
	static const char *const names[] = { "units" };

	look_up_all(names, 1);
}

/* 900,000 of them in 11 MB; libdw makes a kilobyte of each. */
static void test_empty_units(void **state)
{
	static const unsigned char unit[12] = { 8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 1 };
	static const unsigned char abbreviations[] = { 1, DW_TAG_compile_unit, 0, 0, 0, 0 };
	enum { NR = 900000 };
	unsigned char *info = malloc(NR * sizeof(unit));
	const struct hostile_section sections[] = {
		{ ".debug_info", SHT_PROGBITS, 0, info, NR * sizeof(unit), 0 },
		{ ".debug_abbrev", SHT_PROGBITS, 0, abbreviations, sizeof(abbreviations), 0 },
	};

	(void)state;
	for (size_t i = 0; i < NR; i++)
		memcpy(info + i * sizeof(unit), unit, sizeof(unit));
	hostile_elf__write(symbol_fixture__path("units"), sections, 2);
	free(info);
	assert_bearable(look_up_units);
}

/* Wherever room ends, in our code or in a library's, only a name is missing. */
static void look_up_in_little_room(void)
{
	for (uint64_t i = 0; i < 12; i++) {
		struct symbolizer *symbolizer = symbolizer__new(14 * MIB + i * 154321);

		look_up(symbolizer, "units");
		look_up(symbolizer, "units");
		symbolizer__free(symbolizer);
		symbolizer = symbolizer__new((i + 1) * 27654);
		look_up(symbolizer, "names");
		symbolizer__free(symbolizer);
	}
}

static void test_little_room(void **state)
{
	(void)state;
	assert_bearable(look_up_in_little_room);
}

static void look_up_abbreviations(void)
{
	static const char *const names[] = { "abbreviations" };

	look_up_all(names, 1);
}

/* libdw reads all of them to find the missing one, in one call that can't be interrupted. */
static void test_abbreviations_without_number(void **state)
{
	static const unsigned char info[] = { 11, 0, 0, 0,    4,    0,	  0,   0,
					      0,  0, 8, 0xff, 0xff, 0xff, 0x7f };
	enum { NR = 3000000, FIRST = 1 << 21, BYTES = 8 };
	unsigned char *abbreviations = calloc(NR + 1, BYTES);
	const struct hostile_section sections[] = {
		{ ".debug_info", SHT_PROGBITS, 0, info, sizeof(info), 0 },
		{ ".debug_abbrev", SHT_PROGBITS, 0, abbreviations, (NR + 1) * BYTES, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NR; i++) {
		uint32_t code = FIRST + i;
		unsigned char *at = abbreviations + i * BYTES;

		for (int byte = 0; byte < 4; byte++, code >>= 7)
			at[byte] = (code & 0x7f) | (byte < 3 ? 0x80 : 0);
		at[4] = DW_TAG_variable;
	}
	hostile_elf__write(symbol_fixture__path("abbreviations"), sections, 2);
	free(abbreviations);
	assert_bearable(look_up_abbreviations);
}

static void look_up_files(void)
{
	static const char *const names[] = { "files" };

	look_up_all(names, 1);
}

/* libdw writes out each name of a file with that of its folder: 200,000 times 64 KiB. */
static void test_long_folders(void **state)
{
	enum { FOLDER_BYTES = 65536, FILE_BYTES = 5, BEGIN = 32 };
	static const unsigned char abbreviations[] = { 1,
						       DW_TAG_compile_unit,
						       0,
						       DW_AT_low_pc,
						       DW_FORM_addr,
						       DW_AT_high_pc,
						       DW_FORM_data8,
						       DW_AT_stmt_list,
						       DW_FORM_sec_offset,
						       0,
						       0,
						       0 };
	unsigned char info[11 + 1 + 8 + 8 + 4] = { sizeof(info) - 4, 0, 0, 0, 4 };
	size_t nr_bytes = BEGIN + FOLDER_BYTES + 1 + (size_t)NR_FILES * FILE_BYTES + 64;
	unsigned char *line = calloc(1, nr_bytes), *at = line;
	const struct hostile_section sections[] = {
		{ ".debug_info", SHT_PROGBITS, 0, info, sizeof(info), 0 },
		{ ".debug_abbrev", SHT_PROGBITS, 0, abbreviations, sizeof(abbreviations), 0 },
		{ ".debug_line", SHT_PROGBITS, 0, line, nr_bytes, 0 },
	};
	uint64_t low = HOSTILE_ELF_CODE, bytes = 0x1000;
	uint32_t length = (uint32_t)nr_bytes - 4, header;

	(void)state;
	info[10] = 8;
	info[11] = 1;
	memcpy(info + 12, &low, 8);
	memcpy(info + 20, &bytes, 8);
	memcpy(at, &length, 4);
	at[4] = 4;
	/* minimum_instruction_length and what follows it, up to standard_opcode_lengths */
	memcpy(at + 10, "\1\1\1\373\16\15\0\1\1\1\1\0\0\0\1\0\0\1", 18);
	at += 28;
	memset(at, 'd', FOLDER_BYTES);
	at += FOLDER_BYTES + 2;
	for (size_t i = 0; i < NR_FILES; i++, at += FILE_BYTES)
		memcpy(at, "f\0\1\0\0", FILE_BYTES);
	at++;
	header = (uint32_t)(at - line) - 10;
	memcpy(line + 6, &header, 4);
	/* DW_LNE_set_address, DW_LNS_copy, DW_LNS_advance_pc, DW_LNE_end_sequence */
	memcpy(at, "\0\11\2", 3);
	memcpy(at + 3, &low, 8);
	memcpy(at + 11, "\1\2\200\40\0\1\1", 7);
	length = (uint32_t)(at + 18 - line) - 4;
	memcpy(line, &length, 4);
	hostile_elf__write(symbol_fixture__path("files"), sections, 3);
	free(line);
	assert_bearable(look_up_files);
}

static void look_up_link(void)
{
	static const char *const names[] = { "link" };

	look_up_all(names, 1);
}

static void test_check_sum_over_holes(void **state)
{
	static const unsigned char link[] = "hole\0\0\0\0\1\2\3";
	const struct hostile_section sections[] = {
		{ ".gnu_debuglink", SHT_PROGBITS, 0, link, sizeof(link), 0 },
	};

	(void)state;
	hostile_elf__write(symbol_fixture__path("link"), sections, 1);
	hostile_elf__write(symbol_fixture__path("hole"), NULL, 0);
	assert_int_equal(truncate(symbol_fixture__path("hole"), 4ll << 30), 0);
	assert_bearable(look_up_link);
}

static void read_frames(void)
{
	int fd = open(symbol_fixture__path("frames"), O_RDONLY | O_CLOEXEC);
	struct unwind_rows rows;
	int err = unwind_rows__of_file(fd, &rows);

	unwind_rows__free(&rows);
	close(fd);
	if (err && err != -E2BIG)
		_exit(1);
}

/* Five million functions at one place. They name nothing, but are read for every new file. */
static void test_functions_without_number(void **state)
{
	static const unsigned char cie[16] = {
		12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 16, 12, 7, 8
	};
	struct {
		uint32_t length, cie;
		uint64_t begin, nr_bytes;
	} function = { 20, 0, HOSTILE_ELF_CODE, 16 };
	enum { NR = 5000000 };
	size_t nr_bytes = sizeof(cie) + (size_t)NR * sizeof(function);
	unsigned char *frames = malloc(nr_bytes);
	const struct hostile_section sections[] = {
		{ ".eh_frame", SHT_PROGBITS, 0, frames, nr_bytes, SHF_ALLOC },
	};

	(void)state;
	memcpy(frames, cie, sizeof(cie));
	for (size_t i = 0; i < NR; i++) {
		size_t at = sizeof(cie) + i * sizeof(function);

		function.cie = (uint32_t)at + 4;
		memcpy(frames + at, &function, sizeof(function));
	}
	hostile_elf__write(symbol_fixture__path("frames"), sections, 1);
	free(frames);
	assert_bearable(read_frames);
}

#define NR_MAPS 3
/* A sanitizer makes reading slower than the time for names allows, and measures no memory. */
#ifdef __SANITIZE_ADDRESS__
#define MAP_MIB 6
#else
#define MAP_MIB 60
#endif

static void name_code_of_many(void)
{
	struct symbolizer *symbolizer = symbolizer__new(128 * MIB);
	struct perf_map_file *maps[NR_MAPS];
	pid_t children[NR_MAPS];
	char path[64];

	for (int i = 0; i < NR_MAPS; i++) {
		children[i] = fork();
		if (!children[i]) {
			pause();
			_exit(0);
		}
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)children[i]);
		symbol_fixture__run("cp huge.map %s", path);
		maps[i] = perf_map_file__new(children[i]);
	}
	for (int i = 0; i < NR_MAPS; i++) {
		struct report_frame frame = { .address = 0x1000 };

		symbolizer__begin_report(symbolizer);
		symbolizer__name_code(symbolizer, maps[i], false, &frame);
		if (!frame.function || strncmp(frame.function, "function_", 9) != 0)
			_exit(1);
	}
	expect_good_names(symbolizer);
	for (int i = 0; i < NR_MAPS; i++) {
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)children[i]);
		unlink(path);
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
		perf_map_file__free(maps[i]);
	}
	symbolizer__free(symbolizer);
#ifndef __SANITIZE_ADDRESS__
	if (peak_kib() > 160 * 1024)
		_exit(2);
#endif
}

static void test_huge_perf_maps(void **state)
{
	FILE *map = fopen(symbol_fixture__path("huge.map"), "w");

	(void)state;
	assert_non_null(map);
	for (unsigned long i = 1; ftell(map) < MAP_MIB * (long)MIB; i++)
		fprintf(map, "%lx 1000 function_%0200lu\n", i << 12, i);
	assert_int_equal(fclose(map), 0);
	assert_bearable(name_code_of_many);
}

struct test_holder {
	struct name_holder holder;
	void *blocks[4];
	int nr;
};

static void free_blocks(struct name_holder *holder)
{
	struct test_holder *owner = (struct test_holder *)holder;

	while (owner->nr)
		free(owner->blocks[--owner->nr]);
}

static bool allocate(struct name_budget *budget, struct test_holder *owner, size_t nr_bytes)
{
	void *block;

	assert_true(name_budget__begin(budget, &owner->holder));
	block = malloc(nr_bytes);
	if (block)
		owner->blocks[owner->nr++] = block;
	assert_int_equal(name_budget__end(budget), !block);
	return block;
}

static void test_least_recently_used_goes_first(void **state)
{
	struct test_holder holders[3] = { 0 };
	struct name_budget *budget = name_budget__new(12 * MIB); /* 10 for holders */

	(void)state;
	for (int i = 0; i < 3; i++)
		holders[i].holder.evict = free_blocks;
	assert_true(allocate(budget, &holders[0], 3 * MIB));
	assert_true(allocate(budget, &holders[1], 3 * MIB));
	assert_true(allocate(budget, &holders[2], 3 * MIB));
	assert_true(allocate(budget, &holders[0], 1));
#ifndef __SANITIZE_ADDRESS__
	assert_true(allocate(budget, &holders[2], 2 * MIB));
	assert_int_equal(holders[0].nr, 2);
	assert_int_equal(holders[1].nr, 0);
	assert_int_equal(holders[2].nr, 2);
	/* A request that has no room even so is refused, and then no file has to go. */
	assert_false(allocate(budget, &holders[2], 6 * MIB));
	assert_int_equal(holders[0].nr, 2);
	assert_int_equal(holders[2].nr, 2);
	assert_false(allocate(budget, &holders[2], SIZE_MAX / 2));
	/* Freed by its owner, the room is there again. */
	free_blocks(&holders[2].holder);
	name_budget__leave(&holders[2].holder);
	assert_true(allocate(budget, &holders[1], 9 * MIB));
#endif
	for (int i = 0; i < 3; i++)
		free_blocks(&holders[i].holder);
	name_budget__leave(&holders[0].holder);
	name_budget__free(budget); /* the other leaves by that */
	name_budget__leave(&holders[1].holder);
}

static void burn(double seconds)
{
	double begun_s = processor_s();

	while (processor_s() - begun_s < seconds)
		;
}

static void test_time_of_a_report(void **state)
{
	struct test_holder holder = { .holder.evict = free_blocks };
	struct name_budget *budget = name_budget__new(0);

	(void)state;
	name_budget__begin_report(budget);
	assert_true(name_budget__begin(budget, &holder.holder));
	burn(1.1);
	assert_false(name_budget__end(budget));
	assert_false(name_budget__begin(budget, &holder.holder));
	/* The next report has its own time. */
	name_budget__begin_report(budget);
	assert_true(name_budget__begin(budget, &holder.holder));
	name_budget__end(budget);
	name_budget__leave(&holder.holder);
	name_budget__free(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string_tables_of_holes),
		cmocka_unit_test(test_symbols_that_are_alike),
		cmocka_unit_test(test_empty_units),
		cmocka_unit_test(test_little_room),
		cmocka_unit_test(test_abbreviations_without_number),
		cmocka_unit_test(test_long_folders),
		cmocka_unit_test(test_check_sum_over_holes),
		cmocka_unit_test(test_functions_without_number),
		cmocka_unit_test(test_huge_perf_maps),
		cmocka_unit_test(test_least_recently_used_goes_first),
		cmocka_unit_test(test_time_of_a_report),
	};

	alarm(300);
	return cmocka_run_group_tests_name("name_budget", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}
