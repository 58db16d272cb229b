// SPDX-License-Identifier: GPL-2.0
/*
 * ELF images made by hand around hand-made .eh_frame: where rows begin, what fills the gaps, and
 * what becomes of headers that lie. Then the machine's own files, against libdw.
 */
#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfi_against_libdw.h"
#include "failing_alloc.h"
#include "frame_bytes.h"
#include "unwind_rows.h"

#define CODE_BYTES 0x2000
#define CODE_AT 0x10000 /* the address of the code */
#define DATA_AT 0x400000 /* the address that the file's first byte has as data */

enum { CODE, DATA, HEADER, SPARE };
enum { EH_FRAME = 1, NAMES, STUBS, STUBS_2 };

struct made {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	Elf64_Shdr sections[6];
	char names[64];
	unsigned char eh_frame_header[16];
	unsigned char frames[4096];
	unsigned char code[CODE_BYTES];
};

#define CODE_OFFSET offsetof(struct made, code)

/* Functions are at these bytes of the code. */
struct function {
	uint64_t begin;
	uint64_t bytes;
};

static void put_functions(struct made *made, const struct function *functions, size_t nr)
{
	struct frame_bytes frames;
	size_t cie;

	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	for (size_t i = 0; i < nr; i++)
		frame_bytes__fde(&frames, cie, CODE_AT + functions[i].begin, functions[i].bytes,
				 NULL, 0);
	frame_bytes__number(&frames, 0, 4);
	assert_true(frames.nr <= sizeof(made->frames));
	memcpy(made->frames, frames.bytes, frames.nr);
	made->sections[EH_FRAME].sh_size = frames.nr;
	frame_bytes__end(&frames);
}

static void put_section(struct made *made, size_t nth, const char *name, uint64_t code,
			uint64_t bytes)
{
	size_t at = nth * 10;

	snprintf(made->names + at, sizeof(made->names) - at, "%s", name);
	made->sections[nth] = (Elf64_Shdr){
		.sh_name = (uint32_t)at,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = CODE_AT + code,
		.sh_offset = CODE_OFFSET + code,
		.sh_size = bytes,
	};
}

static void put_sections(struct made *made)
{
	memcpy(made->names + 10, ".eh_frame", 10);
	made->header.e_shoff = offsetof(struct made, sections);
	made->header.e_shentsize = sizeof(made->sections[0]);
	made->header.e_shnum = 6;
	made->header.e_shstrndx = NAMES;
	made->sections[EH_FRAME] = (Elf64_Shdr){
		.sh_name = 10,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC,
		.sh_addr = DATA_AT + offsetof(struct made, frames),
		.sh_offset = offsetof(struct made, frames),
	};
	made->sections[NAMES] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct made, names),
		.sh_size = sizeof(made->names),
	};
}

static struct made *make_elf(const struct function *functions, size_t nr)
{
	struct made *made = calloc(1, sizeof(*made));

	assert_non_null(made);
	memcpy(made->header.e_ident, ELFMAG "\2\1\1", 7);
	made->header.e_type = ET_DYN;
	made->header.e_machine = EM_X86_64;
	made->header.e_phoff = offsetof(struct made, segments);
	made->header.e_phentsize = sizeof(made->segments[0]);
	made->header.e_phnum = 4;
	made->segments[CODE] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = CODE_OFFSET,
		.p_vaddr = CODE_AT,
		.p_filesz = CODE_BYTES,
	};
	made->segments[DATA] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R,
		.p_vaddr = DATA_AT,
		.p_filesz = CODE_OFFSET,
	};
	put_sections(made);
	put_functions(made, functions, nr);
	return made;
}

