/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 64-bit ELF program or library of this machine, read the way a loader reads it: by its program
 * headers. Section headers, which strip may remove, serve only for what nothing at run time needs.
 * ELF bytes are hostile input: every offset and length is checked against the file, and no table is
 * mapped (its owner could truncate it under us).
 */
#ifndef ELF_IMAGE_H
#define ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_headers.h"

#if defined(__x86_64__)
#define ELF_IMAGE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define ELF_IMAGE_MACHINE EM_AARCH64
#else
#error "port me: the ELF machine"
#endif

struct elf_image;

/*
 * Where a symbol table and its strings lie in the source, which belongs to the image or headers
 * that the table is of. nr_symbols is 0 when there is none.
 */
struct elf_symbol_table {
	const struct elf_source *source;
	uint64_t symbols_offset;
	uint64_t nr_symbols;
	uint64_t strings_offset;
	uint64_t strings_bytes;
};

/*
 * The descriptor stays the caller's and must outlive the image. Returns 0, -ENOEXEC when it is no
 * 64-bit ELF program or library of this machine, -EBADMSG when its headers are damaged, -errno.
 */
int elf_image__open(int fd, struct elf_image **image);
void elf_image__free(struct elf_image *image);

/* They live as long as the image. */
const struct elf_headers *elf_image__headers(const struct elf_image *image);

/* A program, with or without an interpreter, rather than a library. */
bool elf_image__is_program(const struct elf_image *image);

/* A program that runs at the addresses in its file, rather than wherever the kernel puts it. */
bool elf_image__is_fixed(const struct elf_image *image);

/* Reads exactly that many bytes; -EBADMSG when the file has not so many there. */
int elf_image__read(const struct elf_image *image, uint64_t offset, void *buffer, size_t bytes);

/* How many of these bytes the file has. */
uint64_t elf_image__within(const struct elf_image *image, uint64_t offset, uint64_t nr_bytes);

/* The file offset of an address that a PT_LOAD fills from the file; -EBADMSG when none does. */
int elf_image__offset_of(const struct elf_image *image, uint64_t address, bool executable,
			 uint64_t *offset);

/* The address that an executable PT_LOAD gives a byte of the file; -EBADMSG when none does. */
int elf_image__address_of(const struct elf_image *image, uint64_t offset, uint64_t *address);

/* How many bytes of code a PT_LOAD has in the file from that offset on; 0 when there is no code. */
uint64_t elf_image__code_bytes(const struct elf_image *image, uint64_t offset);

/*
 * The nth (from 0) program header of that type, the image's; NULL when there are not so many. Its
 * values are not checked.
 */
const Elf64_Phdr *elf_image__segment(const struct elf_image *image, uint32_t type, size_t nth);

/* PT_INTERP as an owned string; *path is NULL when there is none. */
int elf_image__interpreter(const struct elf_image *image, char **path);

/* The value of the nth (from 0) dynamic entry with that tag; false when there are not so many. */
bool elf_image__dynamic(const struct elf_image *image, int64_t tag, size_t nth, uint64_t *value);

/* The string that a dynamic entry names, owned; *string is NULL when there is no such entry. */
int elf_image__dynamic_string(const struct elf_image *image, int64_t tag, size_t nth,
			      char **string);

/*
 * The symbol table that ld.so uses, and .symtab. A damaged former is -EBADMSG; a damaged .symtab
 * counts as stripped.
 */
int elf_image__dynamic_symbols(const struct elf_image *image, struct elf_symbol_table *table);
void elf_image__static_symbols(const struct elf_image *image, struct elf_symbol_table *table);
/* The .symtab of a file whose segments may be elsewhere, such as a debug file. */
void elf_symbol_table__of_headers(const struct elf_headers *headers,
				  struct elf_symbol_table *table);

#endif
