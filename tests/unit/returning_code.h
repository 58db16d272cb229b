/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Assembly in which labels say which returns are to be found, linked into a library in a temporary
 * folder. For the tests of allocators/function_returns.h.
 */
#ifndef RETURNING_CODE_H
#define RETURNING_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "allocators/function_returns.h"

#define LINK "gcc -shared -nostdlib -o code.so "
#define BEGIN(name) ".globl " name "\n.type " name ", @function\n" name ": .cfi_startproc\n"
#define END ".cfi_endproc\n"
/* A return that is to be found. */
#define FOUND(nth, code) ".globl found_" nth "\nfound_" nth ": " code "\n"
/* A function whose indirect jump makes everything that leads there be refused. */
#define TRAP BEGIN("trap") "jmp *%rax\n" END

/* Group setup and teardown. */
int returning_code__make_folder(void **state);
int returning_code__remove_folder(void **state);
const char *returning_code__folder(void);

/* The file of that name in the folder, or of that absolute path; *fd is to be closed. */
struct elf_image *returning_code__open(const char *name, int *fd);

/* The file offset of the code at an address in hexadecimal digits. */
uint64_t returning_code__offset_of(const struct elf_image *image, const char *address);

/* The file offset of f in code.so; the labels that are to be found are added to expected. */
uint64_t returning_code__read_labels(const struct elf_image *image,
				     struct function_returns *expected);

/* Links code.so by that command, looks for the returns of its f, and compares. */
void returning_code__assert(const char *assembly, const char *command, int wanted, bool by_name);
void returning_code__assert_found(const char *assembly);
void returning_code__assert_refused(const char *assembly, int err);

#endif
