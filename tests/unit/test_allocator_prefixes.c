// SPDX-License-Identifier: GPL-2.0
/*
 * Allocators that are built with names of their own: which prefixes count, and which names count
 * only beside others.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/allocator_names.h"
#include "allocators/allocators.h"
#include "elf_fixture.h"

#define LIBRARY "gcc -shared -fPIC -nostdlib -fno-builtin -O1 -w -fno-ipa-icf "
#define PROGRAM "gcc -fno-builtin -O1 -w -fno-ipa-icf "

/* PREFIX may be empty; each function has an address of its own. */
static const char source[] =
	"#define PASTE(prefix, name) prefix##name\n"
	"#define EXPAND(prefix, name) PASTE(prefix, name)\n"
	"#define NAME(name) EXPAND(PREFIX, name)\n"
	"static char pool[1 << 16]; static unsigned long used;\n"
	"static void *take(unsigned long n) { return pool + used++ + n; }\n"
	"void *NAME(malloc)(unsigned long n) { return take(n); }\n"
	"void NAME(free)(void *p) { used -= !p; }\n"
	"#ifdef C23\n"
	"void NAME(free_sized)(void *p, unsigned long n) { used -= n + 5; }\n"
	"void NAME(free_aligned_sized)(void *p, unsigned long a, unsigned long n)"
	"{ used -= n + a + 6; }\n"
	"#endif\n"
	"#ifdef X\n"
	"void *NAME(mallocx)(unsigned long n, int f) { return take(n + f); }\n"
	"void *NAME(rallocx)(void *p, unsigned long n, int f)"
	"{ used += !p; return take(n + 2 * f); }\n"
	"unsigned long NAME(xallocx)(void *p, unsigned long n, unsigned long e, int f)"
	"{ used += !p; return n + e + f; }\n"
	"void NAME(dallocx)(void *p, int f) { used -= f; }\n"
	"void NAME(sdallocx)(void *p, unsigned long n, int f)"
	"{ used -= n + f; }\n"
	"#endif\n"
	"#ifdef CTL\n"
	"int NAME(mallctl)(const char *n) { return !n; }\n"
	"#endif\n"
	"#ifdef MI\n"
	"void *NAME(zalloc)(unsigned long n) { return take(n + 3); }\n"
	"void *NAME(malloc_aligned)(unsigned long n, unsigned long a)"
	"{ return take(n + a); }\n"
	"void *NAME(mallocn)(unsigned long c, unsigned long n)"
	"{ return take(c * n); }\n"
	"#endif\n";

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "named.c", source);
	elf_fixture__text(folder, "main.c", "int main(void) { return 0; }\n");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

/* The names of the probes in their order, each after a blank. */
static void assert_symbols(const char *name, const char *symbols)
{
	struct allocator_probes probes;
	char found[1024] = "", path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(allocators__find(fd, &probes), 0);
	close(fd);
	for (size_t i = 0; i < probes.nr; i++) {
		strcat(found, " ");
		strcat(found, probes.probe[i].symbol);
	}
	assert_string_equal(found, symbols);
}

static void make_library(const char *prefix, const char *options)
{
	elf_fixture__run(folder, LIBRARY "-DPREFIX=%s %s named.c -o library.so", prefix, options);
}

static void test_prefixes(void **state)
{
	static const char *const prefixes[] = { "je_", "_rjem_", "rjem_",     "tc_",
						"mi_", "rp",	 "scalable_", "dl" };
	char symbols[64];

	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		make_library(prefixes[i], "");
		snprintf(symbols, sizeof(symbols), " %smalloc %sfree", prefixes[i], prefixes[i]);
		assert_symbols("library.so", symbols);
	}
	make_library("", "-DC23");
	assert_symbols("library.so", " malloc free free_sized free_aligned_sized");
	make_library("own_", "");
	assert_symbols("library.so", "");
	make_library("xje_", "");
	assert_symbols("library.so", "");
}

