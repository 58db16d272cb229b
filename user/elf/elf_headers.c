// SPDX-License-Identifier: GPL-2.0
/*
 * Follows the System V gABI, "ELF Header", "Program Header", "Sections". Serves all rooms that read
 * other people's ELF files; they read on by elf_source__read, in pieces of their own choice.
 */
#include "elf/elf_headers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Far above linkers' output, which has some tens of each (only object files, which nobody maps,
 * have more), and low enough to do no harm: all together take 5 MiB.
 */
#define SEGMENTS_MAX 4096
#define SECTIONS_MAX (64 << 10)
#define NAMES_BYTES_MAX (1 << 20)

static int read_file(const struct elf_source *source, uint64_t offset, char *to, size_t nr_bytes)
{
	while (nr_bytes) {
		ssize_t got = pread(source->fd, to, nr_bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got) /* truncated since fstat */
			return -EBADMSG;
		to += got;
		offset += (uint64_t)got;
		nr_bytes -= (size_t)got;
	}
	return 0;
}

int elf_source__of_file(int fd, struct elf_source *source)
{
	struct stat status;

	*source = (struct elf_source){ .fd = fd };
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOEXEC;
	source->nr_bytes = (uint64_t)status.st_size;
	return 0;
}

int elf_source__read(const struct elf_source *source, uint64_t offset, void *buffer,
		     size_t nr_bytes)
{
	if (elf_source__within(source, offset, nr_bytes) != nr_bytes)
		return -EBADMSG;
	if (!source->bytes)
		return read_file(source, offset, buffer, nr_bytes);
	memcpy(buffer, (const char *)source->bytes + offset, nr_bytes);
	return 0;
}

uint64_t elf_source__within(const struct elf_source *source, uint64_t offset, uint64_t nr_bytes)
{
	uint64_t left = offset < source->nr_bytes ? source->nr_bytes - offset : 0;

	return nr_bytes < left ? nr_bytes : left;
}

bool elf_source__has_holes(const struct elf_source *source, uint64_t offset, uint64_t nr_bytes)
{
	off_t hole = source->bytes ? -1 : lseek(source->fd, (off_t)offset, SEEK_HOLE);

	return hole >= 0 && (uint64_t)hole < offset + nr_bytes && (uint64_t)hole < source->nr_bytes;
}

uint64_t elf_source__next_data(const struct elf_source *source, uint64_t offset)
{
	off_t data = source->bytes ? (off_t)offset : lseek(source->fd, (off_t)offset, SEEK_DATA);

	if (data < 0) /* the file system may not support SEEK_DATA */
		return errno == ENXIO && offset < source->nr_bytes ? source->nr_bytes : offset;
	return (uint64_t)data;
}

/* Reads a table of the file into memory that the caller owns. */
static int read_table(const struct elf_source *source, uint64_t offset, size_t nr,
		      size_t element_bytes, void **table)
{
	int err;

	*table = calloc(nr ? nr : 1, element_bytes);
	if (!*table)
		return -ENOMEM;
	err = elf_source__read(source, offset, *table, nr * element_bytes);
	if (err) {
		free(*table);
		*table = NULL;
	}
	return err;
}

