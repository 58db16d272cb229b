// SPDX-License-Identifier: GPL-2.0
/*
 * A stub jumps through a slot of the global offset table, and a relocation names the function that
 * the dynamic linker puts there (System V ABI, AMD64 supplement, "Procedure Linkage Table"). So
 * each stub's jump is decoded rather than its number counted: linkers lay out .plt, .plt.sec and
 * .plt.got in different ways. Bytes and relocations are hostile.
 */
#include "elf/plt_symbols.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

/* Large libraries have some ten thousand. */
#define MAX_STUBS (1u << 20)
#define MAX_SLOTS (1u << 20)
/* Most relocations are of other kinds: the largest programs have a million. */
#define MAX_RELOCATIONS (4u << 20)
#define RELOCATIONS_AT_ONCE 512
#define MAX_NAMES_BYTES (128u << 20)
#define MAX_NAME_BYTES 4096
/* A stub has 8 bytes or 16. */
#define STEP_BYTES 8
/* jmp *offset(%rip) */
#define JUMP_BYTES 6
/* The jump begins the stub, or follows endbr64, or endbr64 and a bnd prefix. */
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
	size_t nr_slots, slots_room, nr_relocations, nr_asked;
	char *names; /* a copy of the dynamic string table, ended by an extra NUL */
	size_t names_bytes;
	char shown[MAX_NAME_BYTES + sizeof("@plt")];
};

static bool is_jump_slot(const Elf64_Rela *relocation)
{
	return ELF64_R_TYPE(relocation->r_info) == R_X86_64_JUMP_SLOT ||
	       ELF64_R_TYPE(relocation->r_info) == R_X86_64_GLOB_DAT;
}

static int copy_names(struct plt_symbols *symbols, const struct elf_headers *headers,
		      const Elf64_Shdr *section)
{
	int err;

	if (symbols->names)
		return 0;
	if (section->sh_size > MAX_NAMES_BYTES)
		return -EFBIG;
	symbols->names = malloc(section->sh_size + 1);
	if (!symbols->names)
		return -ENOMEM;
	err = elf_source__read(&headers->source, section->sh_offset, symbols->names,
			       section->sh_size);
	symbols->names[section->sh_size] = '\0';
	symbols->names_bytes = err ? 0 : section->sh_size;
	return err;
}

/* The symbol table is not read as a whole: only a few of its symbols are needed. */
static int add_slot(struct plt_symbols *symbols, const struct elf_headers *headers,
		    const Elf64_Shdr *table, const Elf64_Rela *relocation)
{
	uint64_t index = ELF64_R_SYM(relocation->r_info);
	Elf64_Sym symbol;

	if (!is_jump_slot(relocation) || index >= table->sh_size / sizeof(symbol))
		return 0;
	if (symbols->nr_asked++ >= MAX_SLOTS)
		return -EFBIG;
	if (elf_source__read(&headers->source, table->sh_offset + index * sizeof(symbol), &symbol,
			     sizeof(symbol)) ||
	    symbol.st_name >= symbols->names_bytes || !symbols->names[symbol.st_name])
		return 0;
	if (array__reserve(&symbols->slots, &symbols->slots_room, symbols->nr_slots + 1))
		return -ENOMEM;
	symbols->slots[symbols->nr_slots++] = (struct slot){ relocation->r_offset, symbol.st_name };
	return 0;
}

static int add_slots(struct plt_symbols *symbols, const struct elf_headers *headers,
		     const Elf64_Shdr *section, const Elf64_Shdr *table)
{
	uint64_t left = section->sh_size / sizeof(Elf64_Rela), offset = section->sh_offset;
	Elf64_Rela relocations[RELOCATIONS_AT_ONCE];
	int err = 0;

	if (left > MAX_RELOCATIONS - symbols->nr_relocations)
		return -EFBIG;
	symbols->nr_relocations += left;
	while (left && !err) {
		size_t nr = left < RELOCATIONS_AT_ONCE ? left : RELOCATIONS_AT_ONCE;

		err = elf_source__read(&headers->source, offset, relocations,
				       nr * sizeof(*relocations));
		for (size_t i = 0; i < nr && !err; i++)
			err = add_slot(symbols, headers, table, &relocations[i]);
		offset += nr * sizeof(*relocations);
		left -= nr;
	}
	return err;
}

