// SPDX-License-Identifier: GPL-2.0
/* Who is taken for a translator, and which bytes of its memory are put back. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "breakpoints.h"
#include "elf_fixture.h"
#include "translator_kind.h"

#define INT3 0xcc

/* ---- recognition ---- */

static void test_known_paths(void **state)
{
	static const struct {
		const char *path;
		bool translates;
	} cases[] = {
		{ "/usr/libexec/valgrind/memcheck-amd64-linux", true },
		{ "/usr/lib/valgrind/none-x86-linux", true },
		{ "/opt/valgrind/libexec/valgrind/drd-amd64-linux (deleted)", true },
		{ "/usr/bin/qemu-x86_64", true },
		{ "/usr/bin/qemu-x86_64-static", true },
		{ "/usr/bin/valgrind.bin", false },
		{ "/usr/bin/qemu-x86_64z", false },
		{ "/usr/bin/qemu-system-x86_64", false },
		{ "/home/me/valgrind/src/hello", false },
		{ "/bin/ls", false },
		{ "/bin/busybox (deleted)", false },
		{ "", false },
		{ " (deleted)", false },
	};
	char endless[8192];
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (translator_kind__is_translator(cases[i].path) != cases[i].translates)
			fail_msg("%s is taken for another kind", cases[i].path);
	memset(endless, 'x', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	assert_false(translator_kind__is_translator(endless));
}

/* ---- bytes ---- */

static const struct breakpoint function = {
	.file_offset = 0x1010,
	.code = { 0x41, 0x54, 0x55, 0x53, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
	.nr_code = 16,
};

static void test_states(void **state)
{
	uint8_t code[BREAKPOINT_CODE_BYTES];
	(void)state;

	memcpy(code, function.code, sizeof(code));
	assert_int_equal(breakpoint__state(&function, code, 16), CODE_ORIGINAL);
	assert_int_equal(breakpoint__state(&function, code, 0), CODE_OTHER);
	code[0] = INT3;
	assert_int_equal(breakpoint__state(&function, code, 16), CODE_BREAKPOINT);
	assert_int_equal(breakpoint__state(&function, code, 3), CODE_BREAKPOINT);
	/* Another probe within the same bytes. */
	code[9] = INT3;
	assert_int_equal(breakpoint__state(&function, code, 16), CODE_BREAKPOINT);
	code[9] = 0;
	assert_int_equal(breakpoint__state(&function, code, 16), CODE_OTHER);
	memcpy(code, function.code, sizeof(code));
	code[0] = 0x90;
	assert_int_equal(breakpoint__state(&function, code, 16), CODE_OTHER);
}

/* A function whose file begins it with a breakpoint is none of ours. */
static void test_own_breakpoint(void **state)
{
	struct breakpoint own = function;
	(void)state;

	own.code[0] = INT3;
	assert_int_equal(breakpoint__state(&own, own.code, 16), CODE_ORIGINAL);
}

static void test_adding(void **state)
{
	struct breakpoints *all = calloc(1, sizeof(*all));
	struct breakpoint other = function;
	(void)state;

	assert_non_null(all);
	assert_int_equal(breakpoints__add(all, &function), 0);
	assert_int_equal(breakpoints__add(all, &function), 0);
	assert_int_equal(breakpoints__nr(all), 1);
	other.code[15]++; /* another version of the library */
	assert_int_equal(breakpoints__add(all, &other), 0);
	other.file_offset++;
	assert_int_equal(breakpoints__add(all, &other), 0);
	assert_int_equal(breakpoints__nr(all), 3);
	free(all);
}

static size_t nr_found;
static uint64_t last_found;

static void note(size_t index, uint64_t address, void *context)
{
	(void)context;
	assert_int_equal(index, 0);
	nr_found++;
	last_found = address;
}

/* A file stands for the memory of a process: at address A it has what A bytes into it is. */
static void test_memory(void **state)
{
	struct breakpoints *all = calloc(1, sizeof(*all));
	char path[] = "/tmp/memleak-memory.XXXXXX";
	int fd = mkstemp(path);
	uint8_t memory[0x3000] = { 0 }, byte;
	struct mapping map = { .start = 0x1000, .end = 0x3000, .file_offset = 0x1000 };
	(void)state;

	assert_true(fd >= 0);
	unlink(path);
	assert_non_null(all);
	breakpoints__add(all, &function);
	memcpy(memory + 0x1010, function.code, sizeof(function.code));
	memory[0x1010] = INT3;
	assert_int_equal(pwrite(fd, memory, sizeof(memory), 0), sizeof(memory));

	breakpoints__find(all, fd, &map, note, NULL);
	assert_int_equal(nr_found, 1);
	assert_int_equal(last_found, 0x1010);
	/* Not within the mapping: it begins behind the function, or ends before it. */
	map.file_offset = 0x2000;
	breakpoints__find(all, fd, &map, note, NULL);
	map.file_offset = 0;
	map.end = 0x2000;
	breakpoints__find(all, fd, &map, note, NULL);
	/* It would be elsewhere, where something else is. */
	map.end = 0x3000;
	breakpoints__find(all, fd, &map, note, NULL);
	assert_int_equal(nr_found, 1);

	assert_int_equal(breakpoint__take_out(&function, fd, 0x1010), 1);
	assert_int_equal(breakpoint__take_out(&function, fd, 0x1010), 0);
	assert_int_equal(breakpoint__take_out(&function, fd, 0x1020), -ENOENT);
	assert_int_equal(breakpoint__take_out(&function, fd, 0x100000), -ENOENT);
	assert_int_equal(pread(fd, &byte, 1, 0x1010), 1);
	assert_int_equal(byte, function.code[0]);
	close(fd);
	free(all);
}

/* Memory that can't be written to is an error, not a breakpoint less. */
static void test_refused_write(void **state)
{
	char path[] = "/tmp/memleak-memory.XXXXXX";
	int writable = mkstemp(path), fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t code[BREAKPOINT_CODE_BYTES];
	(void)state;

	unlink(path);
	memcpy(code, function.code, sizeof(code));
	code[0] = INT3;
	assert_int_equal(pwrite(writable, code, sizeof(code), 0), sizeof(code));
	assert_int_equal(breakpoint__take_out(&function, fd, 0), -EBADF);
	close(writable);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_paths),    cmocka_unit_test(test_states),
		cmocka_unit_test(test_own_breakpoint), cmocka_unit_test(test_adding),
		cmocka_unit_test(test_memory),	       cmocka_unit_test(test_refused_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
