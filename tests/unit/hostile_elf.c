// SPDX-License-Identifier: GPL-2.0
/* See hostile_elf.h. Headers first, then the code, the sections, and their headers. */
#include "hostile_elf.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs these before it. */
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_SECTIONS 12
#define CODE_BYTES 0x1000

static void put(int fd, const void *bytes, uint64_t nr_bytes, uint64_t offset)
{
	const char *from = bytes;

	while (nr_bytes) {
		ssize_t nr = pwrite(fd, from, nr_bytes, (off_t)offset);

		assert_true(nr > 0);
		from += nr;
		offset += (uint64_t)nr;
		nr_bytes -= (uint64_t)nr;
	}
}

void hostile_elf__write(const char *path, const struct hostile_section *sections, size_t nr)
{
	Elf64_Shdr headers[MAX_SECTIONS] = { 0 };
	Elf64_Ehdr file = { .e_type = ET_DYN,
			    .e_machine = EM_X86_64,
			    .e_phoff = sizeof(file),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 1,
			    .e_shentsize = sizeof(*headers),
			    .e_shnum = nr + 3,
			    .e_shstrndx = nr + 2 };
	Elf64_Phdr code = { .p_type = PT_LOAD,
			    .p_flags = PF_R | PF_X,
			    .p_offset = HOSTILE_ELF_CODE,
			    .p_vaddr = HOSTILE_ELF_CODE,
			    .p_filesz = CODE_BYTES,
			    .p_memsz = CODE_BYTES };
	uint64_t at = HOSTILE_ELF_CODE + CODE_BYTES;
	char names[512] = "";
	size_t names_bytes = 1;
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);

	assert_true(fd >= 0 && nr + 3 <= MAX_SECTIONS);
	headers[1] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				   .sh_addr = HOSTILE_ELF_CODE,
				   .sh_offset = HOSTILE_ELF_CODE,
				   .sh_size = CODE_BYTES };
	for (size_t i = 0; i < nr; i++) {
		headers[i + 2] = (Elf64_Shdr){ .sh_name = names_bytes,
					       .sh_type = sections[i].type,
					       .sh_flags = sections[i].flags,
					       .sh_link = sections[i].link,
					       .sh_offset = at,
					       .sh_size = sections[i].nr_bytes };
		memcpy(names + names_bytes, sections[i].name, strlen(sections[i].name) + 1);
		names_bytes += strlen(sections[i].name) + 1;
		if (sections[i].bytes)
			put(fd, sections[i].bytes, sections[i].nr_bytes, at);
		at = (at + sections[i].nr_bytes + 15) & ~15ull;
	}
	headers[nr + 2] =
		(Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = names_bytes };
	put(fd, names, names_bytes, at);
	memcpy(file.e_ident, ELFMAG "\2\1\1", 7);
	file.e_shoff = at + sizeof(names);
	put(fd, headers, (nr + 3) * sizeof(*headers), file.e_shoff);
	put(fd, &file, sizeof(file), 0);
	put(fd, &code, sizeof(code), file.e_phoff);
	close(fd);
}
