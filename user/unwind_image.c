// SPDX-License-Identifier: GPL-2.0
/*
 * Headers are read here by hand (System V gABI, "Program Header", "Sections") rather than through
 * libelf, which allocates for as many sections as a sparse file may claim to have. Section headers,
 * which strip may remove, are believed only as far as they make sense; without them the program
 * header PT_GNU_EH_FRAME leads to .eh_frame (Linux Standard Base, Core, ".eh_frame_hdr").
 */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dwarf.h>

#include "encoded_pointer.h"
#include "unwind_image.h"

/* Far above what linkers make; below what would hurt. */
#define PROGRAM_HEADERS_MAX 4096
#define SECTIONS_MAX (64 << 10)
#define NAME_BYTES 16 /* longer than the names that are looked for */

#ifndef SHT_X86_64_UNWIND
#define SHT_X86_64_UNWIND 0x70000001
#endif

static int read_file(const struct unwind_source *source, uint64_t offset, char *to, size_t nr_bytes)
{
	while (nr_bytes) {
		ssize_t got = pread(source->fd, to, nr_bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got) /* truncated since we looked */
			return -EBADMSG;
		to += got;
		offset += (uint64_t)got;
		nr_bytes -= (size_t)got;
	}
	return 0;
}

int unwind_image__read(const struct unwind_source *source, uint64_t offset, void *buffer,
		       size_t nr_bytes)
{
	if (offset > source->nr_bytes || nr_bytes > source->nr_bytes - offset)
		return -EBADMSG;
	if (!source->bytes)
		return read_file(source, offset, buffer, nr_bytes);
	memcpy(buffer, (const char *)source->bytes + offset, nr_bytes);
	return 0;
}

/* A table of the file, owned. */
static int read_table(const struct unwind_source *source, uint64_t offset, size_t nr,
		      size_t element_bytes, void **table)
{
	int err;

	*table = calloc(nr ? nr : 1, element_bytes);
	if (!*table)
		return -ENOMEM;
	err = unwind_image__read(source, offset, *table, nr * element_bytes);
	if (err) {
		free(*table);
		*table = NULL;
	}
	return err;
}

static int read_header(const struct unwind_source *source, Elf64_Ehdr *header)
{
	int err = unwind_image__read(source, 0, header, sizeof(*header));

	if (err)
		return err == -EBADMSG ? -ENOEXEC : err;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64 ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN))
		return -ENOEXEC;
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > PROGRAM_HEADERS_MAX)
		return -EBADMSG;
	return 0;
}

static int compare_segments(const void *a, const void *b)
{
	const struct unwind_segment *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static bool share_addresses(const struct unwind_segment *a, const struct unwind_segment *b)
{
	return a->address < b->address ? b->address - a->address < a->nr_bytes :
					 a->address - b->address < b->nr_bytes;
}

/*
 * A loader maps PT_LOADs in ascending order of their addresses, which gABI demands, and linkers let
 * none overlap. One that overlaps is left out: so each address has one place in the file and each
 * place one address.
 */
static void separate_segments(struct unwind_image *image)
{
	const struct unwind_segment *last = NULL;
	struct unwind_segment *segments = image->segments;
	size_t nr = 0;

	for (size_t i = 0; i < image->nr_segments; i++) {
		if (last &&
		    (segments[i].address < last->address || share_addresses(&segments[i], last)))
			continue;
		segments[nr] = segments[i];
		last = &segments[nr++];
	}
	qsort(segments, nr, sizeof(*segments), compare_segments);
	image->nr_segments = 0;
	for (size_t i = 0; i < nr; i++) {
		last = image->nr_segments ? &segments[image->nr_segments - 1] : NULL;
		if (!last || segments[i].offset - last->offset >= last->nr_bytes)
			segments[image->nr_segments++] = segments[i];
	}
}

static int find_segments(struct unwind_image *image, const Elf64_Phdr *headers, size_t nr)
{
	image->segments = calloc(nr ? nr : 1, sizeof(*image->segments));
	if (!image->segments)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const Elf64_Phdr *header = &headers[i];
		uint64_t end;

		if (header->p_type != PT_LOAD || !(header->p_flags & PF_X) || !header->p_filesz ||
		    __builtin_add_overflow(header->p_vaddr, header->p_filesz, &end) ||
		    __builtin_add_overflow(header->p_offset, header->p_filesz, &end))
			continue;
		image->segments[image->nr_segments++] = (struct unwind_segment){
			.address = header->p_vaddr,
			.offset = header->p_offset,
			.nr_bytes = header->p_filesz,
		};
	}
	separate_segments(image);
	return 0;
}

