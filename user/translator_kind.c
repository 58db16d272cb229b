// SPDX-License-Identifier: GPL-2.0
/* See translator_kind.h. Used by process_view.c for every program that begins. */
#include "translator_kind.h"

#include <elf.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

static const struct {
	const char *pattern; /* of the whole path */
	enum translator_kind kind;
} known[] = {
	{ "*/valgrind/*-*-linux", TRANSLATOR_YES }, /* its tools: memcheck-amd64-linux */
	{ "*/qemu-x86_64", TRANSLATOR_YES },	    { "*/qemu-x86_64-*", TRANSLATOR_YES },
	{ "*/ld-linux*.so*", TRANSLATOR_NO },	    { "*/ld-musl-*.so*", TRANSLATOR_NO },
	{ "*/ld-[0-9]*.so", TRANSLATOR_NO },	    { "*/ld.so", TRANSLATOR_NO },
	{ "*/wine-preloader", TRANSLATOR_NO },	    { "*/wine64-preloader", TRANSLATOR_NO },
};

static const char deleted[] = " (deleted)";

enum translator_kind translator_kind__of_path(const char *path)
{
	size_t length = strlen(path), suffix = sizeof(deleted) - 1;
	char plain[4096];

	if (length >= sizeof(plain))
		return TRANSLATOR_PERHAPS;
	memcpy(plain, path, length + 1);
	if (length > suffix && !strcmp(plain + length - suffix, deleted))
		plain[length - suffix] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!fnmatch(known[i].pattern, plain, 0))
			return known[i].kind;
	return TRANSLATOR_PERHAPS;
}

/* Does the table of so many entries, as far as it is within the bytes, name a loader? */
static bool names_loader(const char *bytes, size_t nr, uint64_t offset, size_t entry_bytes,
			 size_t nr_entries)
{
	for (size_t i = 0; i < nr_entries; i++) {
		uint32_t type; /* the first field in both classes */

		if (offset > nr || nr - offset < entry_bytes)
			return false;
		memcpy(&type, bytes + offset, sizeof(type));
		if (type == PT_INTERP)
			return true;
		offset += entry_bytes;
	}
	return false;
}

enum translator_kind translator_kind__of_file(const void *bytes, size_t nr)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	bool named = false;

	if (nr < sizeof(wide) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return TRANSLATOR_PERHAPS;
	memcpy(&wide, bytes, sizeof(wide));
	memcpy(&narrow, bytes, sizeof(narrow));
	if (wide.e_ident[EI_CLASS] == ELFCLASS64)
		named = names_loader(bytes, nr, wide.e_phoff, sizeof(Elf64_Phdr), wide.e_phnum);
	else
		named = names_loader(bytes, nr, narrow.e_phoff, sizeof(Elf32_Phdr), narrow.e_phnum);
	return named ? TRANSLATOR_NO : TRANSLATOR_PERHAPS;
}
