/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The headers of a 64-bit ELF file of someone else's, read into our own memory by pread: nothing is
 * mapped (the owner could truncate it under us), every table is bounded, and what was checked can't
 * change any more. Of a file, or of a copy in memory. What they point to is not checked here:
 * elf_source__read refuses what lies beyond the end.
 *
 * libelf would allocate for as many sections as the headers claim, be the file a hole of gigabytes.
 */
#ifndef ELF_HEADERS_H
#define ELF_HEADERS_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the bytes are: bytes, or if that is NULL, the file. */
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

/* Reads exactly that many bytes; -EBADMSG when there are not so many. */
int elf_source__read(const struct elf_source *source, uint64_t offset, void *buffer,
		     size_t nr_bytes);

/* How many of these bytes the source has. */
uint64_t elf_source__within(const struct elf_source *source, uint64_t offset, uint64_t nr_bytes);

/*
 * Whether some of these bytes were never written: then few bytes on disk pretend to be many, which
 * takes long to read. No linker leaves holes in what it writes.
 */
bool elf_source__has_holes(const struct elf_source *source, uint64_t offset, uint64_t nr_bytes);

/* Where the next bytes that were written begin, at offset or after it; the end when there are
 * none. */
uint64_t elf_source__next_data(const struct elf_source *source, uint64_t offset);

/*
 * The bytes of the source must outlive the headers. Returns 0, -ENOEXEC when it is no 64-bit
 * little-endian ELF file, -EBADMSG when its header or its program headers are damaged, -ENOMEM,
 * -errno. Section headers, which nothing at run time needs, count as stripped when damaged.
 */
int elf_headers__read(const struct elf_source *source, struct elf_headers *headers);
int elf_headers__of_file(int fd, struct elf_headers *headers);
/* To say why a file was no such program: it is one of 32 bits. */
bool elf_headers__is_32_bit(int fd);
/* Also what was never read, but zeroed. */
void elf_headers__free(struct elf_headers *headers);

/* "" when it has none. */
const char *elf_headers__name(const struct elf_headers *headers, const Elf64_Shdr *section);

/* The first section of that name, or of that type; NULL. */
const Elf64_Shdr *elf_headers__section(const struct elf_headers *headers, const char *name);
const Elf64_Shdr *elf_headers__section_of_type(const struct elf_headers *headers, uint32_t type);

/* The section that this one is linked to, if that is of the type and not compressed; NULL. */
const Elf64_Shdr *elf_headers__linked(const struct elf_headers *headers, const Elf64_Shdr *section,
				      uint32_t type);

#endif
