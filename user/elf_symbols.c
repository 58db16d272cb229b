// SPDX-License-Identifier: GPL-2.0
/*
 * One ELF symbol table in, a sorted array of functions out. Of the names that share an address the
 * one is shown that a person would use: malloc rather than __libc_malloc.
 */
#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"

#define MAX_SYMBOLS 10000000
#define MAX_NAMES_BYTES (512u << 20)
#define MAX_SECTIONS (1u << 20)
#define MAX_NAME_BYTES 4096 /* of which a look-up takes notice */
/* How many symbols before the nearest one are asked whether they cover the address. */
#define MAX_STEPS_BACK 64

struct symbol {
	uint64_t start;
	uint64_t size_bytes; /* unsized: up to the end of the section */
	uint32_t name; /* offset in names */
	uint8_t underscores; /* before the name */
	bool unsized; /* of unknown size: a label in assembly code */
	bool local;
	bool weak;
};

struct elf_symbols {
	struct symbol *table;
	size_t nr;
	char *names; /* a copy of the string table, ended by an extra NUL */
};

/* What is needed while a table is read. */
struct reader {
	Elf *elf;
	Elf_Data *data; /* of the symbol table */
	size_t nr;
	size_t names_bytes;
	uint64_t *text_end; /* for each section: where it ends if it holds code, else 0 */
	size_t nr_sections;
};

static int find_text_sections(struct reader *reader)
{
	Elf_Scn *section = NULL;
	size_t nr;

	if (elf_getshdrnum(reader->elf, &nr) || !nr || nr > MAX_SECTIONS)
		return -ENOENT;
	reader->text_end = calloc(nr, sizeof(*reader->text_end));
	if (!reader->text_end)
		return -ENOMEM;
	reader->nr_sections = nr;
	while ((section = elf_nextscn(reader->elf, section))) {
		size_t index = elf_ndxscn(section);
		GElf_Shdr header;

		if (index < nr && gelf_getshdr(section, &header) &&
		    header.sh_flags & SHF_EXECINSTR &&
		    header.sh_addr + header.sh_size > header.sh_addr)
			reader->text_end[index] = header.sh_addr + header.sh_size;
	}
	return 0;
}

static int find_table(struct reader *reader, uint32_t section_type, struct elf_symbols *symbols)
{
	GElf_Shdr header, names_header;
	Elf_Scn *section = NULL;
	Elf_Data *names;

	while ((section = elf_nextscn(reader->elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == section_type)
			break;
	}
	if (!section || header.sh_entsize == 0 || header.sh_flags & SHF_COMPRESSED ||
	    header.sh_size / header.sh_entsize > MAX_SYMBOLS)
		return -ENOENT;
	reader->data = elf_getdata(section, NULL);
	reader->nr = header.sh_size / header.sh_entsize;

	section = elf_getscn(reader->elf, header.sh_link);
	if (!reader->data || !reader->data->d_buf || !section ||
	    !gelf_getshdr(section, &names_header) || names_header.sh_type != SHT_STRTAB ||
	    names_header.sh_flags & SHF_COMPRESSED || names_header.sh_size > MAX_NAMES_BYTES)
		return -ENOENT;
	names = elf_getdata(section, NULL);
	if (!names || !names->d_buf || !names->d_size)
		return -ENOENT;
	symbols->names = malloc(names->d_size + 1);
	if (!symbols->names)
		return -ENOMEM;
	memcpy(symbols->names, names->d_buf, names->d_size);
	symbols->names[names->d_size] = '\0';
	reader->names_bytes = names->d_size;
	return 0;
}

/* Whether a symbol names code; if so, fills *symbol. */
static bool read_symbol(const struct reader *reader, int index, const char *names,
			struct symbol *symbol)
{
	uint64_t text_end;
	const char *name;
	GElf_Sym raw;

	if (!gelf_getsym(reader->data, index, &raw) || raw.st_shndx == SHN_UNDEF ||
	    raw.st_shndx >= reader->nr_sections || raw.st_name >= reader->names_bytes)
		return false;
	text_end = reader->text_end[raw.st_shndx];
	if (raw.st_value >= text_end)
		return false;
	switch (GELF_ST_TYPE(raw.st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
	case STT_NOTYPE:
		break;
	default:
		return false;
	}
	name = names + raw.st_name;
	/* $x and such tell code from data on ARM; they name nothing. */
	if (!*name || *name == '$')
		return false;

	*symbol = (struct symbol){
		.start = raw.st_value,
		.size_bytes = raw.st_size ? raw.st_size : text_end - raw.st_value,
		.name = raw.st_name,
		.unsized = !raw.st_size,
		.local = GELF_ST_BIND(raw.st_info) == STB_LOCAL,
		.weak = GELF_ST_BIND(raw.st_info) == STB_WEAK,
	};
	while (symbol->underscores < UINT8_MAX && name[symbol->underscores] == '_')
		symbol->underscores++;
	/* The underscore of a mangled name is not its author's. */
	if (symbol->underscores == 1 && (name[1] == 'Z' || name[1] == 'R'))
		symbol->underscores = 0;
	return true;
}

/*
 * By address; of those at one address the best comes last, where the search begins. The public
 * names of libc's functions are often weak aliases (puts of _IO_puts), so underscores count before
 * weakness, but a local alias such as __GI___libc_malloc never wins.
 */
static int compare_symbols(const void *left, const void *right, void *context)
{
	const struct symbol *a = left, *b = right;
	const char *names = context;
	size_t a_length, b_length;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->unsized != b->unsized)
		return a->unsized ? -1 : 1;
	if (a->local != b->local)
		return a->local ? -1 : 1;
	if (a->underscores != b->underscores)
		return a->underscores > b->underscores ? -1 : 1;
	if (a->weak != b->weak)
		return a->weak ? -1 : 1;
	a_length = strnlen(names + a->name, 256);
	b_length = strnlen(names + b->name, 256);
	if (a_length != b_length)
		return a_length > b_length ? -1 : 1;
	return strncmp(names + b->name, names + a->name, 256);
}

static int fill(struct elf_symbols *symbols, const struct reader *reader)
{
	struct symbol *trimmed;

	symbols->table = malloc(reader->nr * sizeof(*symbols->table) + 1);
	if (!symbols->table)
		return -ENOMEM;
	for (size_t i = 0; i < reader->nr; i++) {
		if (read_symbol(reader, i, symbols->names, &symbols->table[symbols->nr]))
			symbols->nr++;
	}
	if (!symbols->nr)
		return -ENOENT;
	/* Many symbols name data: what they took is given back, as far as that is possible. */
	trimmed = realloc(symbols->table, symbols->nr * sizeof(*symbols->table));
	if (trimmed)
		symbols->table = trimmed;
	qsort_r(symbols->table, symbols->nr, sizeof(*symbols->table), compare_symbols,
		symbols->names);
	return 0;
}

int elf_symbols__read(struct elf_symbols **result, Elf *elf, uint32_t section_type)
{
	struct elf_symbols *symbols = calloc(1, sizeof(*symbols));
	struct reader reader = { .elf = elf };
	int err = -ENOMEM;

	if (!symbols)
		return -ENOMEM;
	err = find_text_sections(&reader);
	if (!err)
		err = find_table(&reader, section_type, symbols);
	if (!err)
		err = fill(symbols, &reader);
	free(reader.text_end);
	if (err)
		elf_symbols__free(symbols);
	else
		*result = symbols;
	return err;
}

void elf_symbols__free(struct elf_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->table);
	free(symbols->names);
	free(symbols);
}

