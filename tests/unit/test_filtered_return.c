// SPDX-License-Identifier: GPL-2.0
/* On this kernel, the trial finds out whether return probes end filtered programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "probes/filtered_return.h"

/* A uprobe needs root and a kernel with uprobes. */
static int uprobe_type(void)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "r");
	int type = -1;

	if (file && fscanf(file, "%d", &type) != 1)
		type = -1;
	if (file)
		fclose(file);
	if (type < 0 || geteuid()) {
		print_message("skipped: no uprobes, or not root\n");
		skip();
	}
	return type;
}

static void test_suspects(void **state)
{
	(void)state;
	assert_false(filtered_return__is_suspect("6.10.14"));
	assert_true(filtered_return__is_suspect("6.11.0"));
	assert_true(filtered_return__is_suspect("6.12.48+deb13-amd64"));
	assert_true(filtered_return__is_suspect("6.13.1"));
	assert_false(filtered_return__is_suspect("6.14.0"));
	assert_false(filtered_return__is_suspect("5.12.1"));
	assert_false(filtered_return__is_suspect("7.12.1"));
	/* A version that can't be read leads to a trial. */
	assert_true(filtered_return__is_suspect("strange"));
}

/* All kernels that the tests run on have the fix, or no such system call. */
static void test_this_kernel(void **state)
{
	(void)state;
	assert_int_equal(filtered_return__is_deadly(uprobe_type()), 0);
}

/* The trial does notice a child that is ended by its filter. */
static void test_the_trial(void **state)
{
	(void)state;
	assert_int_equal(filtered_return__is_deadly_for_certain(uprobe_type()), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_this_kernel),
		cmocka_unit_test(test_the_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
