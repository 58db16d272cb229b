// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a libelf handle from elf_headers, for debug_sections. Program headers are left out: libdw
 * needs none.
 */
#include "elf/elf_copy.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/counted_heap.h"

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a_bytes && b_bytes && (a < b ? b - a < a_bytes : a - b < b_bytes);
}

/* The headers that libelf has read must not change, so no section may overlap them. */
static bool reaches_into_headers(const struct elf_headers *headers, uint64_t offset,
				 uint64_t nr_bytes)
{
	return overlap(offset, nr_bytes, 0, sizeof(headers->file)) ||
	       overlap(offset, nr_bytes, headers->file.e_shoff,
		       headers->nr_sections * sizeof(*headers->sections));
}

static int map_zeroes(struct elf_copy *copy, uint64_t nr_bytes)
{
	/* The whole size of the file is reserved, but only written pages take memory. */
	void *bytes = mmap(NULL, nr_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		return -errno;
	/* With huge pages, a section of a few bytes would take two megabytes. */
	madvise(bytes, nr_bytes, MADV_NOHUGEPAGE);
	copy->source = (struct elf_source){ .fd = -1, .bytes = bytes, .nr_bytes = nr_bytes };
	return 0;
}

static int copy_headers(const struct elf_copy *copy, const struct elf_headers *headers)
{
	char *bytes = (char *)copy->source.bytes;
	const Elf64_Shdr *names;
	Elf64_Ehdr file = headers->file;

	if (file.e_shoff < sizeof(file) || !headers->names_section)
		return -EBADMSG;
	names = &headers->sections[headers->names_section];
	if (reaches_into_headers(headers, names->sh_offset, headers->names_bytes))
		return -EBADMSG;
	file.e_phoff = 0;
	file.e_phnum = 0;
	memcpy(bytes, &file, sizeof(file));
	memcpy(bytes + file.e_shoff, headers->sections,
	       headers->nr_sections * sizeof(*headers->sections));
	memcpy(bytes + names->sh_offset, headers->names, headers->names_bytes);
	return 0;
}

static bool is_wanted(const struct elf_headers *headers, size_t i, bool (*wanted)(const char *name))
{
	const Elf64_Shdr *section = &headers->sections[i];

	return section->sh_type != SHT_NOBITS && section->sh_size && i != headers->names_section &&
	       wanted(elf_headers__name(headers, section));
}

/* Sums up all wanted sections before any of them takes memory. */
static int measure(struct elf_copy *copy, const struct elf_headers *headers,
		   bool (*wanted)(const char *name), uint64_t max_bytes)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 1; i < headers->nr_sections; i++) {
		if (!is_wanted(headers, i, wanted))
			continue;
		/* Even the smallest section takes a page. */
		copy->nr_bytes += page_bytes;
		if (copy->nr_bytes > max_bytes ||
		    headers->sections[i].sh_size > max_bytes - copy->nr_bytes)
			return -EFBIG;
		copy->nr_bytes += headers->sections[i].sh_size;
	}
	return 0;
}

static int copy_section(const struct elf_copy *copy, const struct elf_headers *headers,
			const Elf64_Shdr *section)
{
	if (elf_source__within(&copy->source, section->sh_offset, section->sh_size) !=
		    section->sh_size ||
	    reaches_into_headers(headers, section->sh_offset, section->sh_size))
		return -EBADMSG;
	return elf_source__read(&headers->source, section->sh_offset,
				(char *)copy->source.bytes + section->sh_offset, section->sh_size);
}

static int fill_copy(struct elf_copy *copy, const struct elf_headers *headers,
		     bool (*wanted)(const char *name), uint64_t max_bytes)
{
	int err = measure(copy, headers, wanted, max_bytes);

	if (!err && !counted_heap__map(copy->nr_bytes))
		err = -EFBIG;
	if (err) {
		copy->nr_bytes = 0;
		return err;
	}
	err = map_zeroes(copy, headers->source.nr_bytes);
	if (!err)
		err = copy_headers(copy, headers);
	for (size_t i = 1; i < headers->nr_sections && !err; i++)
		if (is_wanted(headers, i, wanted))
			err = copy_section(copy, headers, &headers->sections[i]);
	if (err)
		return err;
	elf_version(EV_CURRENT);
	copy->elf = elf_memory((char *)copy->source.bytes, copy->source.nr_bytes);
	return copy->elf && elf_kind(copy->elf) == ELF_K_ELF ? 0 : -EBADMSG;
}

int elf_copy__open(struct elf_copy *copy, const struct elf_headers *headers,
		   bool (*wanted)(const char *name), uint64_t max_bytes)
{
	int err;

	memset(copy, 0, sizeof(*copy));
	err = fill_copy(copy, headers, wanted, max_bytes);
	if (err)
		elf_copy__close(copy);
	return err;
}

void elf_copy__close(struct elf_copy *copy)
{
	elf_end(copy->elf);
	counted_heap__unmap(copy->nr_bytes);
	if (copy->source.bytes)
		munmap((void *)copy->source.bytes, copy->source.nr_bytes);
	memset(copy, 0, sizeof(*copy));
}