/* Only program headers lead to .eh_frame. */
static void strip(struct made *made)
{
	uint32_t relative = (uint32_t)(offsetof(struct made, frames) -
				       offsetof(struct made, eh_frame_header) - 4);

	made->header.e_shnum = 0;
	made->header.e_shoff = 0;
	memcpy(made->eh_frame_header, "\x01\x1b\x03\x3b", 4);
	memcpy(made->eh_frame_header + 4, &relative, sizeof(relative));
	made->segments[HEADER] = (Elf64_Phdr){
		.p_type = PT_GNU_EH_FRAME,
		.p_offset = offsetof(struct made, eh_frame_header),
		.p_vaddr = DATA_AT + offsetof(struct made, eh_frame_header),
		.p_filesz = sizeof(made->eh_frame_header),
	};
}

static int rows_of_file(const void *bytes, size_t nr_bytes, struct unwind_rows *rows)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = unwind_rows__of_file(fd, rows);
	close(fd);
	return err;
}

struct expected {
	uint64_t at; /* byte of the code */
	int cfa;
	int cfa_offset;
};

static void assert_same_rows(const struct unwind_rows *rows, const struct expected *expected,
			     size_t nr)
{
	for (size_t i = 0; i < nr && i < rows->nr; i++) {
		assert_int_equal(rows->row[i].file_offset, CODE_OFFSET + expected[i].at);
		assert_int_equal(rows->row[i].rule.cfa, expected[i].cfa);
		assert_int_equal(rows->row[i].rule.cfa_offset, expected[i].cfa_offset);
	}
	assert_int_equal(rows->nr, nr);
}

/* By descriptor and from memory. */
static void assert_rows(const struct made *made, const struct expected *expected, size_t nr)
{
	struct unwind_rows rows;

	assert_int_equal(rows_of_file(made, sizeof(*made), &rows), 0);
	assert_same_rows(&rows, expected, nr);
	unwind_rows__free(&rows);
	assert_int_equal(unwind_rows__of_bytes(made, sizeof(*made), &rows), 0);
	assert_same_rows(&rows, expected, nr);
	unwind_rows__free(&rows);
}

#define ASSERT_ROWS(made, ...)                                      \
	assert_rows(made, (const struct expected[]){ __VA_ARGS__ }, \
		    sizeof((const struct expected[]){ __VA_ARGS__ }) / sizeof(struct expected))

#define NONE UNWIND_CFA_FRAME_POINTER, 0
#define CALLED UNWIND_CFA_RSP, 8
#define FIRST UNWIND_CFA_END, 0

static void test_functions_and_gaps(void **state)
{
	/* The second follows at once, the third after 15 bytes, the fourth after 16. */
	static const struct function functions[] = {
		{ 0x20, 0x20 }, { 0x40, 0x20 }, { 0x6f, 0x11 }, { 0x90, 0x10 }
	};
	struct made *made = make_elf(functions, 4);
	struct unwind_rows rows;

	(void)state;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x80, NONE }, { 0x90, CALLED },
		    { 0xa0, NONE });
	assert_int_equal(unwind_rows__of_bytes(made, sizeof(*made), &rows), 0);
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
	static const struct function functions[] = {
		{ (uint64_t)-0x10, 0x20 }, /* begins before it */
		{ 0x10, 8 },
		{ CODE_BYTES - 8, 0x100 }, /* ends behind it */
		{ CODE_BYTES, 8 },
		{ 0x100000, 8 },
	};
	struct made *made = make_elf(functions, 5);

	(void)state;
	ASSERT_ROWS(made, { 0, NONE }, { 0x10, CALLED }, { 0x18, NONE },
		    { CODE_BYTES - 8, CALLED });
	free(made);
}

static void test_nothing_to_go_by(void **state)
{
	struct made *made = make_elf(NULL, 0);

	(void)state;
	ASSERT_ROWS(made, { 0, NONE });
	made->header.e_entry = CODE_AT + 0x100; /* musl's libc is a program, too */
	made->header.e_type = ET_EXEC;
	ASSERT_ROWS(made, { 0, NONE });
	made->header.e_shnum = 0;
	made->header.e_shoff = 0;
	ASSERT_ROWS(made, { 0, NONE });
	/* No code at all: a file of debug information. */
	made->segments[CODE].p_filesz = 0;
	assert_rows(made, NULL, 0);
	free(made);
}

