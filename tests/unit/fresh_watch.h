/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of exit_watch: a watch for each test, which starts before the test and ends after
 * it, even a failed one.
 */
#ifndef FRESH_WATCH_H
#define FRESH_WATCH_H

#include "leaks/exit_watch.h"

#define WATCH_TEST(function) \
	cmocka_unit_test_setup_teardown(function, fresh_watch__start, fresh_watch__end)

/* The watch of the running test. */
extern struct exit_watch *watch;

/* For cmocka: before a test. The second watches the children of watched processes, too. */
int fresh_watch__start(void **state);
int fresh_watch__start_following(void **state);

/* For cmocka: after a test. */
int fresh_watch__end(void **state);

#endif
