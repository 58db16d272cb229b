/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The name of a symbol as its author wrote it: C++ and Rust demangled, its version (@@GLIBC_2.14)
 * and a compiler's suffixes for parts and clones of a function (.cold, .isra.0) dropped.
 */
#ifndef MEMLEAK_DEMANGLE_H
#define MEMLEAK_DEMANGLE_H /* libiberty has taken DEMANGLE_H */

#include <stddef.h>

#define DEMANGLE_MAX_BYTES 4096

/*
 * Writes the name to show into the buffer, always terminated. A name that can't be demangled, or
 * whose demangled form would not fit, is shown as it is, cut to the buffer.
 */
void demangle__name(const char *symbol, char *buffer, size_t size);

#endif
