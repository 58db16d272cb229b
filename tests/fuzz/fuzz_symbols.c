// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over the parsers that name a file's code: its headers, build ID, debug link, symbol
 * tables, stubs, packed symbols, and the sections that libdw gets to see. Built and run by make
 * fuzz-symbols.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/build_id.h"
#include "elf/debug_file.h"
#include "elf/elf_copy.h"
#include "elf/elf_symbols.h"
#include "elf/mini_debug_info.h"
#include "elf/plt_symbols.h"

#define COPY_BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

static void check_headers(const struct elf_headers *headers)
{
	for (size_t i = 0; i < headers->nr_sections; i++) {
		const Elf64_Shdr *section = &headers->sections[i];

		if (strlen(elf_headers__name(headers, section)) > headers->names_bytes)
			abort();
		elf_headers__linked(headers, section, SHT_STRTAB);
	}
}

/* Symbols may begin and end around the ends of each section. */
static void look_up(const struct elf_headers *headers, const struct elf_symbols *symbols,
		    const struct elf_symbols *exported, struct plt_symbols *plt)
{
	for (size_t i = 0; i < headers->nr_sections; i++) {
		uint64_t begin = headers->sections[i].sh_addr;
		uint64_t end = begin + headers->sections[i].sh_size;

		elf_symbols__find(symbols, exported, begin);
		elf_symbols__find(exported, symbols, begin + 16);
		elf_symbols__find(symbols, exported, end - 1);
		plt_symbols__find(plt, begin + 16);
		plt_symbols__find(plt, end - 1);
	}
}

static void check_symbols(const struct elf_headers *headers)
{
	struct elf_symbols *symbols = NULL, *exported = NULL, *packed = NULL;
	struct plt_symbols *plt = NULL;

	elf_symbols__read(&symbols, headers, SHT_SYMTAB);
	elf_symbols__read(&exported, headers, SHT_DYNSYM);
	mini_debug_info__read(&packed, headers);
	plt_symbols__read(&plt, headers);
	look_up(headers, symbols, exported, plt);
	look_up(headers, packed, exported, NULL);
	elf_symbols__free(symbols);
	elf_symbols__free(exported);
	elf_symbols__free(packed);
	plt_symbols__free(plt);
}

static void check_identity(const struct elf_headers *headers)
{
	struct elf_file object = { .fd = -1, .headers = *headers, .path = "/nowhere/object" };
	struct elf_file debug = ELF_FILE_CLOSED;
	unsigned char id[BUILD_ID_MAX_BYTES] = { 0 };
	char hex[BUILD_ID_HEX_SIZE];
	size_t nr = build_id__read(headers, id);

	if (nr > BUILD_ID_MAX_BYTES || (nr && nr < BUILD_ID_MIN_BYTES))
		abort();
	build_id__hex(id, nr, hex);
	if (strlen(hex) != 2 * nr)
		abort();
	if (!debug_file__open(&debug, &object))
		elf_file__close(&debug);
}

static bool is_debug(const char *name)
{
	return strstr(name, "debug");
}

static void check_copy(const struct elf_headers *headers)
{
	struct elf_copy copy;
	size_t nr;

	if (elf_copy__open(&copy, headers, is_debug, COPY_BYTES_MAX))
		return;
	if (copy.nr_bytes > COPY_BYTES_MAX || elf_getshdrnum(copy.elf, &nr) ||
	    nr != headers->nr_sections)
		abort();
	for (size_t i = 0; i < nr; i++) {
		Elf_Data *data = elf_rawdata(elf_getscn(copy.elf, i), NULL);

		if (data && data->d_buf && data->d_size > headers->source.nr_bytes)
			abort();
	}
	elf_copy__close(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_headers headers;

	if (fd < 0)
		abort();
	if (write(fd, bytes, nr_bytes) == (ssize_t)nr_bytes &&
	    !elf_headers__of_file(fd, &headers)) {
		check_headers(&headers);
		check_identity(&headers);
		check_symbols(&headers);
		check_copy(&headers);
		elf_headers__free(&headers);
	}
	close(fd);
	return 0;
}
