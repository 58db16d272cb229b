/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps one copy of each distinct string, at an address that stays until the pool is freed: names
 * repeat over thousands of frames, and must outlive the ELF files that they came from.
 */
#ifndef STRING_POOL_H
#define STRING_POOL_H

#include <stdint.h>

struct string_pool;

/* The pool's text takes at most max_bytes. */
struct string_pool *string_pool__new(uint64_t max_bytes);
void string_pool__free(struct string_pool *pool);

/* The bytes that are allocated for text. */
uint64_t string_pool__bytes(const struct string_pool *pool);

/* The pool's copy of the text, or NULL when memory or the pool's room has run out. */
const char *string_pool__intern(struct string_pool *pool, const char *text);

#endif