/* Where the file has the bytes from that address on, and how many. */
static bool find_address(const Elf64_Phdr *headers, size_t nr, uint64_t address, uint64_t *offset,
			 uint64_t *nr_bytes)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t into = address - headers[i].p_vaddr;

		if (headers[i].p_type != PT_LOAD || address < headers[i].p_vaddr ||
		    into >= headers[i].p_filesz)
			continue;
		*nr_bytes = headers[i].p_filesz - into;
		return !__builtin_add_overflow(headers[i].p_offset, into, offset);
	}
	return false;
}

static uint64_t within_source(const struct unwind_source *source, uint64_t offset,
			      uint64_t nr_bytes)
{
	uint64_t left = offset < source->nr_bytes ? source->nr_bytes - offset : 0;

	return nr_bytes < left ? nr_bytes : left;
}

/*
 * .eh_frame_hdr is a version, three encodings and the address of .eh_frame. How long that is, only
 * its terminator tells.
 */
static int follow_eh_frame_header(const struct unwind_source *source, struct unwind_image *image,
				  const Elf64_Phdr *headers, size_t nr, const Elf64_Phdr *own)
{
	struct {
		uint8_t version, address_encoding, count_encoding, table_encoding;
		uint8_t address[16];
	} header = { 0 };
	size_t nr_bytes = own->p_filesz < sizeof(header) ? own->p_filesz : sizeof(header);
	const struct pointer_bases bases = {
		.begin = (const uint8_t *)&header,
		.address = own->p_vaddr,
		.data = own->p_vaddr,
	};
	struct byte_cursor cursor = { .at = header.address, .end = bases.begin + nr_bytes };
	int err;

	if (nr_bytes < 4)
		return -EBADMSG;
	err = unwind_image__read(source, own->p_offset, &header, nr_bytes);
	if (err)
		return err;
	image->eh_frame_address = encoded_pointer__read(&cursor, header.address_encoding, &bases);
	if (header.version != 1 || cursor.failed)
		return -EBADMSG;
	if (!find_address(headers, nr, image->eh_frame_address, &image->eh_frame_offset,
			  &image->eh_frame_bytes))
		return -EBADMSG;
	image->eh_frame_bytes =
		within_source(source, image->eh_frame_offset, image->eh_frame_bytes);
	image->eh_frame_unbounded = true;
	return 0;
}

static int find_eh_frame(const struct unwind_source *source, struct unwind_image *image,
			 const Elf64_Phdr *headers, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (headers[i].p_type == PT_GNU_EH_FRAME)
			return follow_eh_frame_header(source, image, headers, nr, &headers[i]);
	return 0;
}

static bool has_interpreter(const Elf64_Phdr *headers, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (headers[i].p_type == PT_INTERP)
			return true;
	return false;
}

/* Whether code handles the stack pointer or clears the frame pointer, as a process's first must. */
static bool begins_process(const struct unwind_source *source, const struct unwind_image *image)
{
	static const char endbr64[] = "\xf3\x0f\x1e\xfa";
	static const char *const forms[] = {
		"\x31\xed", /* xor %ebp, %ebp */
		"\x48\x31\xed", /* xor %rbp, %rbp */
		"\x48\x89\xe7", /* mov %rsp, %rdi */
	};
	char code[8] = { 0 }, *at = code;

	for (size_t i = 0; i < image->nr_segments; i++) {
		const struct unwind_segment *segment = &image->segments[i];
		uint64_t into = image->entry - segment->address;

		if (image->entry < segment->address || into >= segment->nr_bytes)
			continue;
		if (unwind_image__read(source, segment->offset + into, code, sizeof(code)))
			return false;
	}
	if (!memcmp(at, endbr64, strlen(endbr64)))
		at += strlen(endbr64);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!memcmp(at, forms[i], strlen(forms[i])))
			return true;
	return false;
}

/* In a library it means nothing: older linkers put the beginning of .text there. But ld.so is one. */
static void find_entry(const struct unwind_source *source, struct unwind_image *image,
		       const Elf64_Ehdr *header, const Elf64_Phdr *headers)
{
	image->entry = header->e_entry;
	if (header->e_type != ET_EXEC && !has_interpreter(headers, header->e_phnum) &&
	    !begins_process(source, image))
		image->entry = 0;
}

static void add_stubs(struct unwind_image *image, const Elf64_Shdr *section, bool lazy)
{
	uint64_t end;

	if (image->nr_stubs == UNWIND_STUBS_MAX || !section->sh_size ||
	    __builtin_add_overflow(section->sh_addr, section->sh_size, &end))
		return;
	image->stubs[image->nr_stubs++] = (struct unwind_stubs){
		.begin = section->sh_addr,
		.end = end,
		.offset = section->sh_offset,
		.lazy = lazy,
	};
}