static void test_without_sections(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 } };
	struct made *made = make_elf(functions, 1);
	size_t nr = made->sections[EH_FRAME].sh_size;
	uint64_t begin = CODE_AT + 0x60;
	uint32_t distance;

	(void)state;
	strip(made);
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	/* What follows the terminator is of another section, whatever it looks like. */
	memcpy(made->frames + nr, made->frames + nr - 4 - 24, 24);
	memcpy(made->frames + nr + 8, &begin, sizeof(begin));
	distance = (uint32_t)(nr + 4);
	memcpy(made->frames + nr + 4, &distance, sizeof(distance));
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	/* With a section header, all of the section counts. */
	put_sections(made);
	made->sections[EH_FRAME].sh_size = nr + 24;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x60, CALLED },
		    { 0x80, NONE });
	/* One that lies outside the file counts as stripped. */
	made->sections[EH_FRAME].sh_offset = UINT64_MAX;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	free(made);
}

static void assert_refused(const struct made *made, int err)
{
	struct unwind_rows rows;

	assert_int_equal(rows_of_file(made, sizeof(*made), &rows), err);
	assert_null(rows.row);
	assert_int_equal(rows.nr, 0);
}

static void test_damaged_eh_frame_hdr(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 } };
	struct made *made = make_elf(functions, 1);

	(void)state;
	strip(made);
	made->eh_frame_header[0] = 2;
	assert_refused(made, -EBADMSG);
	strip(made);
	made->eh_frame_header[1] = DW_EH_PE_omit;
	assert_refused(made, -EBADMSG);
	strip(made);
	memset(made->eh_frame_header + 4, 0x7f, 4); /* to nowhere */
	assert_refused(made, -EBADMSG);
	strip(made);
	for (made->segments[HEADER].p_filesz = 0; made->segments[HEADER].p_filesz < 8;
	     made->segments[HEADER].p_filesz++)
		assert_refused(made, -EBADMSG);
	made->segments[HEADER].p_offset = UINT64_MAX - 3;
	assert_refused(made, -EBADMSG);
	free(made);
}

static void test_where_a_process_begins(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 },
						     { 0x200, 0x20 },
						     { 0x22c, 0x20 } };
	struct made *made = make_elf(functions, 3);

	(void)state;
	made->header.e_type = ET_EXEC;
	made->header.e_entry = CODE_AT + 0x48;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x48, FIRST },
		    { 0x148, NONE }, { 0x200, CALLED }, { 0x24c, NONE });
	/* Up to the next function; even where it looks like padding. */
	made->header.e_entry = CODE_AT + 0x220;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
		    { 0x220, FIRST }, { 0x22c, CALLED }, { 0x24c, NONE });
	/* A function that is described speaks for itself. */
	made->header.e_entry = CODE_AT + 0x20;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
		    { 0x24c, NONE });
	/* A library's means nothing. */
	made->header.e_type = ET_DYN;
	made->header.e_entry = CODE_AT;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
		    { 0x24c, NONE });
	/* But ld.so is one. */
	memcpy(made->code, "\xf3\x0f\x1e\xfa\x48\x89\xe7", 7);
	ASSERT_ROWS(made, { 0, FIRST }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
		    { 0x24c, NONE });
	/* So is a program that may be loaded anywhere. */
	memset(made->code, 0, 7);
	made->segments[SPARE].p_type = PT_INTERP;
	ASSERT_ROWS(made, { 0, FIRST }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
		    { 0x24c, NONE });
	made->header.e_entry = UINT64_MAX;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x200, CALLED },
		    { 0x24c, NONE });
	free(made);
}