static int read_file_header(struct elf_headers *headers)
{
	Elf64_Ehdr *file = &headers->file;
	int err = elf_source__read(&headers->source, 0, file->e_ident, EI_NIDENT);

	if (err)
		return err == -EBADMSG ? -ENOEXEC : err;
	if (memcmp(file->e_ident, ELFMAG, SELFMAG) != 0 || file->e_ident[EI_CLASS] != ELFCLASS64 ||
	    file->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	return elf_source__read(&headers->source, EI_NIDENT, (char *)file + EI_NIDENT,
				sizeof(*file) - EI_NIDENT);
}

bool elf_headers__is_32_bit(int fd)
{
	unsigned char ident[EI_NIDENT];

	return pread(fd, ident, sizeof(ident), 0) == sizeof(ident) &&
	       !memcmp(ident, ELFMAG, SELFMAG) && ident[EI_CLASS] == ELFCLASS32;
}

bool elf_headers__may_be_mapped(int fd)
{
	Elf64_Ehdr header;

	return pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

static int read_segments(struct elf_headers *headers)
{
	size_t nr = headers->file.e_phnum;
	int err;

	if (nr > SEGMENTS_MAX || (nr && headers->file.e_phentsize != sizeof(Elf64_Phdr)))
		return -EBADMSG;
	err = read_table(&headers->source, headers->file.e_phoff, nr, sizeof(*headers->segments),
			 (void **)&headers->segments);
	if (!err)
		headers->nr_segments = nr;
	return err;
}

/* Reads no more than the beginning of a long section: the names that matter are there. */
static int read_names(struct elf_headers *headers, size_t index)
{
	const Elf64_Shdr *section;
	size_t nr_bytes;
	int err;

	if (!index || index >= headers->nr_sections)
		return 0;
	section = &headers->sections[index];
	if (section->sh_type == SHT_NOBITS || section->sh_flags & SHF_COMPRESSED)
		return 0;
	nr_bytes = section->sh_size < NAMES_BYTES_MAX ? section->sh_size : NAMES_BYTES_MAX;
	nr_bytes = elf_source__within(&headers->source, section->sh_offset, nr_bytes);
	if (!nr_bytes)
		return 0;
	headers->names = calloc(1, nr_bytes + 1);
	if (!headers->names)
		return -ENOMEM;
	err = elf_source__read(&headers->source, section->sh_offset, headers->names, nr_bytes);
	if (err)
		return err == -EBADMSG ? 0 : err;
	headers->names_section = index;
	headers->names_bytes = nr_bytes;
	return 0;
}

static int read_sections(struct elf_headers *headers)
{
	const Elf64_Ehdr *file = &headers->file;
	size_t nr = file->e_shnum, names = file->e_shstrndx;
	Elf64_Shdr first;
	int err;

	if (!file->e_shoff || file->e_shentsize != sizeof(first) ||
	    elf_source__read(&headers->source, file->e_shoff, &first, sizeof(first)))
		return 0;
	/* Numbers that don't fit the file header are in the first section's header. */
	if (!nr)
		nr = first.sh_size < SECTIONS_MAX ? first.sh_size : SECTIONS_MAX + 1;
	if (names == SHN_XINDEX)
		names = first.sh_link;
	if (nr > SECTIONS_MAX)
		return 0;
	err = read_table(&headers->source, file->e_shoff, nr, sizeof(*headers->sections),
			 (void **)&headers->sections);
	if (err)
		return err == -EBADMSG ? 0 : err;
	headers->nr_sections = nr;
	return read_names(headers, names);
}

int elf_headers__read(const struct elf_source *source, struct elf_headers *headers)
{
	int err;

	*headers = (struct elf_headers){ .source = *source };
	err = read_file_header(headers);
	if (!err)
		err = read_segments(headers);
	if (!err)
		err = read_sections(headers);
	if (err)
		elf_headers__free(headers);
	return err;
}

int elf_headers__of_file(int fd, struct elf_headers *headers)
{
	struct elf_source source;
	int err = elf_source__of_file(fd, &source);

	if (!err)
		return elf_headers__read(&source, headers);
	memset(headers, 0, sizeof(*headers));
	return err;
}

void elf_headers__free(struct elf_headers *headers)
{
	free(headers->segments);
	free(headers->sections);
	free(headers->names);
	memset(headers, 0, sizeof(*headers));
}

const char *elf_headers__name(const struct elf_headers *headers, const Elf64_Shdr *section)
{
	return section->sh_name < headers->names_bytes ? headers->names + section->sh_name : "";
}

const Elf64_Shdr *elf_headers__section(const struct elf_headers *headers, const char *name)
{
	for (size_t i = 1; i < headers->nr_sections; i++)
		if (!strcmp(elf_headers__name(headers, &headers->sections[i]), name))
			return &headers->sections[i];
	return NULL;
}

const Elf64_Shdr *elf_headers__section_of_type(const struct elf_headers *headers, uint32_t type)
{
	for (size_t i = 1; i < headers->nr_sections; i++)
		if (headers->sections[i].sh_type == type)
			return &headers->sections[i];
	return NULL;
}

const Elf64_Shdr *elf_headers__linked(const struct elf_headers *headers, const Elf64_Shdr *section,
				      uint32_t type)
{
	const Elf64_Shdr *linked;

	if (section->sh_link >= headers->nr_sections)
		return NULL;
	linked = &headers->sections[section->sh_link];
	return linked->sh_type == type && !(linked->sh_flags & SHF_COMPRESSED) ? linked : NULL;
}
