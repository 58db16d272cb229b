// SPDX-License-Identifier: GPL-2.0
/* The capabilities that are missing for each purpose, and the line that says so. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes/privileges.h"

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
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_GUARDED_PERF), "CAP_SYS_ADMIN");
}

static void test_other_uses(void **state)
{
	(void)state;
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_TRACE | PRIVILEGE_BECOME_USER),
			    "CAP_SETUID, CAP_SETGID, CAP_KILL");
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_FOREIGN_FILES),
			    "CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH");
	/* Reading everybody's files does not include writing to their memory. */
	assert_string_equal(missing(TRACE_SET | BIT_OF(CAP_DAC_READ_SEARCH), PRIVILEGE_GUARD),
			    "CAP_DAC_OVERRIDE");
	assert_string_equal(missing(BIT_OF(CAP_DAC_OVERRIDE), PRIVILEGE_GUARD), "");
	assert_string_equal(missing(TRACE_SET, PRIVILEGE_TRACE | PRIVILEGE_HOLD), "CAP_KILL");
	assert_string_equal(missing(BIT_OF(CAP_KILL), PRIVILEGE_HOLD), "");
	assert_int_equal(privileges__missing(0, ~0U, NULL, 0), 10);
	assert_int_equal(privileges__missing(~0ULL, ~0U, NULL, 0), 0);
}

static void test_cut(void **state)
{
	char names[12] = "untouched";

	(void)state;
	assert_int_equal(privileges__missing(0, ~0U, names, sizeof(names)), 10);
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
	/* A user who is root already is not told to become root. */
	assert_int_equal(privileges__check(BIT_OF(CAP_SYS_ADMIN), PRIVILEGE_TRACE, true, error,
					   sizeof(error)),
			 -EPERM);
	assert_string_equal(error, "missing privileges: CAP_SYS_PTRACE; root was left without "
				   "them (as in a container or a service)");
	/* All of them fit in. */
	assert_int_equal(privileges__check(0, ~0U, true, error, sizeof(error)), -EPERM);
	assert_non_null(strstr(error, "CAP_KILL; root was left"));
}

/* Runs in a child, which ends with the number of the line where it went wrong. */
#define EXPECT(condition)                \
	do {                             \
		if (!(condition))        \
			_exit(__LINE__); \
	} while (0)

static bool is_effective(int capability)
{
	return privileges__effective() & BIT_OF(capability);
}

static void give_up_two(void)
{
	/* One of the lower and one of the upper half of the sets. */
	static const int both[] = { CAP_KILL, CAP_BPF };
	uint64_t others = privileges__effective() & ~(BIT_OF(CAP_KILL) | BIT_OF(CAP_BPF));

	for (size_t i = 0; i < 2; i++) {
		EXPECT(privileges__set_aside(both[i]));
		EXPECT(!is_effective(both[i]));
		EXPECT(!privileges__set_aside(both[i]));
		EXPECT(privileges__take_back(both[i]) == 0);
		EXPECT(is_effective(both[i]));
		EXPECT(privileges__set_aside(both[i]));
		EXPECT(privileges__drop(both[i]) == 0);
		EXPECT(privileges__take_back(both[i]) == -EPERM);
		EXPECT(!is_effective(both[i]));
		EXPECT(prctl(PR_CAPBSET_READ, both[i]) == 0);
	}
	EXPECT(privileges__effective() == others);
	/* Without the right to change the bounding set it is given up all the same. */
	EXPECT(privileges__drop(CAP_SETPCAP) == 0);
	EXPECT(privileges__drop(CAP_CHOWN) == 0);
	EXPECT(privileges__take_back(CAP_CHOWN) == -EPERM);
}

static void test_giving_up(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (!is_effective(CAP_KILL) || !is_effective(CAP_BPF) || !is_effective(CAP_SETPCAP))
		skip();
	pid = fork();
	if (!pid) {
		give_up_two();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),	   cmocka_unit_test(test_wider_ones),
		cmocka_unit_test(test_other_uses), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_line),	   cmocka_unit_test(test_giving_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
