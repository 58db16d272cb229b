// SPDX-License-Identifier: GPL-2.0
/*
 * Stands between the tests of rows and the ELF format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "frame_bytes.h"
#include "made_elf.h"

static void put_functions(struct made_elf *made, const struct made_function *functions, size_t nr)
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

void made_elf__put_section(struct made_elf *made, size_t nth, const char *name, uint64_t code,
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

void made_elf__put_sections(struct made_elf *made)
{
	memcpy(made->names + 10, ".eh_frame", 10);
	made->header.e_shoff = offsetof(struct made_elf, sections);
	made->header.e_shentsize = sizeof(made->sections[0]);
	made->header.e_shnum = 6;
	made->header.e_shstrndx = NAMES;
	made->sections[EH_FRAME] = (Elf64_Shdr){
		.sh_name = 10,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC,
		.sh_addr = DATA_AT + offsetof(struct made_elf, frames),
		.sh_offset = offsetof(struct made_elf, frames),
	};
	made->sections[NAMES] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct made_elf, names),
		.sh_size = sizeof(made->names),
	};
}

struct made_elf *made_elf__new(const struct made_function *functions, size_t nr)
{
	struct made_elf *made = calloc(1, sizeof(*made));

	assert_non_null(made);
	memcpy(made->header.e_ident, ELFMAG "\2\1\1", 7);
	made->header.e_type = ET_DYN;
	made->header.e_machine = EM_X86_64;
	made->header.e_phoff = offsetof(struct made_elf, segments);
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
	made_elf__put_sections(made);
	put_functions(made, functions, nr);
	return made;
}

void made_elf__strip(struct made_elf *made)
{
	uint32_t relative = (uint32_t)(offsetof(struct made_elf, frames) -
				       offsetof(struct made_elf, eh_frame_header) - 4);

	made->header.e_shnum = 0;
	made->header.e_shoff = 0;
	memcpy(made->eh_frame_header, "\x01\x1b\x03\x3b", 4);
	memcpy(made->eh_frame_header + 4, &relative, sizeof(relative));
	made->segments[HEADER] = (Elf64_Phdr){
		.p_type = PT_GNU_EH_FRAME,
		.p_offset = offsetof(struct made_elf, eh_frame_header),
		.p_vaddr = DATA_AT + offsetof(struct made_elf, eh_frame_header),
		.p_filesz = sizeof(made->eh_frame_header),
	};
}

int made_elf__rows(const void *bytes, size_t nr_bytes, struct unwind_rows *rows)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = unwind_rows__of_file(fd, rows);
	close(fd);
	return err;
}

static void assert_same_rows(const struct unwind_rows *rows, const struct expected_row *expected,
			     size_t nr)
{
	for (size_t i = 0; i < nr && i < rows->nr; i++) {
		assert_int_equal(rows->row[i].file_offset, CODE_OFFSET + expected[i].at);
		assert_int_equal(rows->row[i].rule.cfa, expected[i].cfa);
		assert_int_equal(rows->row[i].rule.cfa_offset, expected[i].cfa_offset);
	}
	assert_int_equal(rows->nr, nr);
}

void made_elf__assert_rows(const struct made_elf *made, const struct expected_row *expected,
			   size_t nr)
{
	struct unwind_rows rows;

	assert_int_equal(made_elf__rows(made, sizeof(*made), &rows), 0);
	assert_same_rows(&rows, expected, nr);
	unwind_rows__free(&rows);
}

void made_elf__assert_refused(const struct made_elf *made, int err)
{
	struct unwind_rows rows;

	assert_int_equal(made_elf__rows(made, sizeof(*made), &rows), err);
	assert_null(rows.row);
	assert_int_equal(rows.nr, 0);
}
