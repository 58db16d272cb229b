// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a sorted array of functions from one ELF symbol table. When several names share an address,
 * the one is shown that a person would use: malloc rather than __libc_malloc.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf_symbols.h"
#include "base/memory_share.h"
#include "base/search.h"

/*
 * The most memory for the names and our table. A browser built for debugging has some hundred MiB.
 */
#define MAX_BYTES (1ull << 30)
#define MEMORY_PARTS 16
#define SYMBOLS_AT_ONCE 512
/* How many symbols, from the nearest backwards, are checked for covering the address. */
#define MAX_STEPS_BACK 64
#define MAX_UNDERSCORES 16
#define COMPARED_BYTES 256

struct symbol {
	uint64_t start;
	uint64_t size_bytes; /* if unsized: up to the end of the section */
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

/* State that is needed only while a table is read. */
struct reader {
	const struct elf_headers *headers;
	const Elf64_Shdr *section, *names;
	size_t nr;
};

/* The end of the section if it holds code, else 0. */
static uint64_t text_end(const struct elf_headers *headers, size_t index)
{
	const Elf64_Shdr *section;

	if (index == SHN_UNDEF || index >= headers->nr_sections)
		return 0;
	section = &headers->sections[index];
	if (!(section->sh_flags & SHF_EXECINSTR) ||
	    section->sh_addr + section->sh_size < section->sh_addr)
		return 0;
	return section->sh_addr + section->sh_size;
}

static int find_table(struct reader *reader, uint32_t section_type)
{
	const struct elf_headers *headers = reader->headers;
	const Elf64_Shdr *section = elf_headers__section_of_type(headers, section_type);
	uint64_t max_bytes = memory_share(MEMORY_PARTS, MAX_BYTES);

	if (!section || section->sh_flags & SHF_COMPRESSED)
		return -ENOENT;
	reader->section = section;
	reader->names = elf_headers__linked(headers, section, SHT_STRTAB);
	reader->nr = section->sh_size / sizeof(Elf64_Sym);
	if (!reader->names || !reader->names->sh_size || !reader->nr)
		return -ENOENT;
	if (reader->names->sh_size > max_bytes ||
	    reader->nr > (max_bytes - reader->names->sh_size) / sizeof(struct symbol))
		return -EFBIG;
	return 0;
}

static int read_names(const struct reader *reader, struct elf_symbols *symbols)
{
	const struct elf_source *source = &reader->headers->source;
	size_t nr_bytes = reader->names->sh_size;

	if (elf_source__has_holes(source, reader->names->sh_offset, nr_bytes))
		return -EBADMSG;
	symbols->names = malloc(nr_bytes + 1);
	if (!symbols->names)
		return -ENOMEM;
	symbols->names[nr_bytes] = '\0';
	return elf_source__read(source, reader->names->sh_offset, symbols->names, nr_bytes);
}

/* Whether a symbol names code; if so, fills *symbol. */
static bool read_symbol(const struct reader *reader, const Elf64_Sym *raw, const char *names,
			struct symbol *symbol)
{
	uint64_t end = text_end(reader->headers, raw->st_shndx);
	const char *name;

