/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a program run the code that it maps, or translate it? Valgrind and qemu-user read the
 * machine code of their guest's libraries as data: a breakpoint there is nothing that the kernel
 * takes care of, but an instruction of the guest, which ends it by SIGTRAP.
 *
 * Known by name. Guessing (a static program that maps a libc) would take the probes out of static
 * programs that are to be traced.
 */
#ifndef TRANSLATOR_KIND_H
#define TRANSLATOR_KIND_H

#include <stdbool.h>

/* By the path of the executable, as /proc/PID/exe has it. */
bool translator_kind__is_translator(const char *exe);

#endif
