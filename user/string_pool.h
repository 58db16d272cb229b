/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One copy of each distinct string, at an address that stays until the pool is freed: names repeat
 * over thousands of frames, and must outlive the ELF files that they came from.
 */
#ifndef STRING_POOL_H
#define STRING_POOL_H

struct string_pool;

struct string_pool *string_pool__new(void);
void string_pool__free(struct string_pool *pool);

/* The pool's copy of the text, or NULL when memory has run out. */
const char *string_pool__intern(struct string_pool *pool, const char *text);

#endif
