/* SPDX-License-Identifier: GPL-2.0 */
/* Shortens a function name of C++ or Rust to so many columns. */
#ifndef SHORT_NAME_H
#define SHORT_NAME_H

#include <stddef.h>

/*
 * When name is wider than room columns, the text in its brackets is replaced by "…", the innermost
 * first: std::map<int, std::vector<…>>::find(…). Returns name if it fits, else the contents of
 * buffer, which may still be too wide. A name that buffer has no room for is returned unchanged.
 */
const char *short_name__fit(const char *name, size_t room, char *buffer, size_t size);

#endif
