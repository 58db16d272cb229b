// SPDX-License-Identifier: GPL-2.0
/* The processes that are taken for translators, and the bytes of their memory that are put back. */
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

#include "probes/guard/breakpoints.h"
#include "elf_fixture.h"
#include "probes/guard/guard_budget.h"
#include "probes/guard/translator_kind.h"

#define INT3 0xcc

/* ---- recognition ---- */

static void test_known_paths(void **state)
{
	static const struct {
		const char *path;
		enum translator_kind kind;
	} cases[] = {
		{ "/usr/libexec/valgrind/memcheck-amd64-linux", TRANSLATOR_VALGRIND },
		{ "/usr/lib/valgrind/none-x86-linux", TRANSLATOR_VALGRIND },
		{ "/opt/valgrind/libexec/valgrind/drd-amd64-linux (deleted)", TRANSLATOR_VALGRIND },
		{ "/home/me/valgrind-3.25/memcheck/memcheck-amd64-linux", TRANSLATOR_VALGRIND },
		{ "/usr/bin/qemu-x86_64", TRANSLATOR_QEMU },
		{ "/usr/bin/qemu-x86_64-static", TRANSLATOR_QEMU },
		{ "/usr/bin/valgrind.bin", TRANSLATOR_NONE },
		{ "/usr/bin/qemu-x86_64z", TRANSLATOR_NONE },
		{ "/usr/bin/qemu-system-x86_64", TRANSLATOR_NONE },
		{ "/home/me/valgrind/src/hello", TRANSLATOR_NONE },
		{ "/bin/ls", TRANSLATOR_NONE },
		{ "/bin/busybox (deleted)", TRANSLATOR_NONE },
		{ "", TRANSLATOR_NONE },
		{ " (deleted)", TRANSLATOR_NONE },
	};
	char endless[8192];
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (translator_kind__of(cases[i].path) != cases[i].kind)
			fail_msg("%s is taken for another kind", cases[i].path);
	memset(endless, 'x', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	assert_int_equal(translator_kind__of(endless), TRANSLATOR_NONE);
}

/* Any program can have the name; the place of Valgrind's tools is theirs alone. */
static void test_name_alone_is_no_proof(void **state)
{
	const struct mapping tool = { .start = 0x58000000 }, old_tool = { .start = 0x38000000 },
			     other = { .start = 0x400000 };
	(void)state;

	assert_true(translator_kind__shows_in(TRANSLATOR_VALGRIND, &tool));
	assert_true(translator_kind__shows_in(TRANSLATOR_VALGRIND, &old_tool));
	assert_false(translator_kind__shows_in(TRANSLATOR_VALGRIND, &other));
	assert_true(translator_kind__shows_in(TRANSLATOR_QEMU, &other));
	assert_false(translator_kind__shows_in(TRANSLATOR_NONE, &tool));
}

/* ---- how much the guard may work ---- */

static void test_budget(void **state)
{
	struct guard_budget budget;
	struct guard_share busy = { 0 }, modest = { 0 };
	const uint64_t now_ns = 7 * GUARD_WINDOW_NS,
		       limit_ns = GUARD_WINDOW_NS / 100 * GUARD_PERCENT;
	(void)state;

	guard_budget__init(&budget, 1);
	assert_false(guard_budget__is_spent(&budget, &busy, now_ns));
	guard_budget__spend(&budget, &busy, now_ns, limit_ns - 1);
	assert_false(guard_budget__is_spent(&budget, &busy, now_ns));
	/*
	 * All time is spent: the process that took more than half of it waits, the other one
	 * doesn't.
	 */
	guard_budget__spend(&budget, &modest, now_ns, 1);
	assert_true(guard_budget__is_spent(&budget, &busy, now_ns));
	assert_false(guard_budget__is_spent(&budget, &modest, now_ns));
	guard_budget__spend(&budget, &modest, now_ns, limit_ns / 2);
	assert_true(guard_budget__is_spent(&budget, &modest, now_ns));
	/* Newcomers don't wait for those. */
	assert_false(guard_budget__is_spent(&budget, &(struct guard_share){ 0 }, now_ns));
	/* In the next window all begin anew. */
	assert_false(guard_budget__is_spent(&budget, &busy, now_ns + GUARD_WINDOW_NS));
	guard_budget__spend(&budget, &busy, now_ns + GUARD_WINDOW_NS, limit_ns / 2);
	assert_false(guard_budget__is_spent(&budget, &busy, now_ns + GUARD_WINDOW_NS));
	/* More processors, more time. */
	guard_budget__init(&budget, 8);
	busy = (struct guard_share){ 0 };
	guard_budget__spend(&budget, &busy, now_ns, 8 * limit_ns - 1);
	assert_false(guard_budget__is_spent(&budget, &busy, now_ns));
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
	/*
	 * The function is not within the mapping: the mapping begins after it, or ends before it.
	 */
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
		cmocka_unit_test(test_known_paths),
		cmocka_unit_test(test_name_alone_is_no_proof),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_own_breakpoint),
		cmocka_unit_test(test_adding),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_refused_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