	if (raw->st_name >= reader->names->sh_size || raw->st_value >= end)
		return false;
	switch (ELF64_ST_TYPE(raw->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
	case STT_NOTYPE:
		break;
	default:
		return false;
	}
	name = names + raw->st_name;
	/* $x and the like tell code from data on ARM; they name nothing. */
	if (!*name || *name == '$')
		return false;

	*symbol = (struct symbol){
		.start = raw->st_value,
		.size_bytes = raw->st_size ? raw->st_size : end - raw->st_value,
		.name = raw->st_name,
		.unsized = !raw->st_size,
		.local = ELF64_ST_BIND(raw->st_info) == STB_LOCAL,
		.weak = ELF64_ST_BIND(raw->st_info) == STB_WEAK,
	};
	while (symbol->underscores < MAX_UNDERSCORES && name[symbol->underscores] == '_')
		symbol->underscores++;
	/* The underscore of a mangled name is not its author's. */
	if (symbol->underscores == 1 && (name[1] == 'Z' || name[1] == 'R'))
		symbol->underscores = 0;
	return true;
}

/*
 * Orders by address and, at one address, the best last, where the search begins. The public names
 * of libc's functions are often weak aliases (puts of _IO_puts), so underscores count before
 * weakness, but a local alias such as __GI___libc_malloc never wins.
 */
static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

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
	/* Names are compared only at a look-up: comparing hostile ones here would take minutes. */
	return 0;
}

/*
 * Between symbols that differ in their names alone, the shorter name is better, then the first by
 * letters.
 */
static bool has_better_name(const char *names, const struct symbol *a, const struct symbol *b)
{
	size_t a_length = strnlen(names + a->name, COMPARED_BYTES);
	size_t b_length = strnlen(names + b->name, COMPARED_BYTES);

	if (a_length != b_length)
		return a_length < b_length;
	return strncmp(names + a->name, names + b->name, COMPARED_BYTES) < 0;
}

static const struct symbol *best_name(const struct elf_symbols *symbols, size_t at)
{
	const struct symbol *best = &symbols->table[at];

	for (size_t step = 1; step < MAX_STEPS_BACK && step <= at; step++) {
		const struct symbol *symbol = &symbols->table[at - step];

		if (compare_symbols(symbol, best))
			break;
		if (has_better_name(symbols->names, symbol, best))
			best = symbol;
	}
	return best;
}

static int read_table(struct elf_symbols *symbols, const struct reader *reader)
{
	uint64_t offset = reader->section->sh_offset;
	Elf64_Sym raw[SYMBOLS_AT_ONCE];
	int err = 0;

	for (size_t first = 0; first < reader->nr && !err; first += SYMBOLS_AT_ONCE) {
		size_t nr = reader->nr - first < SYMBOLS_AT_ONCE ? reader->nr - first :
								   SYMBOLS_AT_ONCE;

		err = elf_source__read(&reader->headers->source, offset + first * sizeof(*raw), raw,
				       nr * sizeof(*raw));
		for (size_t i = 0; i < nr && !err; i++)
			symbols->nr += read_symbol(reader, &raw[i], symbols->names,
						   &symbols->table[symbols->nr]);
	}
	return err;
}

static int fill(struct elf_symbols *symbols, const struct reader *reader)
{
	struct symbol *trimmed;
	int err = read_names(reader, symbols);

	if (err)
		return err;
	symbols->table = malloc(reader->nr * sizeof(*symbols->table));
	if (!symbols->table)
		return -ENOMEM;
	err = read_table(symbols, reader);
	if (!err && !symbols->nr)
		err = -ENOENT;
	if (err)
		return err;
	/* Many symbols name data: give back the memory reserved for them, if possible. */
	trimmed = realloc(symbols->table, symbols->nr * sizeof(*symbols->table));
	if (trimmed)
		symbols->table = trimmed;
	qsort(symbols->table, symbols->nr, sizeof(*symbols->table), compare_symbols);
	return 0;
}

int elf_symbols__read(struct elf_symbols **result, const struct elf_headers *headers,
		      uint32_t section_type)
{
	struct reader reader = { .headers = headers };
	struct elf_symbols *symbols;
	int err = find_table(&reader, section_type);

	if (err)
		return err;
	symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	err = fill(symbols, &reader);
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

/* How many symbols begin at the address or before it. */
static size_t nr_up_to(const struct elf_symbols *symbols, uint64_t vaddr)
{
	return search__nr_before(symbols ? symbols->nr : 0, at, symbols->table[at].start <= vaddr);
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
			return best_name(symbols, nr - 1 - step);
		/*
		 * A label reaches up to the next symbol, so only the nearest one can cover the
		 * address.
		 */
		if (!step)
			label = best_name(symbols, nr - 1);
	}
	return label;
}

/*
 * Whether a label of one table ends before the address, since another table has a symbol in
 * between.
 */
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
		return first->names + in_first->name;
	if (in_second && !in_second->unsized)
		return second->names + in_second->name;
	if (in_first && !is_cut_off(in_first, second, vaddr))
		return first->names + in_first->name;
	if (in_second && !is_cut_off(in_second, first, vaddr))
		return second->names + in_second->name;
	return NULL;
}
