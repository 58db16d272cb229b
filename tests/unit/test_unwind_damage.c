// SPDX-License-Identifier: GPL-2.0
/*
 * ELF headers that lie, overlap, wrap, or are cut off: the files that are refused, and the result
 * of the others.
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

#include "failing_alloc.h"
#include "made_elf.h"

static void test_segments_in_another_order(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 }, { 0x1020, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 2);
	Elf64_Phdr *first = &made->segments[CODE], *second = &made->segments[SPARE];

	(void)state;
	/* The part with the higher addresses comes first in the file. */
	*second = *first;
	first->p_filesz = second->p_filesz = 0x1000;
	first->p_offset += 0x1000;
	second->p_vaddr += 0x1000;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE },
			     { 0x1020, CALLED }, { 0x1040, NONE });
	/* Two places in the file for one address, two addresses for one place: the first counts. */
	second->p_vaddr = CODE_AT + 0xfff;
	MADE_ELF_ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	second->p_vaddr = CODE_AT - 0x1000;
	MADE_ELF_ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	second->p_vaddr = CODE_AT + 0x1000;
	second->p_offset = first->p_offset + 0xfff;
	MADE_ELF_ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	/* Sums that wrap. */
	second->p_vaddr = UINT64_MAX - 0xffe;
	MADE_ELF_ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	second->p_vaddr = CODE_AT + 0x1000;
	second->p_offset = UINT64_MAX - 0xffe;
	MADE_ELF_ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	/* Data. */
	second->p_offset = CODE_OFFSET;
	second->p_flags = PF_R;
	MADE_ELF_ASSERT_ROWS(made, { 0x1000, NONE }, { 0x1020, CALLED }, { 0x1040, NONE });
	free(made);
}

static void test_damaged_eh_frame_hdr(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 1);

	(void)state;
	made_elf__strip(made);
	made->eh_frame_header[0] = 2;
	made_elf__assert_refused(made, -EBADMSG);
	made_elf__strip(made);
	made->eh_frame_header[1] = DW_EH_PE_omit;
	made_elf__assert_refused(made, -EBADMSG);
	made_elf__strip(made);
	memset(made->eh_frame_header + 4, 0x7f, 4); /* to nowhere */
	made_elf__assert_refused(made, -EBADMSG);
	made_elf__strip(made);
	for (made->segments[HEADER].p_filesz = 0; made->segments[HEADER].p_filesz < 8;
	     made->segments[HEADER].p_filesz++)
		made_elf__assert_refused(made, -EBADMSG);
	made->segments[HEADER].p_offset = UINT64_MAX - 3;
	made_elf__assert_refused(made, -EBADMSG);
	free(made);
}

static void test_what_is_refused(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 1);
	struct unwind_rows rows;
	int fds[2];

	(void)state;
	made->sections[EH_FRAME].sh_flags |= SHF_COMPRESSED;
	made_elf__assert_refused(made, -ENOTSUP);
	made->sections[EH_FRAME].sh_flags = SHF_ALLOC;
	made->header.e_phnum = 0xffff;
	made_elf__assert_refused(made, -EBADMSG);
	made->header.e_phnum = 4;
	made->header.e_phoff = UINT64_MAX - 8;
	made_elf__assert_refused(made, -EBADMSG);
	made->header.e_phoff = offsetof(struct made_elf, segments);
	made->header.e_phentsize = 1;
	made_elf__assert_refused(made, -EBADMSG);
	made->header.e_phentsize = sizeof(Elf64_Phdr);
	made->header.e_type = ET_REL;
	made_elf__assert_refused(made, -ENOEXEC);
	made->header.e_type = ET_DYN;
	made->header.e_machine = EM_AARCH64;
	made_elf__assert_refused(made, -ENOEXEC);
	made->header.e_machine = EM_X86_64;
	made->header.e_ident[EI_CLASS] = ELFCLASS32;
	made_elf__assert_refused(made, -ENOEXEC);
	made->header.e_ident[EI_CLASS] = ELFCLASS64;
	made->header.e_ident[EI_DATA] = ELFDATA2MSB;
	made_elf__assert_refused(made, -ENOEXEC);
	made->header.e_ident[0] = '#';
	made_elf__assert_refused(made, -ENOEXEC);
	free(made);
	assert_int_equal(unwind_rows__of_file(-1, &rows), -EBADF);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(unwind_rows__of_file(fds[0], &rows), -ENOEXEC);
	close(fds[0]);
	close(fds[1]);
}

static void test_section_headers_that_lie(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 1);

	(void)state;
	/* The numbers that don't fit the header are in the first section's. */
	made->header.e_shnum = 0;
	made->header.e_shstrndx = SHN_XINDEX;
	made->sections[0].sh_size = 6;
	made->sections[0].sh_link = NAMES;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	made->sections[0].sh_size = UINT64_MAX;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	made->sections[0].sh_size = 60000; /* more than the file has */
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	made->sections[0].sh_size = 6;
	made->sections[0].sh_link = 6;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	made->sections[0].sh_link = NAMES;
	made->sections[NAMES].sh_size = 15; /* the name is cut */
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	made->sections[NAMES].sh_size = UINT64_MAX;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE }, { 0x20, CALLED }, { 0x40, NONE });
	made->sections[NAMES].sh_offset = UINT64_MAX;
	MADE_ELF_ASSERT_ROWS(made, { 0, NONE });
	free(made);
}

static void test_every_truncated_file(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 }, { 0x100, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 2);

	(void)state;
	made_elf__put_section(made, STUBS, ".plt", 0x60, 0x60);
	for (size_t nr = 0; nr < sizeof(*made); nr += nr < CODE_OFFSET ? 1 : 0x100) {
		void *cut = malloc(nr);
		struct unwind_rows rows;

		memcpy(cut, made, nr);
		if (!made_elf__rows(cut, nr, &rows))
			assert_true(rows.nr > 0);
		unwind_rows__free(&rows);
		free(cut);
	}
	free(made);
}

static void test_no_memory(void **state)
{
	static const struct made_function functions[] = { { 0x20, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 1);
	struct unwind_rows rows;
	int err = -ENOMEM;
	long nr;

	(void)state;
	for (nr = 0; err && nr < 20; nr++) {
		failing_alloc__after(nr);
		err = made_elf__rows(made, sizeof(*made), &rows);
		failing_alloc__never();
		assert_true(!err || (err == -ENOMEM && !rows.row));
	}
	assert_int_equal(err, 0);
	assert_true(nr > 6);
	unwind_rows__free(&rows);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments_in_another_order),
		cmocka_unit_test(test_damaged_eh_frame_hdr),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_section_headers_that_lie),
		cmocka_unit_test(test_every_truncated_file),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
