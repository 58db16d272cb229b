/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The headers of someone else's 64-bit ELF file, or of a copy in memory, read into our own memory
 * by pread. Nothing is mapped, since the owner could truncate the file under us; every table is
 * bounded; and checked headers can't change any more. The offsets in them are not checked here:
 * elf_source__read refuses bytes beyond the end.
 *
 * libelf would allocate as many sections as the headers claim, even if the file were a hole of
 * gigabytes.
 */
#ifndef ELF_HEADERS_H
#define ELF_HEADERS_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the bytes come from: the memory at bytes or, when that is NULL, the file. */
struct elf_source {
	int fd;
	const void *bytes;
	uint64_t nr_bytes;
};

struct elf_headers {
	struct elf_source source;
	Elf64_Ehdr file;
	Elf64_Phdr *segments;
	size_t nr_segments;
	Elf64_Shdr *sections; /* none when they were stripped or are damaged */
	size_t nr_sections;
	size_t names_section; /* 0: sections have no names */
	char *names; /* the beginning of that section, ended by an extra NUL */
	size_t names_bytes;
};

/* The descriptor stays the caller's. Returns 0, -ENOEXEC when it is no regular file, -errno. */
int elf_source__of_file(int fd, struct elf_source *source);

/* Reads exactly that many bytes; -EBADMSG when the source has fewer. */
int elf_source__read(const struct elf_source *source, uint64_t offset, void *buffer,
		     size_t nr_bytes);

/* How many of these bytes the source has. */
uint64_t elf_source__within(const struct elf_source *source, uint64_t offset, uint64_t nr_bytes);

/*
 * Whether there is a hole in these bytes, which was never written. A few bytes on disk can then
 * pretend to be many, which take long to read. No linker leaves holes in its output.
 */
bool elf_source__has_holes(const struct elf_source *source, uint64_t offset, uint64_t nr_bytes);

/* Where the next written bytes begin, at offset or after it; the end when there are none. */
uint64_t elf_source__next_data(const struct elf_source *source, uint64_t offset);

/*
 * The bytes of the source must outlive the headers. Returns 0, -ENOEXEC when it is no 64-bit
 * little-endian ELF file, -EBADMSG when its header or its program headers are damaged, -ENOMEM,
 * -errno. Section headers, which nothing at run time needs, count as stripped when damaged.
 */
int elf_headers__read(const struct elf_source *source, struct elf_headers *headers);
int elf_headers__of_file(int fd, struct elf_headers *headers);
/* Whether it is a 32-bit ELF file, to say why the file was refused. */
bool elf_headers__is_32_bit(int fd);
/* Whether it says to be a 64-bit program or shared library: quick, nothing is checked. */
bool elf_headers__may_be_mapped(int fd);
/* Also accepts headers that were never read, if they are zeroed. */
void elf_headers__free(struct elf_headers *headers);

/* The section's name; "" when it has none. */
const char *elf_headers__name(const struct elf_headers *headers, const Elf64_Shdr *section);

/* The first section of that name, or of that type; NULL. */
const Elf64_Shdr *elf_headers__section(const struct elf_headers *headers, const char *name);
const Elf64_Shdr *elf_headers__section_of_type(const struct elf_headers *headers, uint32_t type);

/* The section that this one is linked to, if that is of the type and not compressed; NULL. */
const Elf64_Shdr *elf_headers__linked(const struct elf_headers *headers, const Elf64_Shdr *section,
				      uint32_t type);

#endif