static void test_stubs(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 }, { 0x100, 0x20 } };
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
	struct made *made = make_elf(functions, 2);

	(void)state;
	put_section(made, STUBS, ".plt", 0x60, 0x60);
	put_section(made, STUBS_2, ".plt.got", 0x40, 8);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memcpy(made->code + 0x70, forms[i].code, forms[i].nr_bytes);
		ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, /* and .plt.got */ { 0x48, NONE },
			    { 0x60, UNWIND_CFA_RSP, 16 }, { 0x66, UNWIND_CFA_RSP, 24 },
			    { 0x70, UNWIND_CFA_PLT, forms[i].push_end }, { 0xc0, NONE },
			    { 0x100, CALLED }, { 0x120, NONE });
	}
	/* A part that is described speaks for itself. */
	put_section(made, STUBS, ".plt", 0x20, 0x24);
	put_section(made, STUBS_2, ".plt.sec", 0x1000, 0x40);
	memcpy(made->code + 0x30, forms[0].code, forms[0].nr_bytes);
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, UNWIND_CFA_PLT, 11 },
		    { 0x44, NONE }, { 0x100, CALLED }, { 0x120, NONE }, { 0x1000, CALLED },
		    { 0x1040, NONE });
	/* Sections that are empty, wrap, or overlap. */
	put_section(made, STUBS, ".plt.sec", 0x60, UINT64_MAX);
	put_section(made, STUBS_2, ".plt.got", 0x60, 0);
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x100, CALLED },
		    { 0x120, NONE });
	put_section(made, STUBS, ".plt.sec", 0x60, 0x20);
	put_section(made, STUBS_2, ".plt.got", 0x70, 0x20);
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x60, CALLED },
		    { 0x90, NONE }, { 0x100, CALLED }, { 0x120, NONE });
	free(made);
}

static void test_segments_in_another_order(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 }, { 0x1020, 0x20 } };
	struct made *made = make_elf(functions, 2);
	Elf64_Phdr *first = &made->segments[CODE], *second = &made->segments[SPARE];

	(void)state;
	/* What has the higher addresses lies first in the file. */
	*second = *first;
	first->p_filesz = second->p_filesz = 0x1000;
	first->p_offset += 0x1000;
	second->p_vaddr += 0x1000;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE }, { 0x1020, CALLED },
		    { 0x1040, NONE });
	/* Two places in the file for one address, two addresses for one place: the first counts. */
	second->p_vaddr = CODE_AT + 0xfff;
	ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	second->p_vaddr = CODE_AT - 0x1000;
	ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	second->p_vaddr = CODE_AT + 0x1000;
	second->p_offset = first->p_offset + 0xfff;
	ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	/* Sums that wrap. */
	second->p_vaddr = UINT64_MAX - 0xffe;
	ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	second->p_vaddr = CODE_AT + 0x1000;
	second->p_offset = UINT64_MAX - 0xffe;
	ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	/* Data. */
	second->p_offset = CODE_OFFSET;
	second->p_flags = PF_R;
	ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	free(made);
}

static void test_what_is_refused(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 } };
	struct made *made = make_elf(functions, 1);
	struct unwind_rows rows;
	int fds[2];

	(void)state;
	made->sections[EH_FRAME].sh_flags |= SHF_COMPRESSED;
	assert_refused(made, -ENOTSUP);
	made->sections[EH_FRAME].sh_flags = SHF_ALLOC;
	made->header.e_phnum = 0xffff;
	assert_refused(made, -EBADMSG);
	made->header.e_phnum = 4;
	made->header.e_phoff = UINT64_MAX - 8;
	assert_refused(made, -EBADMSG);
	made->header.e_phoff = offsetof(struct made, segments);
	made->header.e_phentsize = 1;
	assert_refused(made, -EBADMSG);
	made->header.e_phentsize = sizeof(Elf64_Phdr);
	made->header.e_type = ET_REL;
	assert_refused(made, -ENOEXEC);
	made->header.e_type = ET_DYN;
	made->header.e_machine = EM_AARCH64;
	assert_refused(made, -ENOEXEC);
	made->header.e_machine = EM_X86_64;
	made->header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(made, -ENOEXEC);
	made->header.e_ident[EI_CLASS] = ELFCLASS64;
	made->header.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_refused(made, -ENOEXEC);
	made->header.e_ident[0] = '#';
	assert_refused(made, -ENOEXEC);
	free(made);
	assert_int_equal(unwind_rows__of_file(-1, &rows), -EBADF);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(unwind_rows__of_file(fds[0], &rows), -ENOEXEC);
	close(fds[0]);
	close(fds[1]);
}

