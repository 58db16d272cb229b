// SPDX-License-Identifier: GPL-2.0
/*
 * The places of probes: code made for each rule, hostile code, beginnings of functions of real
 * libraries, and the libraries of this machine, for whose choices objdump must agree.
 * PLACEMENT_LIBRARIES names more of them, separated by blanks.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/allocators.h"
#include "elf_fixture.h"
#include "known_functions.h"
#include "allocators/placement.h"

#define ENDBR64 "f30f1efa "
#define JUST_PUSHES "55 41 57 c3 "
#define NOP3 "0f1f00 "
#define NOP3_TIMES_7 NOP3 NOP3 NOP3 NOP3 NOP3 NOP3 NOP3
#define NOP3_TIMES_20 NOP3_TIMES_7 NOP3_TIMES_7 NOP3 NOP3 NOP3 NOP3 NOP3 NOP3

/* The code is in memory of its own, so that a sanitizer sees reads beyond its end. */
static struct placement choose(const char *hex, size_t nr_shown, bool whole,
			       unsigned int nr_arguments)
{
	uint8_t *code = malloc(strlen(hex) / 2 + 1), *exact;
	struct placement placement;
	size_t nr = 0;

	for (const char *at = hex; *at; at++) {
		unsigned int byte;

		if (*at == ' ')
			continue;
		assert_int_equal(sscanf(at++, "%2x", &byte), 1);
		code[nr++] = (uint8_t)byte;
	}
	nr = nr < nr_shown ? nr : nr_shown;
	exact = malloc(nr ? nr : 1);
	memcpy(exact, code, nr);
	placement = placement__choose(exact, nr, whole, nr_arguments);
	assert_true(!placement.behind || (placement.emulated && placement.behind < nr));
	free(exact);
	free(code);
	return placement;
}

/* The whole function, with so many arguments. */
static void assert_probe_at(const char *hex, unsigned int nr_arguments, unsigned int behind)
{
	struct placement placement = choose(hex, SIZE_MAX, true, nr_arguments);

	if (placement.behind != behind || !placement.emulated)
		fail_msg("%s: %u behind, %s", hex, placement.behind,
			 placement.emulated ? "emulated" : "single-stepped");
}

static void assert_single_stepped(const char *hex, unsigned int nr_arguments)
{
	struct placement placement = choose(hex, SIZE_MAX, true, nr_arguments);

	if (placement.behind || placement.emulated)
		fail_msg("%s: %u behind", hex, placement.behind);
}

static void test_emulated_instructions(void **state)
{
	/* push of every kind of register; jcc; jmp; nop */
	static const char *const emulated[] = {
		"50",		"53",		"54",	"57",	      "4150",
		"4154",		"4157",		"7000", "7400",	      "7f00",
		"0f8000000000", "0f8f00000000", "eb00", "e900000000", "90",
	};
	char hex[64];

	(void)state;
	for (size_t i = 0; i < sizeof(emulated) / sizeof(*emulated); i++) {
		snprintf(hex, sizeof(hex), "%s c3", emulated[i]);
		assert_probe_at(hex, 3, 0);
		snprintf(hex, sizeof(hex), ENDBR64 "%s c3", emulated[i]);
		assert_probe_at(hex, 3, 4);
		/* test %rdi,%rdi */
		snprintf(hex, sizeof(hex), "4885ff %s c3", emulated[i]);
		assert_probe_at(hex, 3, 3);
	}
	/* A relative call only where nothing else will do. */
	assert_probe_at("e800000000 c3", 3, 0);
	assert_single_stepped(ENDBR64 "e800000000 c3", 3);
}

static void test_instructions_like_emulated_ones(void **state)
{
	/* push of a number, of memory, of a register the long way, with other prefixes than REX.B,
	 * of a segment, of the flags; jumps with prefixes, jrcxz, loop, by a register or by memory;
	 * what ends */
	static const char *const alike[] = {
		"6a01",		"6800000000", "ff37", "fff5",	"4855",		"4054",	  "4957",
		"6655",		"0fa0",	      "9c",   "f2eb00", "f2e900000000", "3e7400", "2e7400",
		"66e900000000", "e300",	      "e200", "ffe0",	"ff27",		"ffd0",	  "c3",
		"c20800",	"cc",	      "cd80", "0f05",	"f4",
	};
	char hex[64];

	(void)state;
	for (size_t i = 0; i < sizeof(alike) / sizeof(*alike); i++) {
		snprintf(hex, sizeof(hex), "%s " JUST_PUSHES, alike[i]);
		assert_single_stepped(hex, 3);
		snprintf(hex, sizeof(hex), ENDBR64 "%s " JUST_PUSHES, alike[i]);
		assert_single_stepped(hex, 3);
	}
	/*
	 * These are no branches, and the next instruction does as well: nop of many bytes, pause,
	 * xchg.
	 */
	assert_probe_at("6690 " JUST_PUSHES, 3, 2);
	assert_probe_at("0f1f00 " JUST_PUSHES, 3, 3);
	assert_probe_at("0f1f440000 " JUST_PUSHES, 3, 5);
	assert_probe_at("f390 " JUST_PUSHES, 3, 2);
	assert_probe_at("4990 " JUST_PUSHES, 3, 2);
	assert_probe_at("4190 " JUST_PUSHES, 3, 2);
}

