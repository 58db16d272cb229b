/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ELF files made by hand around hand-made .eh_frame, every byte of which a test can change, and the
 * rows that are expected of them.
 */
#ifndef MADE_ELF_H
#define MADE_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/unwind_rows.h"

#define CODE_BYTES 0x2000
#define CODE_AT 0x10000 /* the address of the code */
#define DATA_AT 0x400000 /* the address that the file's first byte has as data */

enum { CODE, DATA, HEADER, SPARE };
enum { EH_FRAME = 1, NAMES, STUBS, STUBS_2 };

struct made_elf {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	Elf64_Shdr sections[6];
	char names[64];
	unsigned char eh_frame_header[16];
	unsigned char frames[4096];
	unsigned char code[CODE_BYTES];
};

#define CODE_OFFSET offsetof(struct made_elf, code)

/* Functions are at these bytes of the code. */
struct made_function {
	uint64_t begin;
	uint64_t bytes;
};

/* A library with code, data, sections, and such functions; the caller frees it. */
struct made_elf *made_elf__new(const struct made_function *functions, size_t nr);

void made_elf__put_sections(struct made_elf *made);

/* A section of code. */
void made_elf__put_section(struct made_elf *made, size_t nth, const char *name, uint64_t code,
			   uint64_t bytes);

/* Only program headers lead to .eh_frame then. */
void made_elf__strip(struct made_elf *made);

struct expected_row {
	uint64_t at; /* byte of the code */
	int cfa;
	int cfa_offset;
};

/* unwind_rows__of_file, of a file in memory with these bytes. */
int made_elf__rows(const void *bytes, size_t nr_bytes, struct unwind_rows *rows);

void made_elf__assert_rows(const struct made_elf *made, const struct expected_row *expected,
			   size_t nr);
void made_elf__assert_refused(const struct made_elf *made, int err);

#define MADE_ELF_ASSERT_ROWS(made, ...)                                              \
	made_elf__assert_rows(made, (const struct expected_row[]){ __VA_ARGS__ },    \
			      sizeof((const struct expected_row[]){ __VA_ARGS__ }) / \
				      sizeof(struct expected_row))

#define NONE UNWIND_CFA_FRAME_POINTER, 0
#define CALLED UNWIND_CFA_RSP, 8
#define FIRST UNWIND_CFA_END, 0

#endif
