// SPDX-License-Identifier: GPL-2.0
/*
 * An ELF file in, libdw's handle out, for lines.c. libdw unpacks all debug sections at once,
 * however large they claim to be. So they are measured first, in a copy that nobody can change
 * afterwards.
 */
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/counted_heap.h"
#include "elf/debug_file.h"
#include "names/debug_sections.h"
#include "base/memory_share.h"

/*
 * libLLVM has more than 1 GiB of DWARF. A browser has too much: only its symbols are left to name
 * it.
 */
#define MAX_DWARF_BYTES (2ull << 30)
#define MEMORY_PARTS 8
/* Compression makes DWARF three times smaller, tables of addresses perhaps twenty times. */
#define MAX_COMPRESSION 100
/* libdw makes some 60 bytes of each entry of this section, which can be 5 bytes long. */
#define MAX_ABBREVIATIONS_BYTES (64ull << 20)
/* The largest units, of whole linked programs, have some MiB. */
#define MAX_LINE_PROGRAM_BYTES (16ull << 20)
/* libdw keeps a row in a list, in memory to sort that list, and in the table made of it. */
#define LINE_ROW_BYTES 136

bool debug_sections__present(const struct elf_headers *headers)
{
	static const char *const names[] = { ".debug_info", ".zdebug_info" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const Elf64_Shdr *section = elf_headers__section(headers, names[i]);

		if (section && section->sh_type != SHT_NOBITS)
			return true;
	}
	return false;
}

/*
 * Wanted are .debug_…, .zdebug_…, and whatever else libdw may take for such. Locations of
 * variables, indexes and macros are left out: nobody asks for them, and they are a good third of
 * all.
 */
static bool is_wanted(const char *name)
{
	static const char *const unwanted[] = { "_loc",	 "_mac",   "_aranges", "_pub",
						"_gnu_", "_names", "_frame",   "_cu_index" };
	const char *debug = strstr(name, "debug");

	for (size_t i = 0; debug && i < sizeof(unwanted) / sizeof(*unwanted); i++)
		if (!strncmp(debug + strlen("debug"), unwanted[i], strlen(unwanted[i])))
			return false;
	return debug;
}

/* The size of a section when it is unpacked; 0: it is not packed. */
static uint64_t unpacked_bytes(const struct elf_copy *copy, const Elf64_Shdr *section,
			       const char *name)
{
	struct {
		char magic[4];
		uint64_t size_bytes;
	} __attribute__((packed)) old;
	Elf64_Chdr compression;

	if (section->sh_flags & SHF_COMPRESSED)
		return elf_source__read(&copy->source, section->sh_offset, &compression,
					sizeof(compression)) ?
			       UINT64_MAX :
			       compression.ch_size;
	/* GNU's older way to compress. */
	if (strncmp(name, ".zdebug", 7) != 0 || section->sh_size < sizeof(old) ||
	    elf_source__read(&copy->source, section->sh_offset, &old, sizeof(old)) ||
	    memcmp(old.magic, "ZLIB", sizeof(old.magic)) != 0)
		return 0;
	return be64toh(old.size_bytes);
}

static bool is_too_large(const char *name, uint64_t bytes)
{
	return strstr(name, "debug_abbrev") && bytes > MAX_ABBREVIATIONS_BYTES;
}

/* Whether one section alone is too large; the copy bounds their sum. */
static bool has_too_large(const struct elf_headers *headers)
{
	for (size_t i = 1; i < headers->nr_sections; i++)
		if (is_too_large(elf_headers__name(headers, &headers->sections[i]),
				 headers->sections[i].sh_size))
			return true;
	return false;
}

/* Adds up what libdw will unpack. Returns 0 or -EFBIG. */
static int measure(const struct elf_headers *headers, const struct elf_copy *copy,
		   uint64_t max_bytes, uint64_t *bytes)
{
	*bytes = copy->nr_bytes;
	for (size_t i = 1; i < headers->nr_sections; i++) {
		const Elf64_Shdr *section = &headers->sections[i];
		const char *name = elf_headers__name(headers, section);
		uint64_t unpacked;

		if (section->sh_type == SHT_NOBITS || !is_wanted(name))
			continue;
		unpacked = unpacked_bytes(copy, section, name);
		if (unpacked / MAX_COMPRESSION > section->sh_size || is_too_large(name, unpacked) ||
		    unpacked > max_bytes - *bytes)
			return -EFBIG;
		*bytes += unpacked;
	}
	return 0;
}

static int open_dwarf(const struct elf_file *file, struct elf_copy *copy, Dwarf **dwarf,
		      uint64_t *all_bytes)
{
	uint64_t max_bytes = memory_share(MEMORY_PARTS, MAX_DWARF_BYTES), bytes = 0;
	int err;

	if (!debug_sections__present(&file->headers))
		return -ENOENT;
	err = *all_bytes > max_bytes || has_too_large(&file->headers) ? -EFBIG : 0;
	if (!err)
		err = elf_copy__open(copy, &file->headers, is_wanted, max_bytes - *all_bytes);
	if (!err)
		err = measure(&file->headers, copy, max_bytes - *all_bytes, &bytes);
	if (err)
		return err;
	*all_bytes += bytes;
	*dwarf = dwarf_begin_elf(copy->elf, DWARF_C_READ, NULL);
	return *dwarf ? 0 : -EINVAL;
}

