// SPDX-License-Identifier: GPL-2.0
/*
 * Reads notes (System V gABI, "Note Section") through section headers or, where these are stripped,
 * through program headers. debug_file.c compares build IDs; object_file.c hands them on to reports.
 */
#include "elf/build_id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The build ID is in a section of its own, or in few kilobytes of others (the kernel's .notes). */
#define AREA_BYTES_MAX (64 << 10)
#define AREAS_MAX 256

struct search {
	const struct elf_headers *headers;
	size_t nr_areas;
	unsigned char *id;
	size_t id_bytes;
};

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static void search_notes(struct search *search, const unsigned char *notes, size_t nr_bytes,
			 uint64_t alignment)
{
	Elf64_Nhdr note;
	uint64_t next;

	for (uint64_t at = 0; at < nr_bytes && nr_bytes - at >= sizeof(note); at = next) {
		uint64_t name = at + sizeof(note), bytes;

		memcpy(&note, notes + at, sizeof(note));
		bytes = align_up(name + note.n_namesz, alignment);
		next = align_up(bytes + note.n_descsz, alignment);
		if (bytes > nr_bytes || note.n_descsz > nr_bytes - bytes)
			return;
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(notes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0 ||
		    note.n_descsz < BUILD_ID_MIN_BYTES || note.n_descsz > BUILD_ID_MAX_BYTES)
			continue;
		memcpy(search->id, notes + bytes, note.n_descsz);
		search->id_bytes = note.n_descsz;
		return;
	}
}

static void search_area(struct search *search, uint64_t offset, uint64_t nr_bytes,
			uint64_t alignment)
{
	unsigned char notes[AREA_BYTES_MAX];

	if (search->id_bytes || nr_bytes > sizeof(notes) || search->nr_areas++ >= AREAS_MAX ||
	    elf_source__read(&search->headers->source, offset, notes, nr_bytes))
		return;
	/*
	 * Notes are aligned to 8 bytes only where the header says so; any other value, even 0,
	 * means 4.
	 */
	search_notes(search, notes, nr_bytes, alignment == 8 ? 8 : 4);
}

size_t build_id__read(const struct elf_headers *headers, unsigned char bytes[BUILD_ID_MAX_BYTES])
{
	struct search search = { .headers = headers, .id = bytes };

	for (size_t i = 1; i < headers->nr_sections; i++) {
		const Elf64_Shdr *section = &headers->sections[i];

		if (section->sh_type == SHT_NOTE && !(section->sh_flags & SHF_COMPRESSED))
			search_area(&search, section->sh_offset, section->sh_size,
				    section->sh_addralign);
	}
	for (size_t i = 0; i < headers->nr_segments && !headers->nr_sections; i++) {
		const Elf64_Phdr *segment = &headers->segments[i];

		if (segment->p_type == PT_NOTE)
			search_area(&search, segment->p_offset, segment->p_filesz,
				    segment->p_align);
	}
	return search.id_bytes;
}

void build_id__hex(const unsigned char *bytes, size_t nr_bytes, char hex[BUILD_ID_HEX_SIZE])
{
	*hex = '\0';
	for (size_t i = 0; i < nr_bytes && i < BUILD_ID_MAX_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}