/* Returns -ENOTSUP when it is compressed. Damaged, it counts as not there. */
static int take_eh_frame(const struct unwind_source *source, struct unwind_image *image,
			 const Elf64_Shdr *section)
{
	if (section->sh_flags & SHF_COMPRESSED)
		return -ENOTSUP;
	if (image->eh_frame_bytes ||
	    within_source(source, section->sh_offset, section->sh_size) != section->sh_size)
		return 0;
	image->eh_frame_address = section->sh_addr;
	image->eh_frame_offset = section->sh_offset;
	image->eh_frame_bytes = section->sh_size;
	return 0;
}

static int take_section(const struct unwind_source *source, struct unwind_image *image,
			const Elf64_Shdr *section, const char *name)
{
	if (!strcmp(name, ".eh_frame"))
		return take_eh_frame(source, image, section);
	if (!strcmp(name, ".got.plt") || (!strcmp(name, ".got") && !image->got_address))
		image->got_address = section->sh_addr;
	if (!(section->sh_flags & SHF_EXECINSTR))
		return 0;
	if (!strcmp(name, ".plt"))
		add_stubs(image, section, true);
	else if (!strcmp(name, ".plt.sec") || !strcmp(name, ".plt.got") ||
		 !strcmp(name, ".plt.bnd"))
		add_stubs(image, section, false);
	return 0;
}

/* A name, cut to what the buffer holds; empty when it is not in the file. */
static void read_name(const struct unwind_source *source, const Elf64_Shdr *names, uint32_t at,
		      char name[NAME_BYTES])
{
	uint64_t offset, nr_bytes;

	memset(name, 0, NAME_BYTES);
	if (at >= names->sh_size || __builtin_add_overflow(names->sh_offset, at, &offset))
		return;
	nr_bytes = names->sh_size - at;
	nr_bytes = within_source(source, offset,
				 nr_bytes < NAME_BYTES - 1 ? nr_bytes : NAME_BYTES - 1);
	if (unwind_image__read(source, offset, name, nr_bytes))
		name[0] = '\0';
}

static int take_sections(const struct unwind_source *source, struct unwind_image *image,
			 const Elf64_Shdr *sections, size_t nr, size_t names)
{
	char name[NAME_BYTES];
	int err = 0;

	for (size_t i = 1; i < nr && !err; i++) {
		if (!(sections[i].sh_flags & SHF_ALLOC) ||
		    (sections[i].sh_type != SHT_PROGBITS &&
		     sections[i].sh_type != SHT_X86_64_UNWIND))
			continue;
		read_name(source, &sections[names], sections[i].sh_name, name);
		err = take_section(source, image, &sections[i], name);
	}
	return err;
}

static int find_sections(const struct unwind_source *source, struct unwind_image *image,
			 const Elf64_Ehdr *header)
{
	size_t nr = header->e_shnum, names = header->e_shstrndx;
	Elf64_Shdr first, *sections;
	int err;

	if (!header->e_shoff || header->e_shentsize != sizeof(first) ||
	    unwind_image__read(source, header->e_shoff, &first, sizeof(first)))
		return 0;
	/* What does not fit the header is told by the first section's. */
	if (!nr)
		nr = first.sh_size < SECTIONS_MAX ? first.sh_size : SECTIONS_MAX + 1;
	if (names == SHN_XINDEX)
		names = first.sh_link;
	if (nr > SECTIONS_MAX || names >= nr)
		return 0;
	err = read_table(source, header->e_shoff, nr, sizeof(*sections), (void **)&sections);
	if (err)
		return err == -EBADMSG ? 0 : err;
	err = take_sections(source, image, sections, nr, names);
	free(sections);
	return err;
}

static int compare_stubs(const void *a, const void *b)
{
	const struct unwind_stubs *left = a, *right = b;

	return (left->begin > right->begin) - (left->begin < right->begin);
}

static int fill_image(const struct unwind_source *source, struct unwind_image *image)
{
	Elf64_Phdr *headers = NULL;
	Elf64_Ehdr header;
	int err = read_header(source, &header);

	if (err)
		return err;
	err = read_table(source, header.e_phoff, header.e_phnum, sizeof(*headers),
			 (void **)&headers);
	if (!err)
		err = find_segments(image, headers, header.e_phnum);
	if (!err)
		find_entry(source, image, &header, headers);
	if (!err)
		err = find_sections(source, image, &header);
	if (!err && !image->eh_frame_bytes)
		err = find_eh_frame(source, image, headers, header.e_phnum);
	free(headers);
	qsort(image->stubs, image->nr_stubs, sizeof(*image->stubs), compare_stubs);
	return err;
}

int unwind_image__open(const struct unwind_source *source, struct unwind_image *image)
{
	int err;

	memset(image, 0, sizeof(*image));
	err = fill_image(source, image);
	if (err)
		unwind_image__close(image);
	return err;
}

void unwind_image__close(struct unwind_image *image)
{
	free(image->segments);
	memset(image, 0, sizeof(*image));
}
