// SPDX-License-Identifier: GPL-2.0
/*
 * The beginnings of rows, and the rows for the gaps between functions, in ELF files made by hand.
 * Then the machine's own files, against libdw.
 */
#include <dwarf.h>
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

#include "cfi_against_libdw.h"
#include "elf_fixture.h"
#include "made_elf.h"
#include "unwind/vdso.h"

/* From the System V ABI, AMD64 supplement; older headers lack it. */
#ifndef SHT_X86_64_UNWIND
#define SHT_X86_64_UNWIND 0x70000001
#endif

static void test_functions_and_gaps(void **state)
{
	/* The second follows at once, the third after 15 bytes, the fourth after 16. */
	static const struct made_function functions[] = {
		{ 0x20, 0x20 }, { 0x40, 0x20 }, { 0x6f, 0x11 }, { 0x90, 0x10 }
	};
	struct made_elf *made = made_elf__new(functions, 4);
	struct unwind_rows rows;

	(void)state;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x80, NONE }, { 0x90, CALLED },
			     { 0xa0, NONE });
	assert_int_equal(made_elf__rows(made, sizeof(*made), &rows), 0);
	assert_int_equal(rows.nr_functions, 4);
	assert_int_equal(rows.nr_refused, 0);
	assert_null(unwind_rows__find(&rows, CODE_OFFSET - 1));
	assert_int_equal(unwind_rows__find(&rows, CODE_OFFSET)->cfa, UNWIND_CFA_FRAME_POINTER);
	assert_int_equal(unwind_rows__find(&rows, CODE_OFFSET + 0x20)->cfa, UNWIND_CFA_RSP);
	assert_int_equal(unwind_rows__find(&rows, CODE_OFFSET + 0x7f)->cfa, UNWIND_CFA_RSP);
	assert_int_equal(unwind_rows__find(&rows, UINT64_MAX)->cfa, UNWIND_CFA_FRAME_POINTER);
	unwind_rows__free(&rows);
	free(made);
}

static void test_the_edges_of_a_segment(void **state)
{
	static const struct made_function functions[] = {
		{ (uint64_t)-0x10, 0x20 }, /* begins before it */
		{ 0x10, 8 },
		{ CODE_BYTES - 8, 0x100 }, /* ends behind it */
		{ CODE_BYTES, 8 },
		{ 0x100000, 8 },
	};
	struct made_elf *made = made_elf__new(functions, 5);

	(void)state;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x10, CALLED }, { 0x18, NONE },
			     { CODE_BYTES - 8, CALLED }, { CODE_BYTES, NONE });
	free(made);
}

static void test_nothing_to_go_by(void **state)
{
	struct made_elf *made = made_elf__new(NULL, 0);

	(void)state;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	made->header.e_entry = CODE_AT + 0x100; /* musl's libc is a program, too */
	made->header.e_type = ET_EXEC;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	made->header.e_shnum = 0;
	made->header.e_shoff = 0;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	/* No code at all: a file of debug information. */
	made->segments[CODE].p_filesz = 0;
	made_elf__assert_rows(made, NULL, 0);
	free(made);
}

static void test_without_sections(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 1);
	size_t nr = made->sections[EH_FRAME].sh_size;
	uint64_t begin = CODE_AT + 0x60;
	uint32_t distance;

	(void)state;
	made_elf__strip(made);
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	/* The bytes after the terminator are of another section, whatever they look like. */
	memcpy(made->frames + nr, made->frames + nr - 4 - 24, 24);
	memcpy(made->frames + nr + 8, &begin, sizeof(begin));
	distance = (uint32_t)(nr + 4);
	memcpy(made->frames + nr + 4, &distance, sizeof(distance));
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	/* With a section header, all of the section counts. */
	made_elf__put_sections(made);
	made->sections[EH_FRAME].sh_size = nr + 24;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x60, CALLED },
			     { 0x80, NONE });
	/* Its type may be the machine's own, and no other. */
	made->sections[EH_FRAME].sh_type = SHT_X86_64_UNWIND;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x60, CALLED },
			     { 0x80, NONE });
	made->sections[EH_FRAME].sh_type++;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	made->sections[EH_FRAME].sh_type = SHT_PROGBITS;
	/* A section that lies outside the file counts as stripped. */
	made->sections[EH_FRAME].sh_offset = UINT64_MAX;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	free(made);
}

