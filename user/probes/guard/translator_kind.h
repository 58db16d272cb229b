/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a program run the code that it maps, or translate it? Valgrind and qemu-user read the
 * machine code of their guest's libraries as data: a breakpoint there is nothing that the kernel
 * takes care of, but an instruction of the guest, which ends it by SIGTRAP.
 *
 * Known by name, and Valgrind also by where it lies. Guessing (a static program that maps a libc)
 * would take the probes out of static programs that are to be traced.
 */
#ifndef TRANSLATOR_KIND_H
#define TRANSLATOR_KIND_H

#include <stdbool.h>

#include "base/mapping.h"

enum translator_kind { TRANSLATOR_NONE, TRANSLATOR_VALGRIND, TRANSLATOR_QEMU };

/* What the path of the executable, as /proc/PID/exe has it, promises. */
enum translator_kind translator_kind__of(const char *exe);

/* Every program of that kind has such a mapping of a file from its beginning. Is this one? */
bool translator_kind__shows_in(enum translator_kind kind, const struct mapping *map);

#endif
