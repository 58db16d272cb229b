// SPDX-License-Identifier: GPL-2.0
/* The resident set out of /proc/PID/status: exact, or unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/resident.h"

static struct resident parse(const char *text)
{
	FILE *status = fmemopen((void *)text, strlen(text), "r");
	struct resident resident;

	assert_non_null(status);
	resident = resident__parse(status);
	fclose(status);
	return resident;
}

static void test_all_lines(void **state)
{
	struct resident resident =
		parse("Name:\tRssAnon:\t 7 kB\nVmRSS:\t    9 kB\n"
		      "RssAnon:\t     172 kB\nRssFile:\t    1 kB\n"
		      "RssShmem:\t       0 kB\nVmSwap:\t 18014398509481983 kB\n");
	(void)state;

	assert_int_equal(resident.anon_bytes, 172 * 1024);
	assert_int_equal(resident.file_bytes, 1024);
	assert_int_equal(resident.shmem_bytes, 0);
	assert_true(resident.swap_bytes == FIGURE_UNKNOWN); /* it does not fit */
}

/* A kernel thread, and a process that is gone, have none. */
static void test_what_is_not_there_is_unknown(void **state)
{
	static const char *const texts[] = { "Name:\tkthreadd\n",  "RssAnon:\n",
					     "RssAnon:\t-1 kB\n",  "RssAnon:\t1 MB\n",
					     "RssAnon:\t1 kB x\n", " RssAnon:\t1 kB\n",
					     "RssAnon:\t1 kB" };
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(parse(texts[i]).anon_bytes == FIGURE_UNKNOWN);
}

static void test_this_process(void **state)
{
	struct resident resident = resident__read(getpid());
	(void)state;

	assert_true(resident.anon_bytes > 0);
	assert_true(resident.file_bytes > 0);
	assert_true(resident.shmem_bytes >= 0 && resident.swap_bytes >= 0);
	assert_true(resident__read(INT32_MAX).anon_bytes == FIGURE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lines),
		cmocka_unit_test(test_what_is_not_there_is_unknown),
		cmocka_unit_test(test_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
