// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for the one relocation that fills a slot (System V ABI, AMD64 supplement, "Procedure
 * Linkage Table"), by the dynamic section, as the dynamic linker does. function_returns.c asks, for
 * a few slots of a file.
 */
#include "elf/jump_slots.h"

#include <errno.h>
#include <stdbool.h>

#define RELOCATIONS_AT_ONCE 256
#define RELOCATIONS_MAX (1 << 20) /* as many as the largest programs have */

static bool fills(const Elf64_Rela *relocation, uint64_t slot)
{
	return relocation->r_offset == slot &&
	       (ELF64_R_TYPE(relocation->r_info) == R_X86_64_JUMP_SLOT ||
		ELF64_R_TYPE(relocation->r_info) == R_X86_64_GLOB_DAT);
}

/* *symbol: the index of the symbol whose address the slot gets. */
static int search_relocations(const struct elf_image *image, uint64_t offset, uint64_t nr_bytes,
			      uint64_t slot, uint64_t *symbol)
{
	Elf64_Rela relocations[RELOCATIONS_AT_ONCE];
	uint64_t left = nr_bytes / sizeof(*relocations);

	if (left > RELOCATIONS_MAX)
		return -E2BIG;
	while (left) {
		size_t nr = left < RELOCATIONS_AT_ONCE ? left : RELOCATIONS_AT_ONCE;
		int err = elf_image__read(image, offset, relocations, nr * sizeof(*relocations));

		if (err)
			return err;
		for (size_t i = 0; i < nr; i++) {
			if (!fills(&relocations[i], slot))
				continue;
			*symbol = ELF64_R_SYM(relocations[i].r_info);
			return 0;
		}
		offset += nr * sizeof(*relocations);
		left -= nr;
	}
	return -ENOENT;
}

/* A table of relocations, given by two dynamic entries. */
static int search_table(const struct elf_image *image, int64_t address_tag, int64_t bytes_tag,
			uint64_t slot, uint64_t *symbol)
{
	uint64_t address, nr_bytes, offset;
	int err;

	if (!elf_image__dynamic(image, address_tag, 0, &address) ||
	    !elf_image__dynamic(image, bytes_tag, 0, &nr_bytes) || !nr_bytes)
		return -ENOENT;
	err = elf_image__offset_of(image, address, false, &offset);
	return err ? err : search_relocations(image, offset, nr_bytes, slot, symbol);
}

static int read_symbol(const struct elf_image *image, uint64_t nth, Elf64_Sym *symbol)
{
	uint64_t address, offset;
	int err;

	if (!elf_image__dynamic(image, DT_SYMTAB, 0, &address))
		return -ENOENT;
	err = elf_image__offset_of(image, address, false, &offset);
	if (err)
		return err;
	/* No index of 32 bits makes this wrap: the offset is one of a byte of the file. */
	return elf_image__read(image, offset + nth * sizeof(*symbol), symbol, sizeof(*symbol));
}

int jump_slots__find(const struct elf_image *image, uint64_t slot, uint64_t *function)
{
	Elf64_Sym symbol = { 0 };
	uint64_t nth = 0;
	int err = search_table(image, DT_JMPREL, DT_PLTRELSZ, slot, &nth);

	if (err == -ENOENT) /* code that jumps through a slot without a stub (-fno-plt) */
		err = search_table(image, DT_RELA, DT_RELASZ, slot, &nth);
	if (!err)
		err = read_symbol(image, nth, &symbol);
	if (err)
		return err;
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE ||
	    ELF64_ST_TYPE(symbol.st_info) != STT_FUNC)
		return -ENOENT;
	*function = symbol.st_value;
	return 0;
}