static void test_where_a_process_begins(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 },
							  { 0x200, 0x20 },
							  { 0x22c, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 3);

	(void)state;
	made->header.e_type = ET_EXEC;
	made->header.e_entry = CODE_AT + 0x48;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x48, FIRST },
			     { 0x148, NONE }, { 0x200, CALLED }, { 0x24c, NONE });
	/* Up to the next function; even where it looks like padding. */
	made->header.e_entry = CODE_AT + 0x220;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
			     { 0x220, FIRST }, { 0x22c, CALLED }, { 0x24c, NONE });
	/* A function that is described speaks for itself. */
	made->header.e_entry = CODE_AT + 0x20;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
			     { 0x24c, NONE });
	/* A library's means nothing. */
	made->header.e_type = ET_DYN;
	made->header.e_entry = CODE_AT;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
			     { 0x24c, NONE });
	/* But ld.so is one. */
	memcpy(made->code, "\xf3\x0f\x1e\xfa\x48\x89\xe7", 7);
	MADE_ELF_ASSERT_ROWS(made, { 0, FIRST }, { 0x20, CALLED }, { 0x40, NONE },
			     { 0x200, CALLED }, { 0x24c, NONE });
	/* So is a program that may be loaded anywhere. */
	memset(made->code, 0, 7);
	made->segments[SPARE].p_type = PT_INTERP;
	MADE_ELF_ASSERT_ROWS(made, { 0, FIRST }, { 0x20, CALLED }, { 0x40, NONE },
			     { 0x200, CALLED }, { 0x24c, NONE });
	made->header.e_entry = UINT64_MAX;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
			     { 0x24c, NONE });
	free(made);
}

static void test_stubs(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 }, { 0x100, 0x20 } };
	static const struct {
		const char *code;
		size_t nr_bytes;
		int push_end;
	} forms[] = {
		{ "\xff\x25\0\0\0\0\x68\0\0\0\0\xe9", 12, 11 },
		{ "\xf3\x0f\x1e\xfa\x68\0\0\0\0\xe9", 10, 9 },
		{ "\x68\0\0\0\0\xf2\xe9", 7, 5 },
		{ "\xf3\x0f\x1e\xfa\x41\xbb\0\0\0\0", 10, 16 }, /* mold's: it pushes nothing */
	};
	struct made_elf *made = made_elf__new(functions, 2);

	(void)state;
	made_elf__put_section(made, STUBS, ".plt", 0x60, 0x60);
	made_elf__put_section(made, STUBS_2, ".plt.got", 0x40, 8);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memcpy(made->code + 0x70, forms[i].code, forms[i].nr_bytes);
		MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED },
				     /* and .plt.got */ { 0x48, NONE },
				     { 0x60, UNWIND_CFA_RSP, 16 }, { 0x66, UNWIND_CFA_RSP, 24 },
				     { 0x70, UNWIND_CFA_PLT, forms[i].push_end }, { 0xc0, NONE },
				     { 0x100, CALLED }, { 0x120, NONE });
	}
	/* A part that is described speaks for itself. */
	made_elf__put_section(made, STUBS, ".plt", 0x20, 0x24);
	made_elf__put_section(made, STUBS_2, ".plt.sec", 0x1000, 0x40);
	memcpy(made->code + 0x30, forms[0].code, forms[0].nr_bytes);
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, UNWIND_CFA_PLT, 11 },
			     { 0x44, NONE }, { 0x100, CALLED }, { 0x120, NONE }, { 0x1000, CALLED },
			     { 0x1040, NONE });
	/* A part that reaches beyond the gap, into a function. */
	made_elf__put_section(made, STUBS_2, ".plt.sec", 0xf0, 0x20);
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, UNWIND_CFA_PLT, 11 },
			     { 0x44, NONE }, { 0xf0, CALLED }, { 0x120, NONE });
	/* Sections that are empty, wrap, or overlap. */
	made_elf__put_section(made, STUBS, ".plt.sec", 0x60, UINT64_MAX);
	made_elf__put_section(made, STUBS_2, ".plt.got", 0x60, 0);
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x100, CALLED },
			     { 0x120, NONE });
	made_elf__put_section(made, STUBS, ".plt.sec", 0x60, 0x20);
	made_elf__put_section(made, STUBS_2, ".plt.got", 0x70, 0x20);
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x60, CALLED },
			     { 0x90, NONE }, { 0x100, CALLED }, { 0x120, NONE });
	free(made);
}

