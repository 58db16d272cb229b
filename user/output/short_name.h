/* SPDX-License-Identifier: GPL-2.0 */
/* The name of a function, of C++ or Rust, in so many columns. */
#ifndef SHORT_NAME_H
#define SHORT_NAME_H

#include <stddef.h>

/*
 * Where name is wider than room columns, what stands in its brackets gives way to "…", the
 * innermost first: std::map<int, std::vector<…>>::find(…). Returns name if that fits, else the
 * contents of buffer: what came of it may still be too wide. Names that buffer has no room for stay
 * as they are.
 */
const char *short_name__fit(const char *name, size_t room, char *buffer, size_t size);

#endif
