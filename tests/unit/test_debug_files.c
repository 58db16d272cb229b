// SPDX-License-Identifier: GPL-2.0
/*
 * Where names and lines come from when the file itself has none, and which files are never asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "symbol_fixture.h"
#include "symbolize.h"

static void test_separate_debug_file(void **state)
{
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");

	(void)state;
	/* By .gnu_debuglink, beside the file and in .debug; checked by build ID. */
	symbol_fixture__run(
		"objcopy --only-keep-debug leak64 stripped.debug && strip -o stripped leak64 && "
		"objcopy --add-gnu-debuglink=stripped.debug stripped");
	symbol_fixture__check("stripped", address, SYMBOL_FIXTURE_INNER);
	symbol_fixture__run("mkdir .debug && mv stripped.debug .debug");
	symbol_fixture__check("stripped", address, SYMBOL_FIXTURE_INNER);

	/* One of another build is refused. */
	symbol_fixture__run(
		"gcc -g -O1 -Wl,--build-id=sha1 leak64.c -o another && "
		"objcopy --only-keep-debug another stripped.debug && rm .debug/stripped.debug");
	symbol_fixture__check("stripped", address, "? ?:0");

	/* Without a build ID the checksum decides. */
	symbol_fixture__run(
		"gcc -g -O2 -Wl,--build-id=none leak64.c -o plain && "
		"objcopy --only-keep-debug plain plain.debug && strip -o linked plain && "
		"objcopy --add-gnu-debuglink=plain.debug linked");
	address = symbol_fixture__address("plain", "mark_inner");
	symbol_fixture__check("linked", address, SYMBOL_FIXTURE_INNER);
	symbol_fixture__run("printf x >> plain.debug");
	symbol_fixture__check("linked", address, "? ?:0");
	/* One that would block is not even opened. */
	symbol_fixture__run("rm plain.debug && mkfifo plain.debug");
	symbol_fixture__check("linked", address, "? ?:0");
	symbol_fixture__run("rm -r .debug plain.debug stripped.debug");
}

/* The library's own exported names are left when everything else is stripped. */
static void test_dynamic_symbols(void **state)
{
	uint64_t address;

	(void)state;
	symbol_fixture__run(
		"gcc -O2 -shared -fPIC leak64.c -o library.full && strip -o library library.full");
	address = symbol_fixture__address("library.full", "outer");
	symbol_fixture__check("library", address, "outer ?:0");
	/* Its local function is unknown, and must not get a neighbour's name. */
	symbol_fixture__check("library", symbol_fixture__address("library.full", "fails"), "? ?:0");
}

/*
 * Split DWARF: the lines are in the file, the inlined functions in a .dwo, which is not followed,
 * and must not be opened even where libdw would.
 */
static void test_split_dwarf_is_not_followed(void **state)
{
	(void)state;
	for (int version = 4; version <= 5; version++) {
		symbol_fixture__run(
			"rm -f *.dwo; gcc -g -O2 -gdwarf-%d -gsplit-dwarf leak64.c -o split && "
			"for f in *.dwo; do rm $f && mkfifo $f; done",
			version);
		symbol_fixture__check("split", symbol_fixture__address("split", "mark_inner"),
				      "outer leak64.c:6");
	}
}

/* .gnu_debugaltlink with a FIFO behind it: opened, it would hang us. */
static void test_alternate_file_is_not_trusted(void **state)
{
	FILE *link;

	(void)state;
	link = fopen(symbol_fixture__path("altlink"), "w");
	fprintf(link, "%s", symbol_fixture__path("alternate.fifo"));
	fputc(0, link);
	fprintf(link, "01234567890123456789");
	fclose(link);
	symbol_fixture__run(
		"mkfifo alternate.fifo && objcopy --add-section .gnu_debugaltlink=altlink leak64 alt");
	symbol_fixture__check("alt", symbol_fixture__address("alt", "mark_inner"), "outer ?:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_dynamic_symbols),
		cmocka_unit_test(test_split_dwarf_is_not_followed),
		cmocka_unit_test(test_alternate_file_is_not_trusted),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(300);
	return cmocka_run_group_tests_name("debug_files", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}
