// SPDX-License-Identifier: GPL-2.0
/*
 * The sources of names and lines when the file itself has none, and the files that are never asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol_fixture.h"
#include "names/symbolize.h"

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

	/* A debug file of another build is refused. */
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
	/* A file that would block is not even opened. */
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

/* A .gnu_debugaltlink that leads to a FIFO: if it were opened, the test would hang. */
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

/* .gnu_debugdata, made as Fedora makes it: the symbols of .dynsym are left out. */
static void test_mini_debug_info(void **state)
{
	uint64_t outer, fails;

	(void)state;
	symbol_fixture__run("gcc -O2 -shared -fPIC leak64.c -o mini.full && "
			    "nm -D mini.full --format=posix --defined-only | cut -d' ' -f1 | sort "
			    ">exported && "
			    "nm mini.full --format=posix --defined-only | grep ' [tT] ' | "
			    "cut -d' ' -f1 | sort >functions && "
			    "comm -13 exported functions >kept");
	symbol_fixture__run("objcopy -S --remove-section .comment --keep-symbols=kept mini.full "
			    "mini.debug 2>errors && xz -k mini.debug && strip -o mini mini.full && "
			    "objcopy --add-section .gnu_debugdata=mini.debug.xz mini");
	outer = symbol_fixture__address("mini.full", "outer");
	fails = symbol_fixture__address("mini.full", "fails");
	symbol_fixture__check("mini", fails, "fails ?:0");
	symbol_fixture__check("mini", outer, "outer ?:0");

	/* Damaged, or far too large: as if it were not there. */
	symbol_fixture__run("head -c 300 mini.debug.xz >cut && strip -o mini mini.full && "
			    "objcopy --add-section .gnu_debugdata=cut mini");
	symbol_fixture__check("mini", fails, "? ?:0");
	symbol_fixture__check("mini", outer, "outer ?:0");
	symbol_fixture__run("head -c 300M /dev/zero | xz -0 >bomb && strip -o mini mini.full && "
			    "objcopy --add-section .gnu_debugdata=bomb mini && rm bomb");
	symbol_fixture__check("mini", fails, "? ?:0");
	symbol_fixture__check("mini", outer, "outer ?:0");
}

/*
 * dwz moves the debug information that files have in common to one more file, which is checked like
 * a debug file.
 */
static void test_dwarf_in_common(void **state)
{
	uint64_t address;

	(void)state;
	symbol_fixture__run("gcc -g -O2 leak64.c -o first && gcc -g -O2 leak64.c -o second && "
			    "gcc -g -O2 leak64.c -o third && "
			    "dwz -m common.dwz -r first second third");
	address = symbol_fixture__address("first", "mark_inner");
	symbol_fixture__run("readelf -S first | grep -q gnu_debugaltlink");
	symbol_fixture__check("first", address, SYMBOL_FIXTURE_INNER);
	symbol_fixture__run("gcc -g -O2 -Wl,--build-id=sha1 leak64.c -o common.dwz");
	symbol_fixture__check("first", address, "outer ?:0");
}

/* The frames of a file that its process knows as /app/program, below a root of its own. */
static void check_below_root(const char *root, const char *path, uint64_t address,
			     const char *expected)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	char *open_path = symbol_fixture__path("root/app/program");
	struct mapping map = symbol_fixture__map("root/app/program");

	map.path = (char *)path;
	assert_int_equal(
		symbolizer__open_file(symbolizer, &map, open_path, symbol_fixture__path(root)), 0);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false), expected);
	symbolizer__free(symbolizer);
}

/* A container's debug files are the container's, and its links lead nowhere else. */
static void test_debug_files_of_another_root(void **state)
{
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	const char *program = "/app/program";
	char *seen_path;

	(void)state;
	symbol_fixture__run("mkdir -p root/app root/usr/lib/debug/app && "
			    "objcopy --only-keep-debug leak64 program.debug && "
			    "strip -o root/app/program leak64 && cd root/app && "
			    "objcopy --add-gnu-debuglink=../../program.debug program");
	check_below_root("root", program, address, "? ?:0");
	symbol_fixture__run("cp program.debug root/app");
	check_below_root("root", program, address, SYMBOL_FIXTURE_INNER);
	/* The path as we see it, not the process: it is in a chroot. */
	symbol_fixture__run("ln -s $PWD/root chroot");
	seen_path = strdup(symbol_fixture__path("root/app/program"));
	check_below_root("chroot", seen_path, address, SYMBOL_FIXTURE_INNER);
	free(seen_path);

	symbol_fixture__run("mv root/app/program.debug root/usr/lib/debug/app");
	check_below_root("root", program, address, SYMBOL_FIXTURE_INNER);
	symbol_fixture__run("id=$(readelf -n leak64 | sed -n 's/.*Build ID: //p') && "
			    "cd root/usr/lib/debug && mkdir -p .build-id/${id%%${id#??}} && "
			    "mv app/program.debug hidden && "
			    "ln -s /usr/lib/debug/hidden .build-id/${id%%${id#??}}/${id#??}.debug");
	check_below_root("root", program, address, SYMBOL_FIXTURE_INNER);

	symbol_fixture__run("rm root/usr/lib/debug/hidden && "
			    "ln -s ../../program.debug root/app/program.debug");
	check_below_root("root", program, address, "? ?:0");
	symbol_fixture__run("rm root/app/program.debug && mkfifo root/app/program.debug");
	check_below_root("root", program, address, "? ?:0");
}

/* Debug packages are often installed outside of containers only: libc's here, by its build ID. */
static void test_our_own_debug_files_come_second(void **state)
{
	void *volatile function = (void *)getsubopt; /* ASan has no version of it */
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping_set *maps = mapping_set__new();
	FILE *maps_file = fopen("/proc/self/maps", "r");
	const struct mapping *libc;
	struct report_frame frame;
	struct mapping copy;
	uint64_t offset;
	char *open_path;

	(void)state;
	assert_true(mapping_set__read_maps(maps, maps_file) > 0);
	fclose(maps_file);
	libc = mapping_set__find(maps, (uintptr_t)function);
	symbolizer__resolve(symbolizer, libc, (uintptr_t)function, false, &frame, 1);
	if (frame.file) {
		offset = (uintptr_t)function - libc->start + libc->file_offset;
		symbol_fixture__run("mkdir -p other/lib && cp %s other/lib/libc", libc->path);
		open_path = symbol_fixture__path("other/lib/libc");
		copy = symbol_fixture__map("other/lib/libc");
		copy.path = (char *)"/lib/libc";
		assert_int_equal(symbolizer__open_file(symbolizer, &copy, open_path,
						       symbol_fixture__path("other")),
				 0);
		symbolizer__resolve(symbolizer, &copy, copy.start + offset, false, &frame, 1);
		assert_string_equal(frame.module, "/lib/libc");
		assert_string_equal(frame.function, "getsubopt");
		assert_non_null(frame.file);
	}
	mapping_set__free(maps);
	symbolizer__free(symbolizer);
	if (!frame.file) {
		print_message("skipped: libc's debug file is not installed\n");
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_debug_files_of_another_root),
		cmocka_unit_test(test_our_own_debug_files_come_second),
		cmocka_unit_test(test_mini_debug_info),
		cmocka_unit_test(test_dwarf_in_common),
		cmocka_unit_test(test_dynamic_symbols),
		cmocka_unit_test(test_split_dwarf_is_not_followed),
		cmocka_unit_test(test_alternate_file_is_not_trusted),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(300);
	return cmocka_run_group_tests_name("debug_files", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}