/* The arguments that the function has must be there. */
static void test_written_arguments(void **state)
{
	static const struct {
		const char *code;
		unsigned int bytes;
		unsigned int arguments; /* arguments that may be read at the push after it */
	} writes[] = {
		{ "4889f8", 3, 3 }, /* mov %rdi,%rax */
		{ "31c9", 2, 3 }, /* xor %ecx,%ecx */
		{ "488d7f08", 4, 0 }, /* lea 8(%rdi),%rdi */
		{ "31ff", 2, 0 }, /* xor %edi,%edi */
		{ "40b700", 3, 0 }, /* mov $0,%dil */
		{ "66bf0000", 4, 0 }, /* mov $0,%di */
		{ "4897", 2, 0 }, /* xchg %rdi,%rax */
		{ "480f44f8", 4, 0 }, /* cmove %rax,%rdi */
		{ "4889fe", 3, 1 }, /* mov %rdi,%rsi */
		{ "488b3500000000", 7, 1 }, /* mov 0(%rip),%rsi */
		{ "4889fa", 3, 2 }, /* mov %rdi,%rdx */
		{ "48f7e6", 3, 2 }, /* mul %rsi */
		{ "480fafc6", 4, 3 }, /* imul %rsi,%rax */
		{ "b601", 2, 2 }, /* mov $1,%dh */
		{ "4899", 2, 2 }, /* cqto */
		{ "64488b0425280000 00", 9, 3 }, /* mov %fs:40,%rax */
		{ "f30f6f07", 4, 3 }, /* movdqu (%rdi),%xmm0 */
	};
	char hex[64];

	(void)state;
	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		snprintf(hex, sizeof(hex), "%s " JUST_PUSHES, writes[i].code);
		for (unsigned int arguments = 0; arguments <= 3; arguments++) {
			if (arguments <= writes[i].arguments)
				assert_probe_at(hex, arguments, writes[i].bytes);
			else
				assert_single_stepped(hex, arguments);
		}
	}
}

/* The return address is on top of the stack, and is the caller's. */
static void test_moved_stack(void **state)
{
	/* sub, and, lea, mov, xchg, pop, leave, enter of the stack pointer; mov, xchg, lock xadd to
	 * memory, wherever; stos, rep movs, lods, repz cmps, scas */
	static const char *const moves[] = {
		"4883ec08",	"4881ec00010000",
		"4883e4f0",	"488d6424f8",
		"4889ec",	"4894",
		"58",		"5d",
		"c9",		"c8000000",
		"48890424",	"48894424f8",
		"488907",	"48870424",
		"f0480fc10424", "aa",
		"f3a4",		"ac",
		"f3a6",		"ae",
	};
	char hex[64];

	(void)state;
	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		snprintf(hex, sizeof(hex), "%s " JUST_PUSHES, moves[i]);
		if (choose(hex, SIZE_MAX, true, 0).behind)
			fail_msg("%s", hex);
		snprintf(hex, sizeof(hex), ENDBR64 "%s 7400 c3", moves[i]);
		assert_single_stepped(hex, 0);
	}
	/* Read it may be. */
	assert_probe_at("488b0424 " JUST_PUSHES, 3, 4);
}

