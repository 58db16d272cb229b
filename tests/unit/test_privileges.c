// SPDX-License-Identifier: GPL-2.0
/* Which capabilities are missing for what, and the line that says so. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "privileges.h"

#define BIT_OF(capability) (1ULL << (capability))
#define TRACE_SET (BIT_OF(CAP_BPF) | BIT_OF(CAP_PERFMON) | BIT_OF(CAP_SYS_PTRACE))

static const char *missing(uint64_t capabilities, unsigned int uses)
{
	static char names[192];

	strcpy(names, "untouched");
	privileges__missing(capabilities, uses, names, sizeof(names));
	return names;
}

static void test_trace(void **state)
{
	(void)state;
	assert_string_equal(missing(0, PRIVILEGE_TRACE), "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE");
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_TRACE), "");
	assert_string_equal(missing(TRACE_SET & ~BIT_OF(CAP_PERFMON), PRIVILEGE_TRACE),
			    "CAP_PERFMON");
	assert_string_equal(missing(TRACE_SET, 0), "");
	assert_string_equal(missing(0, 0), "");
}

static void test_wider_ones(void **state)
{
	(void)state;
	/* It was all of these once, but never CAP_SYS_PTRACE. */
	assert_string_equal(missing(BIT_OF(CAP_SYS_ADMIN), PRIVILEGE_TRACE), "CAP_SYS_PTRACE");
	assert_string_equal(missing(BIT_OF(CAP_SYS_ADMIN), PRIVILEGE_FOREIGN_FILES),
			    "CAP_DAC_READ_SEARCH");
	assert_string_equal(missing(BIT_OF(CAP_DAC_OVERRIDE), PRIVILEGE_FOREIGN_FILES),
			    "CAP_CHECKPOINT_RESTORE");
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_PERF_UPROBES), "CAP_SYS_ADMIN");
}

static void test_other_uses(void **state)
{
	(void)state;
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_TRACE | PRIVILEGE_BECOME_USER),
			    "CAP_SETUID, CAP_SETGID, CAP_KILL");
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_FOREIGN_FILES),
			    "CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH");
	assert_int_equal(privileges__missing(0, ~0U, NULL, 0), 9);
	assert_int_equal(privileges__missing(~0ULL, ~0U, NULL, 0), 0);
}

static void test_cut(void **state)
{
	char names[12] = "untouched";

	(void)state;
	assert_int_equal(privileges__missing(0, ~0U, names, sizeof(names)), 9);
	assert_string_equal(names, "CAP_BPF, CA");
}

static void test_line(void **state)
{
	char error[256] = "untouched";

	(void)state;
	assert_int_equal(privileges__check(TRACE_SET, PRIVILEGE_TRACE, true, error, sizeof(error)),
			 0);
	assert_string_equal(error, "untouched");
	assert_int_equal(privileges__check(0, PRIVILEGE_TRACE, false, error, sizeof(error)),
			 -EPERM);
	assert_string_equal(error, "missing privileges: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE; run "
				   "as root (sudo memleak-bpf …)");
	/* Who is root already is not told to become it. */
	assert_int_equal(privileges__check(BIT_OF(CAP_SYS_ADMIN), PRIVILEGE_TRACE, true, error,
					   sizeof(error)),
			 -EPERM);
	assert_string_equal(error, "missing privileges: CAP_SYS_PTRACE; root was left without "
				   "them (as in a container or a service)");
	/* All of them fit in. */
	assert_int_equal(privileges__check(0, ~0U, true, error, sizeof(error)), -EPERM);
	assert_non_null(strstr(error, "CAP_KILL; root was left"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),	   cmocka_unit_test(test_wider_ones),
		cmocka_unit_test(test_other_uses), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