/* The kernel's own library, which no file has. */
static void test_the_vdso(void **state)
{
	struct unwind_rows rows;
	struct mapping vdso;
	int fd = vdso__copy(&vdso);

	(void)state;
	if (fd == -ENOENT)
		skip();
	assert_true(fd >= 0);
	assert_true(vdso.file.inode);
	assert_string_equal(vdso.path, "[vdso]");
	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	close(fd);
	assert_true(rows.nr_functions > 3);
	assert_int_equal(rows.nr_refused, 0);
	unwind_rows__free(&rows);
}

static void test_the_dynamic_linker(void **state)
{
	int fd = open("/lib64/ld-linux-x86-64.so.2", O_RDONLY | O_CLOEXEC);
	const struct unwind_rule *rule;
	struct unwind_rows rows;
	Elf64_Ehdr header;

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	/* Linkers give its code the same place in the file as in memory. */
	rule = unwind_rows__find(&rows, header.e_entry);
	assert_non_null(rule);
	assert_int_equal(rule->cfa, UNWIND_CFA_END);
	unwind_rows__free(&rows);
	close(fd);
}

/* Both ways to .eh_frame lead to the same functions. */
static void test_real_files_without_sections(void **state)
{
	static const char *const paths[] = { "/lib64/ld-linux-x86-64.so.2", "/bin/bash" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct unwind_rows whole, stripped;
		unsigned char *bytes;
		Elf64_Ehdr *header;
		size_t nr_bytes;

		if (access(paths[i], R_OK))
			continue;
		bytes = elf_fixture__read(paths[i], &nr_bytes);
		header = (Elf64_Ehdr *)bytes;
		assert_int_equal(made_elf__rows(bytes, nr_bytes, &whole), 0);
		header->e_shoff = 0;
		header->e_shnum = 0;
		assert_int_equal(made_elf__rows(bytes, nr_bytes, &stripped), 0);
		assert_true(whole.nr_functions > 100);
		assert_int_equal(stripped.nr_functions, whole.nr_functions);
		assert_int_equal(stripped.nr_refused, 0);
		unwind_rows__free(&whole);
		unwind_rows__free(&stripped);
		free(bytes);
	}
}

static void test_against_libdw(void **state)
{
	static const struct {
		const char *path;
		size_t every_nth;
	} files[] = {
		{ "/lib64/ld-linux-x86-64.so.2", 1 },
		{ "/usr/lib/x86_64-linux-gnu/libc.so.6", 1 },
		{ "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 1 },
		{ "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 1 }, /* assembly code */
		{ "/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1", 50 },
		{ "/bin/bash", 1 },
		{ "/usr/bin/python3", 1 },
		{ "/usr/bin/git", 1 },
	};
	struct cfi_comparison comparison;
	size_t nr_compared = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (cfi_against_libdw__compare(files[i].path, files[i].every_nth, &comparison))
			continue;
		nr_compared++;
		assert_int_equal(comparison.nr_differences, 0);
		assert_int_equal(comparison.nr_broken, 0);
		assert_true(comparison.nr_stretches > 1000);
	}
	if (!nr_compared)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_and_gaps),
		cmocka_unit_test(test_the_edges_of_a_segment),
		cmocka_unit_test(test_nothing_to_go_by),
		cmocka_unit_test(test_without_sections),
		cmocka_unit_test(test_where_a_process_begins),
		cmocka_unit_test(test_stubs),
		cmocka_unit_test(test_the_vdso),
		cmocka_unit_test(test_the_dynamic_linker),
		cmocka_unit_test(test_real_files_without_sections),
		cmocka_unit_test(test_against_libdw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
