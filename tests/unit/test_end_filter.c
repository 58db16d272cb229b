// SPDX-License-Identifier: GPL-2.0
/* --only: which ends are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "end_filter.h"

static const struct process_report example = {
	.comm = "nginx",
	.cgroup = "/system.slice/nginx.service",
	.uid = 33,
	.has_allocator = true,
	.held_bytes = 5000,
	.verified = VERDICT_TRUE,
	.end = { .kind = END_EXITED, .code = 1 },
};

static bool shows(const char *terms, const struct process_report *process)
{
	struct end_filter filter = { 0 };

	assert_true(end_filter__parse(&filter, terms));
	return end_filter__shows(&filter, process);
}

static bool is_refused(const char *terms)
{
	struct end_filter filter = { 0 };

	return !end_filter__parse(&filter, terms);
}

static void test_refusals(void **state)
{
	(void)state;
	assert_true(is_refused(""));
	assert_true(is_refused("oom,"));
	assert_true(is_refused("OOM"));
	assert_true(is_refused("held"));
	assert_true(is_refused("held>5"));
	assert_true(is_refused("held>="));
	assert_true(is_refused("comm="));
	assert_true(is_refused("uid=root"));
	assert_true(is_refused("uid=4294967295"));
	assert_true(is_refused("unit=a,unit=b,unit=c,unit=d,unit=e,unit=f,unit=g,unit=h,unit=i,"
			       "unit=j,unit=k,unit=l,unit=m"
			       ",uid=1,unit="));
	assert_true(is_refused("uid=1,uid=1,uid=1,uid=1,uid=1,uid=1,uid=1,uid=1,uid=1,uid=1,uid=1,"
			       "uid=1,uid=1,uid=1,uid=1,uid=1,uid=1"));
}

static void test_ends(void **state)
{
	struct process_report process = example;
	(void)state;

	assert_true(shows("failed", &process));
	assert_false(shows("signalled", &process));
	assert_true(shows("signalled,failed", &process));
	process.end.code = 0;
	assert_false(shows("failed", &process));
	process.end.kind = END_SIGNALLED;
	assert_true(shows("signalled", &process));
	assert_false(shows("oom,failed", &process));
	/* The OOM killer's is a signal. */
	process.end.kind = END_OOM;
	assert_true(shows("oom", &process));
	assert_true(shows("signalled", &process));
	process.end.kind = END_EXEC;
	assert_false(shows("oom,signalled,failed", &process));
	assert_true(shows("comm=nginx", &process));
}

static void test_what_it_held(void **state)
{
	struct process_report process = example;
	(void)state;

	assert_true(shows("held>=5000", &process));
	assert_true(shows("held=4K", &process));
	assert_false(shows("held=5K", &process));
	assert_false(shows("held=5K,failed", &process));
	process.has_allocator = false;
	assert_false(shows("held=1", &process));
	assert_true(shows("failed", &process));
}

static void test_who_it_was(void **state)
{
	struct process_report process = example;
	(void)state;

	assert_true(shows("comm=ngi*", &process));
	assert_true(shows("comm=apache*,comm=ngin?", &process));
	assert_false(shows("comm=ngi", &process));
	assert_true(shows("unit=nginx.service", &process));
	assert_true(shows("unit=*.service", &process));
	assert_true(shows("unit=system.slice", &process));
	assert_false(shows("unit=nginx", &process));
	assert_false(shows("unit=redis.service,unit=user*", &process));
	assert_true(shows("uid=33", &process));
	assert_true(shows("uid=0,uid=33", &process));
	assert_false(shows("uid=0", &process));
	/* Different things must all hold. */
	assert_true(shows("uid=33,comm=nginx,failed,held=1", &process));
	assert_false(shows("uid=0,comm=nginx", &process));
	process.cgroup = NULL;
	assert_false(shows("unit=*", &process));
}

static void test_several_options(void **state)
{
	struct end_filter filter = { 0 };
	struct process_report process = example;
	char text[2000];
	(void)state;

	assert_true(end_filter__parse(&filter, "comm=apache"));
	assert_true(end_filter__parse(&filter, "comm=nginx,failed"));
	assert_true(end_filter__shows(&filter, &process));
	process.comm = "apache";
	assert_true(end_filter__shows(&filter, &process));
	process.comm = "sh";
	assert_false(end_filter__shows(&filter, &process));
	snprintf(text, sizeof(text), "comm=%01020d", 1);
	assert_false(end_filter__parse(&filter, text));
}

static void test_always(void **state)
{
	const struct end_filter none = { 0 };
	struct process_report process = example;
	(void)state;

	assert_true(end_filter__shows(&none, &process));
	process.verified = VERDICT_FALSE;
	assert_true(shows("comm=other", &process));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),	cmocka_unit_test(test_ends),
		cmocka_unit_test(test_what_it_held),	cmocka_unit_test(test_who_it_was),
		cmocka_unit_test(test_several_options), cmocka_unit_test(test_always),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