static void test_jumps_into_the_beginning(void **state)
{
	(void)state;
	/* test %rdi,%rdi; je: to the je from below, short and long, conditional or not; a call. */
	assert_probe_at("4885ff 7402 c3 90 c3", 1, 3);
	assert_single_stepped("4885ff 7402 ebfc c3", 1);
	assert_single_stepped("4885ff 7402 75fc c3", 1);
	assert_single_stepped("4885ff 7402 e9f9ffffff c3", 1);
	assert_single_stepped("4885ff 7402 0f84f8ffffff c3", 1);
	assert_single_stepped("4885ff 7402 e8f9ffffff c3", 1);
	assert_single_stepped("4885ff 7402 e2fc c3", 1);
	assert_single_stepped("4885ff 7402 e3fc c3", 1);
	/* By itself. */
	assert_single_stepped("4885ff 74fe c3", 1);
	/* To the middle of the instruction before. */
	assert_single_stepped("4885ff 7402 ebfa c3", 1);
	/*
	 * To the first byte: the function called itself. Before it: another function. After it: its
	 * rest.
	 */
	assert_probe_at("4885ff 7402 ebf9 c3", 1, 3);
	assert_probe_at("4885ff 7402 ebf8 c3", 1, 3);
	assert_probe_at("4885ff 7402 ebfd c3", 1, 3);
	/* Code that can't be decoded may jump anywhere. */
	assert_single_stepped("4885ff 7402 c3 06", 1);
	assert_single_stepped("4885ff 7402 c3 e9", 1);
	/* Where the first byte is good, jumps don't matter. */
	assert_probe_at("55 ebfd 06", 1, 0);
	/* Far behind. */
	assert_single_stepped(ENDBR64 "55 " NOP3_TIMES_20 NOP3_TIMES_20 "eb85 c3 c3", 1);
	assert_probe_at(ENDBR64 "55 " NOP3_TIMES_20 NOP3_TIMES_20 "eb86 c3 c3", 1, 4);
}

static void test_function_of_unknown_size(void **state)
{
	static const char *const pushes[] = { ENDBR64 JUST_PUSHES, ENDBR64 "41 54 c3",
					      "4889f8 " JUST_PUSHES };
	static const char *const others[] = { "4885ff 7402 c3 90 c3", ENDBR64 "90 c3",
					      ENDBR64 "eb00 c3" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_not_equal(choose(pushes[i], SIZE_MAX, false, 1).behind, 0);
		assert_int_equal(choose(others[i], SIZE_MAX, false, 1).behind, 0);
		assert_false(choose(others[i], SIZE_MAX, false, 1).emulated);
	}
	/* Its first byte is as good as another's. */
	assert_true(choose("7402 c3 90 c3", SIZE_MAX, false, 1).emulated);
	assert_true(choose("eb00", SIZE_MAX, false, 1).emulated);
}

static void test_how_far(void **state)
{
	(void)state;
	assert_probe_at(NOP3_TIMES_20 NOP3 "55 c3", 1, 63);
	assert_single_stepped(NOP3_TIMES_20 NOP3 "4154 c3", 1);
	assert_single_stepped(NOP3_TIMES_20 NOP3 NOP3 "55 c3", 1);
}

static void test_truncated_code(void **state)
{
	(void)state;
	assert_single_stepped("", 1);
	assert_single_stepped("4885ff", 1);
	assert_single_stepped("4885ff 74", 1);
	assert_probe_at("4885ff 7400", 1, 3);
	assert_single_stepped("41", 1);
	assert_single_stepped("0f84000000", 1);
	for (size_t i = 0; i < nr_known_functions; i++)
		for (size_t nr = 0; nr < 64; nr++)
			for (int whole = 0; whole < 2; whole++)
				choose(known_functions[i].code, nr, whole, 3);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void test_random_code(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	(void)state;
	for (size_t round = 0; round < 100000; round++) {
		size_t nr = next_random(&seed) % 100;
		uint8_t *code = malloc(nr ? nr : 1);
		struct placement placement;

		for (size_t i = 0; i < nr; i++)
			code[i] = (uint8_t)next_random(&seed);
		placement = placement__choose(code, nr, round & 1, round % 5);
		assert_true(!placement.behind || (placement.emulated && placement.behind < nr));
		assert_in_range(placement.behind, 0, 63);
		free(code);
	}
}

static void test_known_functions(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_known_functions; i++) {
		const struct known_function *known = &known_functions[i];
		struct placement placement =
			choose(known->code, SIZE_MAX, true, known->nr_arguments);

		if (placement.behind != known->behind || placement.emulated != known->emulated)
			fail_msg("%s of %s: %u behind, %s", known->name, known->library,
				 placement.behind, placement.emulated ? "emulated" : "not");
	}
	assert_true(nr_known_functions > 20);
}

/* ---- objdump's view of a choice ---- */

/* Its registers in all widths; by number of arguments. */
static const char *const written_never[] = {
	"%rsp %esp %sp %spl",
	"%rdi %edi %di %dil",
	"%rsi %esi %si %sil",
	"%rdx %edx %dx %dl %dh",
};

static bool has_word(const char *words, const char *word)
{
	const char *at = strstr(words, word);

	return at && strcspn(at, " ") == strlen(word);
}

