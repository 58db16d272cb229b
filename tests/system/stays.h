/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of memory that outlives a process: names, private to this test program, for the
 * memory that the victim shared_memory leaves behind, which is removed after each test, even a
 * failed one; the checks of what a machine must have, and of what a report must say.
 */
#ifndef STAYS_H
#define STAYS_H

#include "harness.h"

#define SIZE (8LL * (long long)MIB) /* of every victim's shared memory */
#define UNTIL_REMOVED "until it is removed"

#define STAYS_TEST(function) cmocka_unit_test_setup_teardown(function, stays__begin, stays__end)

int stays__begin(void **state);
int stays__end(void **state);

/* Arguments for the victim. */
extern char posix_name[64], semaphore_name[64], key_word[64];
extern key_t key; /* of key_word */

/* These skip the test if the machine lacks it. */
void need_posix(void);
void need_sysv(void);
/* Reserves as many huge pages as a victim takes, until the test ends. */
void need_huge_pages(void);
/* Mounts a file system in memory until the test ends; returns a path in it. */
const char *mount_memory(const char *type);

/* Traces shared_memory with these arguments; it must succeed. */
struct run *run_victim(const char *const *arguments);
/* The number that the victim printed on its n-th line. */
int number_of(const struct run *run, unsigned int n);

/* One piece of the memory that the record says stays. */
const json_t *kept(const json_t *record, size_t index);
void assert_nothing_stays(const json_t *record);
/* Asserts that this piece stays, and no other. */
void assert_stays(const json_t *record, const char *kind, const char *name, const char *why,
		  long long bytes);

#endif