static int read_slots(struct plt_symbols *symbols, const struct elf_headers *headers)
{
	int err = 0;

	for (size_t i = 1; i < headers->nr_sections && !err; i++) {
		const Elf64_Shdr *section = &headers->sections[i], *table, *names;

		if (section->sh_type != SHT_RELA || section->sh_flags & SHF_COMPRESSED)
			continue;
		table = elf_headers__linked(headers, section, SHT_DYNSYM);
		names = table ? elf_headers__linked(headers, table, SHT_STRTAB) : NULL;
		if (!names)
			continue;
		err = copy_names(symbols, headers, names);
		if (!err)
			err = add_slots(symbols, headers, section, table);
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

static int find_stubs(struct plt_symbols *symbols, const Elf64_Shdr *section,
		      const unsigned char *code)
{
	size_t stub_bytes = section->sh_entsize == STEP_BYTES ? STEP_BYTES : 2 * STEP_BYTES;
	size_t capacity = symbols->nr_stubs + section->sh_size / stub_bytes;
	struct stub *stubs = realloc(symbols->stubs, (capacity + 1) * sizeof(*stubs));

	if (!stubs)
		return -ENOMEM;
	symbols->stubs = stubs;
	for (size_t at = 0; at + stub_bytes <= section->sh_size; at += stub_bytes) {
		uint64_t vaddr = section->sh_addr + at;
		const struct slot *slot = find_jump(symbols, code + at, stub_bytes, vaddr);

		if (slot)
			stubs[symbols->nr_stubs++] =
				(struct stub){ vaddr, vaddr + stub_bytes, slot->name };
	}
	return 0;
}

static int add_stubs(struct plt_symbols *symbols, const struct elf_headers *headers,
		     const char *name)
{
	const Elf64_Shdr *section = elf_headers__section(headers, name);
	unsigned char *code;
	int err;

	if (!section || section->sh_type == SHT_NOBITS || !(section->sh_flags & SHF_EXECINSTR) ||
	    section->sh_flags & SHF_COMPRESSED)
		return 0;
	if (section->sh_size / STEP_BYTES > MAX_STUBS)
		return -EFBIG;
	code = malloc(section->sh_size + 1);
	if (!code)
		return -ENOMEM;
	err = elf_source__read(&headers->source, section->sh_offset, code, section->sh_size);
	if (!err)
		err = find_stubs(symbols, section, code);
	free(code);
	return err;
}

int plt_symbols__read(struct plt_symbols **result, const struct elf_headers *headers)
{
	static const char *const sections[] = { ".plt", ".plt.sec", ".plt.got" };
	struct plt_symbols *symbols;
	int err;

	if (headers->file.e_machine != EM_X86_64)
		return -ENOENT;
	symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	err = read_slots(symbols, headers);
	if (!err)
		qsort(symbols->slots, symbols->nr_slots, sizeof(*symbols->slots), by_slot);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && !err; i++)
		err = add_stubs(symbols, headers, sections[i]);
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
	size_t nr = search__nr_before(symbols ? symbols->nr_stubs : 0, at,
				      symbols->stubs[at].vaddr <= vaddr);

	if (!nr || vaddr >= symbols->stubs[nr - 1].end)
		return NULL;
	snprintf(symbols->shown, sizeof(symbols->shown), "%.*s@plt", MAX_NAME_BYTES,
		 symbols->names + symbols->stubs[nr - 1].name);
	return symbols->shown;
}
