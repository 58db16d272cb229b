// SPDX-License-Identifier: GPL-2.0
/* The exit status after leak checks: which of several reasons for one counts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "exit_code.h"
#include "leaks/leak_kind.h"

#define DEFINITE LEAK_KIND_BIT(LEAK_DEFINITE)
#define INDIRECT LEAK_KIND_BIT(LEAK_INDIRECT)
#define POSSIBLE LEAK_KIND_BIT(LEAK_POSSIBLE)
#define REACHABLE LEAK_KIND_BIT(LEAK_REACHABLE)

static int exit_code(enum leak_check check, int error_exitcode, unsigned int error_kinds,
		     struct leaks_found found, int status)
{
	const struct broken_rules broken = { 0 };
	struct options options = {
		.leak_check = check,
		.error_exitcode = error_exitcode,
		.error_leak_kinds = error_kinds,
	};

	return exit_code__of_run(&options, &found, &broken, status);
}

static void test_kinds_that_count(void **state)
{
	static const struct {
		unsigned int error_kinds, found;
		int expected;
	} cases[] = {
		{ LEAK_KINDS_LOST, 0, 0 },
		{ LEAK_KINDS_LOST, DEFINITE, 9 },
		{ LEAK_KINDS_LOST, POSSIBLE, 9 },
		{ LEAK_KINDS_LOST, INDIRECT | REACHABLE, 0 },
		{ LEAK_KINDS_LOST, LEAK_KINDS_ALL, 9 },
		{ DEFINITE, POSSIBLE | INDIRECT | REACHABLE, 0 },
		{ LEAK_KINDS_ALL, REACHABLE, 9 },
		{ INDIRECT, INDIRECT, 9 },
		{ 0, LEAK_KINDS_ALL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct leaks_found found = { .kinds = cases[i].found };

		assert_int_equal(exit_code(LEAK_CHECK_FULL, 9, cases[i].error_kinds, found, 0),
				 cases[i].expected);
		assert_int_equal(exit_code(LEAK_CHECK_SUMMARY, 9, cases[i].error_kinds, found, 0),
				 cases[i].expected);
	}
}

/* Without an option that asks for it, leaks change nothing. */
static void test_not_asked_for(void **state)
{
	struct leaks_found found = { .kinds = LEAK_KINDS_ALL, .unchecked = true };

	(void)state;
	assert_int_equal(exit_code(LEAK_CHECK_FULL, 0, LEAK_KINDS_ALL, found, 0), 0);
	assert_int_equal(exit_code(LEAK_CHECK_NO, 9, LEAK_KINDS_ALL, found, 0), 0);
	found.kinds = 0;
	assert_int_equal(exit_code(LEAK_CHECK_FULL, 0, LEAK_KINDS_ALL, found, 0), 0);
}

static void test_failures_count_more(void **state)
{
	static const int statuses[] = {
		1,
		37,
		128 + 11,
		STATUS_USAGE,
		STATUS_TARGET,
		STATUS_OUTPUT,
		STATUS_NOT_FOUND,
		STATUS_FAILED,
		STATUS_NO_READER,
	};
	struct leaks_found found = { .kinds = LEAK_KINDS_ALL, .unchecked = true };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		assert_int_equal(exit_code(LEAK_CHECK_FULL, 9, LEAK_KINDS_ALL, found, statuses[i]),
				 statuses[i]);
}

/* A check that did not take place is no check that found nothing. */
static void test_unchecked(void **state)
{
	struct leaks_found found = { .unchecked = true };

	(void)state;
	assert_int_equal(exit_code(LEAK_CHECK_FULL, 9, LEAK_KINDS_LOST, found, 0), STATUS_FAILED);
	/* What the other checks found counts more. */
	found.kinds = DEFINITE;
	assert_int_equal(exit_code(LEAK_CHECK_FULL, 9, LEAK_KINDS_LOST, found, 0), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_that_count),
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_failures_count_more),
		cmocka_unit_test(test_unchecked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