static void test_section_headers_that_lie(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 } };
	struct made *made = make_elf(functions, 1);

	(void)state;
	/* The numbers that don't fit the header are in the first section's. */
	made->header.e_shnum = 0;
	made->header.e_shstrndx = SHN_XINDEX;
	made->sections[0].sh_size = 6;
	made->sections[0].sh_link = NAMES;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	made->sections[0].sh_size = UINT64_MAX;
	ASSERT_ROWS(made, { 0, NONE });
	made->sections[0].sh_size = 60000; /* more than the file has */
	ASSERT_ROWS(made, { 0, NONE });
	made->sections[0].sh_size = 6;
	made->sections[0].sh_link = 6;
	ASSERT_ROWS(made, { 0, NONE });
	made->sections[0].sh_link = NAMES;
	made->sections[NAMES].sh_size = 15; /* the name is cut */
	ASSERT_ROWS(made, { 0, NONE });
	made->sections[NAMES].sh_size = UINT64_MAX;
	ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	made->sections[NAMES].sh_offset = UINT64_MAX;
	ASSERT_ROWS(made, { 0, NONE });
	free(made);
}

static void test_every_truncated_file(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 }, { 0x100, 0x20 } };
	struct made *made = make_elf(functions, 2);

	(void)state;
	put_section(made, STUBS, ".plt", 0x60, 0x60);
	for (size_t nr = 0; nr < sizeof(*made); nr += nr < CODE_OFFSET ? 1 : 0x100) {
		void *cut = malloc(nr);
		struct unwind_rows rows;

		memcpy(cut, made, nr);
		if (!unwind_rows__of_bytes(cut, nr, &rows))
			assert_true(rows.nr > 0);
		unwind_rows__free(&rows);
		free(cut);
	}
	free(made);
}

static void test_no_memory(void **state)
{
	static const struct function functions[] = { { 0x20, 0x20 } };
	struct made *made = make_elf(functions, 1);
	struct unwind_rows rows;
	int err = -ENOMEM;
	long nr;

	(void)state;
	for (nr = 0; err && nr < 20; nr++) {
		failing_alloc__after(nr);
		err = unwind_rows__of_bytes(made, sizeof(*made), &rows);
		failing_alloc__never();
		assert_true(!err || (err == -ENOMEM && !rows.row));
	}
	assert_int_equal(err, 0);
	assert_true(nr > 6);
	unwind_rows__free(&rows);
	free(made);
}

/* The kernel's own library, which no file has. */
static void test_the_vdso(void **state)
{
	struct unwind_rows rows;
	unsigned long begin = 0, end = 0;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	(void)state;
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]"))
			assert_int_equal(sscanf(line, "%lx-%lx", &begin, &end), 2);
	fclose(maps);
	if (!begin)
		skip();
	assert_int_equal(unwind_rows__of_bytes((const void *)begin, end - begin, &rows), 0);
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
		cmocka_unit_test(test_damaged_eh_frame_hdr),
		cmocka_unit_test(test_where_a_process_begins),
		cmocka_unit_test(test_stubs),
		cmocka_unit_test(test_segments_in_another_order),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_section_headers_that_lie),
		cmocka_unit_test(test_every_truncated_file),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_the_vdso),
		cmocka_unit_test(test_the_dynamic_linker),
		cmocka_unit_test(test_against_libdw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
