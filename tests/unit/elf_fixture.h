/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small programs and libraries that tests compile for themselves, in a temporary folder that is the
 * working folder of the commands.
 */
#ifndef ELF_FIXTURE_H
#define ELF_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

/* A new folder's path, absolute and free of symlinks; fails the test when it can't be made. */
char *elf_fixture__folder(void);
void elf_fixture__remove(char *folder);

void elf_fixture__write(const char *folder, const char *name, const void *bytes, size_t nr_bytes);
void elf_fixture__text(const char *folder, const char *name, const char *text);

/* The bytes of a file, owned. */
unsigned char *elf_fixture__read(const char *path, size_t *nr_bytes);

/* Runs a shell command in the folder, which must succeed. */
__attribute__((format(printf, 2, 3))) void elf_fixture__run(const char *folder, const char *format,
							    ...);
bool elf_fixture__has_command(const char *name);

/* What a shell command prints, owned; it must succeed. */
char *elf_fixture__output(const char *command);

#endif
