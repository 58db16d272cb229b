// SPDX-License-Identifier: GPL-2.0
/*
 * A stub jumps through a slot of the global offset table, and a relocation names the function that
 * the dynamic linker puts there (System V ABI, AMD64 supplement, "Procedure Linkage Table"). So
 * each stub's jump is decoded rather than its number counted: linkers lay out .plt, .plt.sec and
 * .plt.got in different ways. Bytes and relocations are hostile.
 */
#include "plt_symbols.h"

#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"

#define MAX_STUBS (1u << 20)
#define MAX_SLOTS (1u << 20)
#define MAX_NAME_BYTES 4096
/* A stub has 8 bytes or 16. */
#define STEP_BYTES 8
/* jmp *offset(%rip) */
#define JUMP_BYTES 6
/* It begins the stub, or stands behind endbr64, or behind endbr64 and a bnd prefix. */
#define MAX_JUMP_AT 5

struct slot {
	uint64_t vaddr;
	uint32_t name; /* offset in names */
};

struct stub {
	uint64_t vaddr, end;
	uint32_t name;
};

struct plt_symbols {
	struct stub *stubs; /* by address */
	size_t nr_stubs;
	struct slot *slots; /* by address; only while the stubs are read */
	size_t nr_slots;
	char *names; /* a copy of the dynamic string table, ended by an extra NUL */
	size_t names_bytes;
	char shown[MAX_NAME_BYTES + sizeof("@plt")];
};

static bool is_jump_slot(const GElf_Rela *relocation)
{
	return GELF_R_TYPE(relocation->r_info) == R_X86_64_JUMP_SLOT ||
	       GELF_R_TYPE(relocation->r_info) == R_X86_64_GLOB_DAT;
}

static int copy_names(struct plt_symbols *symbols, Elf_Scn *section)
{
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;

	if (symbols->names)
		return 0;
	if (!data || !data->d_buf || data->d_size > UINT32_MAX)
		return -ENOENT;
	symbols->names = malloc(data->d_size + 1);
	if (!symbols->names)
		return -ENOMEM;
	memcpy(symbols->names, data->d_buf, data->d_size);
	symbols->names[data->d_size] = '\0';
	symbols->names_bytes = data->d_size;
	return 0;
}

static int add_slots(struct plt_symbols *symbols, Elf_Data *relocations, Elf_Data *table)
{
	size_t nr = relocations->d_size / sizeof(Elf64_Rela);
	struct slot *slots;

	if (nr > MAX_SLOTS || symbols->nr_slots + nr > MAX_SLOTS)
		return 0;
	slots = realloc(symbols->slots, (symbols->nr_slots + nr + 1) * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	symbols->slots = slots;
	for (size_t i = 0; i < nr; i++) {
		GElf_Rela relocation;
		GElf_Sym symbol;

		if (!gelf_getrela(relocations, (int)i, &relocation) || !is_jump_slot(&relocation) ||
		    !gelf_getsym(table, (int)GELF_R_SYM(relocation.r_info), &symbol) ||
		    symbol.st_name >= symbols->names_bytes || !symbols->names[symbol.st_name])
			continue;
		slots[symbols->nr_slots++] = (struct slot){ relocation.r_offset, symbol.st_name };
	}
	return 0;
}

static int read_slots(struct plt_symbols *symbols, Elf *elf)
{
	Elf_Scn *section = NULL;
	int err = 0;

	while (!err && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header, table_header;
		Elf_Data *relocations, *table;
		Elf_Scn *table_section;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA)
			continue;
		table_section = elf_getscn(elf, header.sh_link);
		if (!table_section || !gelf_getshdr(table_section, &table_header) ||
		    table_header.sh_type != SHT_DYNSYM)
			continue;
		err = copy_names(symbols, elf_getscn(elf, table_header.sh_link));
		relocations = elf_getdata(section, NULL);
		table = elf_getdata(table_section, NULL);
		if (!err && relocations && relocations->d_buf && table)
			err = add_slots(symbols, relocations, table);
	}
	return err ? err : symbols->nr_slots ? 0 : -ENOENT;
}