/*
 * Opens the file to which dwz moved what several files share. libdw would look for it by itself, by
 * opening whatever path the section names, be it a FIFO; so without the right file there is no
 * DWARF at all.
 */
static int open_alternate(struct debug_sections *sections)
{
	const char *name;
	const void *build_id;
	ssize_t length = dwelf_dwarf_gnu_debugaltlink(sections->dwarf, &name, &build_id);
	int err;

	if (length <= 0)
		return 0;
	err = debug_file__open_alternate(&sections->alternate, &sections->file, name, build_id,
					 length);
	if (!err)
		err = open_dwarf(&sections->alternate, &sections->alternate_copy,
				 &sections->alternate_dwarf, &sections->bytes);
	if (!err && dwelf_dwarf_gnu_debugaltlink(sections->alternate_dwarf, &name, &build_id) > 0)
		err = -EINVAL;
	if (!err)
		dwarf_setalt(sections->dwarf, sections->alternate_dwarf);
	return err;
}

int debug_sections__open(struct debug_sections *sections, struct elf_file *file)
{
	int err;

	*sections = (struct debug_sections){ .file = *file, .alternate = ELF_FILE_CLOSED };
	*file = (struct elf_file)ELF_FILE_CLOSED;
	err = open_dwarf(&sections->file, &sections->copy, &sections->dwarf, &sections->bytes);
	if (!err)
		err = open_alternate(sections);
	if (err)
		debug_sections__close(sections);
	/* All that is needed was copied; an open file would keep its mount busy. */
	elf_file__close_descriptor(&sections->file);
	elf_file__close_descriptor(&sections->alternate);
	return err;
}

void debug_sections__close(struct debug_sections *sections)
{
	dwarf_end(sections->dwarf);
	dwarf_end(sections->alternate_dwarf);
	elf_copy__close(&sections->copy);
	elf_copy__close(&sections->alternate_copy);
	elf_file__close(&sections->file);
	elf_file__close(&sections->alternate);
	sections->dwarf = sections->alternate_dwarf = NULL;
}

/* The length that the line program states: DWARF 5, section 7.4, "32-bit and 64-bit formats". */
static uint64_t line_program_bytes(const Elf_Data *data, uint64_t offset)
{
	const char *bytes = data->d_buf;
	uint64_t length_64;
	uint32_t length;

	if (offset > data->d_size || data->d_size - offset < sizeof(length) + sizeof(length_64))
		return 0;
	memcpy(&length, bytes + offset, sizeof(length));
	if (length != UINT32_MAX)
		return length;
	memcpy(&length_64, bytes + offset + sizeof(length), sizeof(length_64));
	return length_64;
}

/*
 * The most rows that the program can make: special opcodes, copies and ends make one each. "Line
 * Number Program Header", section 6.2.4, says where special opcodes begin.
 */
static uint64_t max_rows(const unsigned char *program, uint64_t nr_bytes)
{
	bool is_64 = nr_bytes > 16 && !memcmp(program, "\377\377\377\377", 4);
	size_t at = is_64 ? 12 : 4;
	uint64_t nr = 0;
	uint16_t version;

	if (nr_bytes < 32)
		return 0;
	memcpy(&version, program + at, sizeof(version));
	at += sizeof(version) + (version >= 5 ? 2 : 0) + (is_64 ? 8 : 4) + (version >= 4 ? 5 : 4);
	for (uint64_t i = at + 1; i < nr_bytes; i++)
		nr += program[i] >= program[at] || program[i] == DW_LNS_copy;
	return nr;
}

bool debug_sections__line_program_fits(const struct debug_sections *sections, Dwarf_Die *unit)
{
	const struct elf_headers *headers = &sections->file.headers;
	const Elf64_Shdr *header = elf_headers__section(headers, ".debug_line");
	Dwarf_Attribute attribute;
	Elf_Data *data = NULL;
	Dwarf_Word offset;
	uint64_t nr_bytes;

	/* libdw renames nothing: a .zdebug_line section keeps its name after it is unpacked. */
	if (!header)
		header = elf_headers__section(headers, ".zdebug_line");
	if (header)
		data = elf_rawdata(
			elf_getscn(sections->copy.elf, (size_t)(header - headers->sections)), NULL);
	if (!data || !data->d_buf ||
	    dwarf_formudata(dwarf_attr(unit, DW_AT_stmt_list, &attribute), &offset))
		return false;
	nr_bytes = line_program_bytes(data, offset);
	if (nr_bytes > MAX_LINE_PROGRAM_BYTES || offset > data->d_size)
		return false;
	if (nr_bytes > data->d_size - offset)
		nr_bytes = data->d_size - offset;
	/*
	 * Ask for room first: rows that libdw has made before it runs out cannot be freed any more.
	 */
	return counted_heap__has_room(
		max_rows((const unsigned char *)data->d_buf + offset, nr_bytes) * LINE_ROW_BYTES);
}
