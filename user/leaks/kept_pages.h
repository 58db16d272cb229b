/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memory_reader that keeps the pages it has read, for many small reads of neighbouring places.
 * What it gives can be older than the memory is.
 */
#ifndef KEPT_PAGES_H
#define KEPT_PAGES_H

#include "leaks/memory_reader.h"

struct kept_pages;

/* Over the other reader, which must outlive it. NULL and ENOMEM on failure. */
struct kept_pages *kept_pages__new(const struct memory_reader *memory);
void kept_pages__free(struct kept_pages *pages);

struct memory_reader kept_pages__reader(struct kept_pages *pages);

#endif
