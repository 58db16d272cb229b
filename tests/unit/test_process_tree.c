// SPDX-License-Identifier: GPL-2.0
/* Parents and copies, from texts of /proc/PID/stat. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "processes/process_tree.h"

static void test_parse(void **state)
{
	static const char text[] =
		"4711 (a) R 1 (b c) S 17 4711 4711 0 -1 4194560 120 0 0 0 0 0 0 0 20 0 1 0 4000"
		" 8192000 500 18446744073709551615 1111 2222 3333 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
		" 4444 5555 6666 7777 7778 7779 7780 0\n";
	struct process_entry entry;

	(void)state;
	assert_int_equal(process_tree__parse(text, &entry), 0);
	assert_int_equal(entry.tgid, 4711);
	assert_int_equal(entry.parent, 17);
	assert_int_equal(entry.state, 'S');
	assert_int_equal(entry.start_ticks, 4000);
	assert_int_equal(entry.layout.code, 1111);
	assert_int_equal(entry.layout.stack, 3333);
	assert_int_equal(entry.layout.heap, 6666);
}

static void test_damaged_texts(void **state)
{
	static const char *const texts[] = { "", "17", "17 (x)", "17 (x) S 1 2 3", "x (y) S 1 2" };
	struct process_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(process_tree__parse(texts[i], &entry), -EBADMSG);
}

/* 10 forked 11 and 12, 12 went on by exec; 13 was forked by 11. 14 is a stranger. */
static struct process_entry family[] = {
	{ .tgid = 10, .parent = 1, .state = 'S', .layout = { 1, 2, 3 } },
	{ .tgid = 11, .parent = 10, .state = 'S', .layout = { 1, 2, 3 } },
	{ .tgid = 12, .parent = 10, .state = 'S', .layout = { 1, 7, 8 } },
	{ .tgid = 13, .parent = 11, .state = 'S', .layout = { 1, 2, 3 } },
	{ .tgid = 14, .parent = 1, .state = 'S', .layout = { 1, 2, 3 } },
	/* Nothing of these two is visible. */
	{ .tgid = 15, .parent = 1, .state = 'S' },
	{ .tgid = 16, .parent = 15, .state = 'S' },
};

static void test_relatives(void **state)
{
	const struct process_tree tree = { family, sizeof(family) / sizeof(family[0]) };

	(void)state;
	assert_int_equal(process_tree__relative(&tree, 10), 11);
	assert_int_equal(process_tree__relative(&tree, 11), 10);
	assert_int_equal(process_tree__relative(&tree, 13), 11);
}

/* Nobody explains the missing pages of these. */
static void test_no_relatives(void **state)
{
	const struct process_tree tree = { family, sizeof(family) / sizeof(family[0]) };

	(void)state;
	for (pid_t tgid = 14; tgid < 18; tgid++)
		assert_int_equal(process_tree__relative(&tree, tgid), 0);
	assert_int_equal(process_tree__relative(&tree, 12), 0);
}

static void test_this_machine(void **state)
{
	struct process_tree tree;
	const struct process_entry *parent;

	(void)state;
	assert_int_equal(process_tree__read(&tree), 0);
	/* A process is no relative of itself. */
	assert_null(process_tree__find(&tree, getpid()));
	parent = process_tree__find(&tree, getppid());
	assert_non_null(parent);
	assert_int_equal(parent->tgid, getppid());
	assert_true(parent->layout.stack > 0);
	process_tree__free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	     cmocka_unit_test(test_damaged_texts),
		cmocka_unit_test(test_relatives),    cmocka_unit_test(test_no_relatives),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests_name("process_tree", tests, NULL, NULL);
}