static bool is_one_of(const char *mnemonic, const char *const *list)
{
	while (*list && strcmp(*list, mnemonic) != 0)
		list++;
	return *list;
}

/*
 * Between the first byte and the probe: only instructions that read, or that write other registers.
 */
static void check_passed(const char *line, const char *mnemonic, const char *operands,
			 unsigned int nr_arguments)
{
	static const char *const plain[] = {
		"mov",	"movabs", "movl",  "movq", "movzbl", "movslq", "lea",	 "xor",
		"and",	"or",	  "add",   "sub",  "shr",    "shl",    "sar",	 "imul",
		"neg",	"not",	  "dec",   "inc",  "sete",   "setne",  "movups", "movdqu",
		"pxor", "bsr",	  "lzcnt", "xchg", "cmove",  "cmovne", "movzwl", "rol",
		"ror",	"adc",	  "sbb",   "seto", "popcnt", NULL
	};
	static const char *const reading[] = { "cmp",	"cmpb",	 "cmpl", "cmpq", "test", "testb",
					       "testl", "testq", "nop",	 "nopw", "nopl", "endbr64",
					       "bt",	"btq",	 "btl",	 NULL };
	const char *last = strrchr(operands, ',');

	if (is_one_of(mnemonic, reading))
		return;
	if (!strcmp(mnemonic, "mul") || !strcmp(mnemonic, "mulq")) {
		assert_true(nr_arguments < 3);
		return;
	}
	if (!is_one_of(mnemonic, plain))
		fail_msg("not known to this test: %s", line);
	last = last ? last + 1 : operands;
	if (last[0] != '%' || strchr(last, '(') || strchr(last, ':'))
		fail_msg("writes to memory: %s", line);
	for (unsigned int i = 0; i <= nr_arguments; i++)
		if (has_word(written_never[i], last))
			fail_msg("writes to %s: %s", last, line);
}

static void check_chosen(const char *line, const char *mnemonic, const char *operands)
{
	bool is_jump = mnemonic[0] == 'j' && operands[0] != '*' && strcmp(mnemonic, "jrcxz") != 0 &&
		       !strchr(operands, ',');

	if (!is_jump && strcmp(mnemonic, "nop") != 0 &&
	    (strcmp(mnemonic, "push") != 0 || operands[0] != '%'))
		fail_msg("not emulated: %s", line);
}

/* All of the function's own jumps and calls. */
static void check_target(const char *line, const char *mnemonic, const char *operands,
			 uint64_t entry, uint64_t probe)
{
	char *end;
	uint64_t target = strtoull(operands, &end, 16);

	if ((mnemonic[0] != 'j' && strncmp(mnemonic, "call", 4) != 0 &&
	     strncmp(mnemonic, "loop", 4) != 0) ||
	    end == operands)
		return;
	if (target > entry && target <= probe)
		fail_msg("jumps to what is before the probe: %s", line);
}

struct checked_function {
	uint64_t entry, probe, end;
	unsigned int nr_arguments;
};

static void check_function(const char *path, const struct checked_function *function)
{
	char command[512], *lines, *rest = NULL;
	bool found = false;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn --start-address=0x%lx --stop-address=0x%lx '%s'",
		 function->entry, function->end, path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char mnemonic[32] = "", operands[128] = "";
		uint64_t at;

		if (sscanf(line, " %lx: %31s %127s", &at, mnemonic, operands) < 2)
			continue;
		check_target(line, mnemonic, operands, function->entry, function->probe);
		if (at < function->probe)
			check_passed(line, mnemonic, operands, function->nr_arguments);
		if (at == function->probe)
			check_chosen(line, mnemonic, operands);
		found = found || at == function->probe;
	}
	assert_true(found); /* else it is within an instruction */
	free(lines);
}

/* The address that the loader gives a byte of the file, by its executable segments. */
static uint64_t address_of(const char *path, uint64_t file_offset)
{
	char command[512], *lines, *rest = NULL;
	uint64_t offset, start, bytes, result = 0;

	snprintf(command, sizeof(command), "readelf -lW '%s' | grep 'LOAD.*R E'", path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, " LOAD %lx %lx %*x %lx", &offset, &start, &bytes) == 3 &&
		    file_offset >= offset && file_offset < offset + bytes)
			result = start + file_offset - offset;
	free(lines);
	assert_int_not_equal(result, 0);
	return result;
}

static uint64_t symbol_bytes(const char *path, uint64_t address)
{
	char command[512], *text;
	uint64_t bytes;

	snprintf(command, sizeof(command),
		 "readelf --dyn-syms -W '%s' | awk '$2 == \"%016lx\" && $4 == \"FUNC\" "
		 "{ print $3 }' | sort -n | tail -1",
		 path, address);
	text = elf_fixture__output(command);
	bytes = strtoull(text, NULL, 0);
	free(text);
	return bytes;
}