static int by_slot(const void *a, const void *b)
{
	const struct slot *left = a, *right = b;

	return left->vaddr < right->vaddr ? -1 : left->vaddr > right->vaddr;
}

static int by_stub(const void *a, const void *b)
{
	const struct stub *left = a, *right = b;

	return left->vaddr < right->vaddr ? -1 : left->vaddr > right->vaddr;
}

/* The slot that code at the address jumps through first, or NULL. */
static const struct slot *find_jump(const struct plt_symbols *symbols, const unsigned char *code,
				    size_t nr_bytes, uint64_t vaddr)
{
	for (size_t at = 0; at <= MAX_JUMP_AT && at + JUMP_BYTES <= nr_bytes; at++) {
		struct slot wanted = { 0 };
		int32_t offset;

		if (code[at] != 0xff || code[at + 1] != 0x25)
			continue;
		memcpy(&offset, code + at + 2, sizeof(offset));
		wanted.vaddr = vaddr + at + JUMP_BYTES + (int64_t)offset;
		return bsearch(&wanted, symbols->slots, symbols->nr_slots, sizeof(wanted), by_slot);
	}
	return NULL;
}

static int add_stubs(struct plt_symbols *symbols, Elf_Scn *section)
{
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	size_t stub_bytes, capacity;
	struct stub *stubs;
	GElf_Shdr header;

	if (!data || !data->d_buf || !gelf_getshdr(section, &header) ||
	    !(header.sh_flags & SHF_EXECINSTR) || data->d_size / STEP_BYTES > MAX_STUBS)
		return 0;
	stub_bytes = header.sh_entsize == STEP_BYTES ? STEP_BYTES : 2 * STEP_BYTES;
	capacity = symbols->nr_stubs + data->d_size / stub_bytes;
	stubs = realloc(symbols->stubs, (capacity + 1) * sizeof(*stubs));
	if (!stubs)
		return -ENOMEM;
	symbols->stubs = stubs;
	for (size_t at = 0; at + stub_bytes <= data->d_size; at += stub_bytes) {
		uint64_t vaddr = header.sh_addr + at;
		const struct slot *slot = find_jump(
			symbols, (const unsigned char *)data->d_buf + at, stub_bytes, vaddr);

		if (slot)
			stubs[symbols->nr_stubs++] =
				(struct stub){ vaddr, vaddr + stub_bytes, slot->name };
	}
	return 0;
}

int plt_symbols__read(struct plt_symbols **result, Elf *elf)
{
	static const char *const sections[] = { ".plt", ".plt.sec", ".plt.got" };
	struct plt_symbols *symbols;
	GElf_Ehdr header;
	int err;

	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 ||
	    gelf_getclass(elf) != ELFCLASS64)
		return -ENOENT;
	symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	err = read_slots(symbols, elf);
	if (!err)
		qsort(symbols->slots, symbols->nr_slots, sizeof(*symbols->slots), by_slot);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && !err; i++)
		err = add_stubs(symbols, elf_file__section(elf, sections[i]));
	free(symbols->slots);
	symbols->slots = NULL;
	if (!err && !symbols->nr_stubs)
		err = -ENOENT;
	if (err) {
		plt_symbols__free(symbols);
		return err;
	}
	qsort(symbols->stubs, symbols->nr_stubs, sizeof(*symbols->stubs), by_stub);
	*result = symbols;
	return 0;
}

void plt_symbols__free(struct plt_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->stubs);
	free(symbols->slots);
	free(symbols->names);
	free(symbols);
}

const char *plt_symbols__find(struct plt_symbols *symbols, uint64_t vaddr)
{
	size_t low = 0, high = symbols ? symbols->nr_stubs : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->stubs[middle].vaddr <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || vaddr >= symbols->stubs[low - 1].end)
		return NULL;
	snprintf(symbols->shown, sizeof(symbols->shown), "%.*s@plt", MAX_NAME_BYTES,
		 symbols->names + symbols->stubs[low - 1].name);
	return symbols->shown;
}