/*
 * Cuts memcpy@@GLIBC_2.14 in our copy. Not done for the whole table: a hostile one can let each of
 * ten million symbols share one endless name.
 */
static const char *name_without_version(const struct elf_symbols *symbols,
					const struct symbol *symbol)
{
	char *name = symbols->names + symbol->name;
	char *version = memchr(name + 1, '@', strnlen(name + 1, MAX_NAME_BYTES));

	if (version)
		*version = '\0';
	return name;
}

/* How many symbols begin at the address or before. */
static size_t nr_up_to(const struct elf_symbols *symbols, uint64_t vaddr)
{
	size_t low = 0, high = symbols ? symbols->nr : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->table[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct symbol *find_symbol(const struct elf_symbols *symbols, uint64_t vaddr)
{
	size_t nr = nr_up_to(symbols, vaddr);
	const struct symbol *label = NULL;

	/* A function may begin inside another; the innermost that covers the address wins. */
	for (size_t step = 0; step < MAX_STEPS_BACK && step < nr; step++) {
		const struct symbol *symbol = &symbols->table[nr - 1 - step];

		if (vaddr - symbol->start >= symbol->size_bytes)
			continue;
		if (!symbol->unsized)
			return symbol;
		/* A label reaches to the next symbol, so only the nearest can be meant. */
		if (!step)
			label = symbol;
	}
	return label;
}

/* Whether a label of one table ends before the address, since another table has a symbol between. */
static bool is_cut_off(const struct symbol *label, const struct elf_symbols *other, uint64_t vaddr)
{
	size_t nr = nr_up_to(other, vaddr);

	return nr && other->table[nr - 1].start > label->start;
}

const char *elf_symbols__find(const struct elf_symbols *first, const struct elf_symbols *second,
			      uint64_t vaddr)
{
	const struct symbol *in_first = find_symbol(first, vaddr);
	const struct symbol *in_second = find_symbol(second, vaddr);

	if (in_first && !in_first->unsized)
		return name_without_version(first, in_first);
	if (in_second && !in_second->unsized)
		return name_without_version(second, in_second);
	if (in_first && !is_cut_off(in_first, second, vaddr))
		return name_without_version(first, in_first);
	if (in_second && !is_cut_off(in_second, first, vaddr))
		return name_without_version(second, in_second);
	return NULL;
}