static unsigned int arguments_of(enum allocator_function function)
{
	switch (function) {
	case FUNCTION_MALLOC:
	case FUNCTION_FREE:
		return 1;
	case FUNCTION_REALLOCARRAY:
	case FUNCTION_POSIX_MEMALIGN:
		return 3;
	default:
		return 2;
	}
}

static void check_library(const char *path)
{
	struct allocator_probes probes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned int nr_emulated = 0;

	assert_true(fd >= 0);
	assert_int_equal(allocators__find(fd, &probes), 0);
	close(fd);
	for (size_t i = 0; i < probes.nr; i++) {
		const struct allocator_probe *probe = &probes.probe[i];
		struct checked_function function;

		function.entry = address_of(path, probe->file_offset);
		function.probe = address_of(path, probe->probe_offset);
		function.end = function.entry + symbol_bytes(path, function.entry);
		function.nr_arguments = arguments_of(probe->function);
		print_message("%s: %s+%u, %s\n", path, probe->symbol,
			      (unsigned int)(probe->probe_offset - probe->file_offset),
			      probe->emulated ? "emulated" : "single-stepped");
		assert_int_equal(function.probe - function.entry,
				 probe->probe_offset - probe->file_offset);
		nr_emulated += probe->emulated;
		if (function.probe > function.entry)
			check_function(path, &function);
	}
	assert_true(nr_emulated > 0);
}

static void test_libraries_of_this_machine(void **state)
{
	static const char *const paths[] = {
		"/lib/ld-musl-x86_64.so.1",
		"/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
		"/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
		"/usr/lib/x86_64-linux-gnu/libmimalloc.so.2",
		"/usr/lib/x86_64-linux-gnu/libmimalloc.so.3",
	};
	char *libc = elf_fixture__output("gcc -print-file-name=libc.so.6");
	const char *more = getenv("PLACEMENT_LIBRARIES");
	char *list = strdup(more ? more : ""), *rest = NULL;

	(void)state;
	libc[strcspn(libc, "\n")] = '\0';
	check_library(libc);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (!access(paths[i], R_OK))
			check_library(paths[i]);
	for (char *path = strtok_r(list, " ", &rest); path; path = strtok_r(NULL, " ", &rest))
		check_library(path);
	free(list);
	free(libc);
}

/* Where one function of the family begins inside another, a probe further on would serve both. */
static void test_functions_within_another(void **state)
{
	char *folder = elf_fixture__folder(), path[512];
	struct allocator_probes probes;
	int fd;

	(void)state;
	elf_fixture__text(
		folder, "within.S",
		".globl malloc, valloc, free\n"
		".type malloc, @function\n.type valloc, @function\n.type free, @function\n"
		"malloc: endbr64\nvalloc: test %rdi, %rdi\nje 1f\nnop\n1: ret\n"
		".size malloc, .-malloc\n.size valloc, 6\n"
		"free: endbr64\npush %rbx\npop %rbx\nret\n");
	elf_fixture__run(folder, "gcc -shared -nostdlib within.S -o within.so");
	snprintf(path, sizeof(path), "%s/within.so", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(allocators__find(fd, &probes), 0);
	close(fd);
	assert_int_equal(probes.nr, 3);
	assert_string_equal(probes.probe[0].symbol, "malloc");
	assert_int_equal(probes.probe[0].probe_offset, probes.probe[0].file_offset);
	assert_string_equal(probes.probe[1].symbol, "free"); /* its size is unknown */
	assert_int_equal(probes.probe[1].probe_offset, probes.probe[1].file_offset + 4);
	assert_string_equal(probes.probe[2].symbol, "valloc");
	assert_int_equal(probes.probe[2].probe_offset, probes.probe[2].file_offset + 3);
	elf_fixture__remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emulated_instructions),
		cmocka_unit_test(test_instructions_like_emulated_ones),
		cmocka_unit_test(test_written_arguments),
		cmocka_unit_test(test_moved_stack),
		cmocka_unit_test(test_jumps_into_the_beginning),
		cmocka_unit_test(test_function_of_unknown_size),
		cmocka_unit_test(test_how_far),
		cmocka_unit_test(test_truncated_code),
		cmocka_unit_test(test_random_code),
		cmocka_unit_test(test_known_functions),
		cmocka_unit_test(test_libraries_of_this_machine),
		cmocka_unit_test(test_functions_within_another),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
