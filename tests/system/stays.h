/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of what outlives a process: names of the test program's own for what the victim
 * shared_memory leaves behind, cleared away after each test, also when it failed; what a machine
 * must have; what a report must say.
 */
#ifndef STAYS_H
#define STAYS_H

#include "harness.h"

#define SIZE (8LL * (long long)MIB) /* of every victim's shared memory */
#define UNTIL_REMOVED "until it is removed"

#define STAYS_TEST(function) cmocka_unit_test_setup_teardown(function, stays__begin, stays__end)

int stays__begin(void **state);
int stays__end(void **state);

/* Words for the victim. */
extern char posix_name[64], semaphore_name[64], key_word[64];
extern key_t key; /* of key_word */

/* They skip the test where the machine hasn't got it. */
void need_posix(void);
void need_sysv(void);
/* As many huge pages as a victim takes, until the test ends. */
void need_huge_pages(void);
/* Mounts a file system in memory until the test ends; returns a path in it. */
const char *mount_memory(const char *type);

/* printf to a text that is good until the fourth call after this one. */
const char *words(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Traces shared_memory with these words; it must succeed. */
struct run *run_victim(const char *const *arguments);
/* The number that the victim printed on its n-th line. */
int number_of(const struct run *run, unsigned int n);

/* A piece of what is said to stay. */
const json_t *kept(const json_t *record, size_t index);
void assert_nothing_stays(const json_t *record);
/* This piece stays, and no other. */
void assert_stays(const json_t *record, const char *kind, const char *name, const char *why,
		  long long bytes);

#endif
