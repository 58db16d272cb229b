// SPDX-License-Identifier: GPL-2.0
/*
 * An ELF file in, libdw's handle out, for the room that finds lines. libdw reads and decompresses
 * all debug sections at once, however large they claim to be, so they are measured before.
 */
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#include "debug_file.h"
#include "debug_sections.h"

#define MAX_DWARF_BYTES (2ull << 30)
/* libdw makes some 60 bytes of each entry of this section, which can be 5 bytes long. */
#define MAX_ABBREVIATIONS_BYTES (64ull << 20)
/* A row takes libdw about 40 bytes. The largest units, of whole linked programs, have some MiB. */
#define MAX_LINE_PROGRAM_BYTES (16ull << 20)

bool debug_sections__present(Elf *elf)
{
	static const char *const names[] = { ".debug_info", ".zdebug_info" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		Elf_Scn *section = elf_file__section(elf, names[i]);
		GElf_Shdr header;

		if (section && gelf_getshdr(section, &header) && header.sh_type != SHT_NOBITS)
			return true;
	}
	return false;
}

/* The size of a section when it is uncompressed. */
static uint64_t section_bytes(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, const char *name)
{
	struct {
		char magic[4];
		uint64_t size_bytes;
	} __attribute__((packed)) old;
	GElf_Chdr compression;
	Elf_Data *data;

	if (header->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(section, &compression) ? compression.ch_size : UINT64_MAX;
	/* GNU's older way to compress. */
	if (strncmp(name, ".zdebug", 7))
		return header->sh_size;
	data = elf_getdata_rawchunk(elf, header->sh_offset, sizeof(old), ELF_T_BYTE);
	if (!data || !data->d_buf || data->d_size < sizeof(old))
		return header->sh_size;
	memcpy(&old, data->d_buf, sizeof(old));
	return memcmp(old.magic, "ZLIB", 4) ? header->sh_size : be64toh(old.size_bytes);
}

static uint64_t max_dwarf_bytes(void)
{
	uint64_t eighth = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 8;

	return eighth < MAX_DWARF_BYTES ? eighth : MAX_DWARF_BYTES;
}

/* Adds up the debug sections. Returns 0 or -EFBIG. */
static int measure(Elf *elf, uint64_t *bytes)
{
	uint64_t max_bytes = max_dwarf_bytes();
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return -EINVAL;
	while ((section = elf_nextscn(elf, section))) {
		const char *name;
		GElf_Shdr header;
		uint64_t size;

		if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		/* .debug_…, .zdebug_…, and whatever else libdw may take for such. */
		if (!name || !strstr(name, "debug"))
			continue;
		size = section_bytes(elf, section, &header, name);
		if (size > max_bytes || *bytes + size > max_bytes ||
		    (strstr(name, "debug_abbrev") && size > MAX_ABBREVIATIONS_BYTES))
			return -EFBIG;
		*bytes += size;
	}
	return 0;
}

static int open_dwarf(struct debug_sections *sections, const struct elf_file *file, Dwarf **dwarf)
{
	int err;

	if (!debug_sections__present(file->elf))
		return -ENOENT;
	err = measure(file->elf, &sections->bytes);
	if (err)
		return err;
	*dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	return *dwarf ? 0 : -EINVAL;
}

/*
 * What dwz shares between files. libdw would look for it by itself, by opening whatever the
 * section names, be it a FIFO; so without the right file there is no DWARF at all.
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
		err = open_dwarf(sections, &sections->alternate, &sections->alternate_dwarf);
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
	err = open_dwarf(sections, &sections->file, &sections->dwarf);
	if (!err)
		err = open_alternate(sections);
	if (err)
		debug_sections__close(sections);
	return err;
}

void debug_sections__close(struct debug_sections *sections)
{
	dwarf_end(sections->dwarf);
	dwarf_end(sections->alternate_dwarf);
	elf_file__close(&sections->file);
	elf_file__close(&sections->alternate);
	sections->dwarf = sections->alternate_dwarf = NULL;
}

/* How long the line program says it is: DWARF 5, section 7.4, "32-bit and 64-bit formats". */
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

bool debug_sections__line_program_fits(const struct debug_sections *sections, Dwarf_Die *unit)
{
	Elf_Scn *section = elf_file__section(sections->file.elf, ".debug_line");
	Dwarf_Attribute attribute;
	Elf_Data *data;
	Dwarf_Word offset;

	/* libdw renames nothing: what was .zdebug_line keeps that name, now uncompressed. */
	if (!section)
		section = elf_file__section(sections->file.elf, ".zdebug_line");
	data = section ? elf_rawdata(section, NULL) : NULL;
	if (!data || !data->d_buf ||
	    dwarf_formudata(dwarf_attr(unit, DW_AT_stmt_list, &attribute), &offset))
		return false;
	return line_program_bytes(data, offset) <= MAX_LINE_PROGRAM_BYTES;
}