/* The last test: it stays for the rest of the program. */
static void test_prefixes_of_the_user(void **state)
{
	(void)state;
	make_library("own_", "-DX -DCTL -DMI");
	allocator_names__add_prefix("own_");
	assert_symbols("library.so",
		       " own_malloc own_free own_mallocx own_rallocx own_xallocx own_dallocx "
		       "own_sdallocx");
	for (size_t i = 0; i < 2 * ALLOCATOR_PREFIXES_MAX; i++)
		allocator_names__add_prefix("own_");
	allocator_names__add_prefix("next_");
	make_library("next_", "");
	assert_symbols("library.so", " next_malloc next_free");
	for (size_t i = 0; i < 2 * ALLOCATOR_PREFIXES_MAX; i++)
		allocator_names__add_prefix(
			(const char *[]){ "a_", "b_", "c_", "d_", "e_", "f_", "g_", "h_" }[i % 8]);
	make_library("next_", "");
	assert_symbols("library.so", " next_malloc next_free");
}

/* Many programs have a helper of the name mallocx; jemalloc's comes with mallctl. */
static void test_extended_names_of_jemalloc(void **state)
{
	(void)state;
	make_library("", "-DX");
	assert_symbols("library.so", " malloc free");
	make_library("", "-DX -DCTL");
	assert_symbols("library.so", " malloc free mallocx rallocx xallocx dallocx sdallocx");
	make_library("je_", "-DX -DCTL");
	assert_symbols("library.so",
		       " je_malloc je_free je_mallocx je_rallocx je_xallocx je_dallocx "
		       "je_sdallocx");
}

static void test_names_of_mimalloc(void **state)
{
	(void)state;
	make_library("", "-DMI");
	assert_symbols("library.so", " malloc free");
	make_library("tc_", "-DMI");
	assert_symbols("library.so", " tc_malloc tc_free");
	make_library("mi_", "-DMI");
	assert_symbols("library.so", " mi_malloc mi_free mi_zalloc mi_mallocn mi_malloc_aligned");
}

/* A program has libc's functions and another allocator's, both of them linked in. */
static void test_two_families(void **state)
{
	(void)state;
	elf_fixture__run(folder, LIBRARY "-DPREFIX= -c named.c -o plain.o");
	elf_fixture__run(folder, LIBRARY "-DPREFIX=_rjem_ -c named.c -o rjem.o");
	elf_fixture__run(folder, PROGRAM "main.c plain.o rjem.o -o both");
	assert_symbols("both", " malloc free _rjem_malloc _rjem_free");
	elf_fixture__run(folder, "strip both");
	assert_symbols("both", " malloc free");
}

/* gperftools' malloc and tc_malloc are one function. */
static void test_one_function_of_two_families(void **state)
{
	(void)state;
	elf_fixture__text(folder, "alias.c",
			  "void *malloc() __attribute__((alias(\"tc_malloc\")));\n"
			  "void free() __attribute__((alias(\"tc_free\")));\n"
			  "#define PREFIX tc_\n#include \"named.c\"\n");
	elf_fixture__run(folder, LIBRARY "alias.c -o alias.so");
	assert_symbols("alias.so", " malloc free");
}

static void test_half_a_family(void **state)
{
	(void)state;
	elf_fixture__text(folder, "half.c",
			  "void *je_malloc(unsigned long n) { return (void *)n; }\n"
			  "void mi_free(void *p) { }\n");
	elf_fixture__run(folder, LIBRARY "half.c -o half.so");
	assert_symbols("half.so", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_extended_names_of_jemalloc),
		cmocka_unit_test(test_names_of_mimalloc),
		cmocka_unit_test(test_two_families),
		cmocka_unit_test(test_one_function_of_two_families),
		cmocka_unit_test(test_half_a_family),
		cmocka_unit_test(test_prefixes_of_the_user),
	};

	return cmocka_run_group_tests_name("allocator_prefixes", tests, make_folder, remove_folder);
}
