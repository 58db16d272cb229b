/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a program run the code that it maps, or translate it? Valgrind and qemu-user read the
 * machine code of their guest's libraries as data. A breakpoint in that code is just an instruction
 * of the guest: the kernel does not handle it as a uprobe, and it ends the guest by SIGTRAP.
 *
 * Translators are known by name, and Valgrind also by the addresses that it is mapped at. A guess
 * (a static program that maps a libc) would take the probes out of static programs that are to be
 * traced.
 */
#ifndef TRANSLATOR_KIND_H
#define TRANSLATOR_KIND_H

#include <stdbool.h>

#include "base/mapping.h"

enum translator_kind { TRANSLATOR_NONE, TRANSLATOR_VALGRIND, TRANSLATOR_QEMU };

/* The kind that the path of the executable implies, as /proc/PID/exe shows it. */
enum translator_kind translator_kind__of(const char *exe);

/*
 * Does the mapping confirm the kind? Every program of a kind has such a mapping of a file from its
 * beginning.
 */
bool translator_kind__shows_in(enum translator_kind kind, const struct mapping *map);

#endif
