// SPDX-License-Identifier: GPL-2.0
/* --fail-on: which rules are broken by which reports, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exit_code.h"
#include "fail_rules.h"
#include "leaks/leak_kind.h"

static const struct process_report good = {
	.pid = 7,
	.comm = "job",
	.has_allocator = true,
	.verified = VERDICT_TRUE,
	.end = { .kind = END_EXITED, .memory_gone = true },
};

static struct fail_rules rules_of(const char *text)
{
	struct fail_rules rules = { 0 };

	assert_true(fail_rules__parse(&rules, text));
	return rules;
}

static const char *told(const struct broken_rules *broken, enum fail_rule rule)
{
	static char line[256];

	return broken_rules__tell(broken, rule, line, sizeof(line)) ? line : "";
}

static void test_words(void **state)
{
	struct fail_rules rules = { 0 };
	(void)state;

	assert_false(fail_rules__any(&rules));
	rules = rules_of("held=64K,lost");
	assert_true(rules.is_set[FAIL_HELD] && rules.is_set[FAIL_LOST]);
	assert_int_equal(rules.held_bytes, 65536);
	assert_false(rules.is_set[FAIL_KEPT]);
	assert_true(fail_rules__any(&rules));
	rules = rules_of("definite,possible,kept,unverified,held");
	assert_true(rules.is_set[FAIL_DEFINITE] && rules.is_set[FAIL_POSSIBLE] &&
		    rules.is_set[FAIL_KEPT] && rules.is_set[FAIL_UNVERIFIED]);
	assert_int_equal(rules.held_bytes, 0);
	assert_false(fail_rules__parse(&rules, ""));
	assert_false(fail_rules__parse(&rules, "held,"));
	assert_false(fail_rules__parse(&rules, "leaks"));
	assert_false(fail_rules__parse(&rules, "held="));
	assert_false(fail_rules__parse(&rules, "held=x"));
	assert_false(fail_rules__parse(&rules, "lost=1"));
}

static void test_held(void **state)
{
	struct fail_rules any = rules_of("held"), kib = rules_of("held=1K");
	struct process_report process = good;
	struct broken_rules broken = { 0 };
	(void)state;

	broken_rules__add_end(&broken, &any, &process);
	assert_string_equal(told(&broken, FAIL_HELD), "");
	process.held_blocks = 1; /* of no bytes */
	broken_rules__add_end(&broken, &any, &process);
	assert_string_equal(told(&broken, FAIL_HELD),
			    "--fail-on held: PID 7 (job) held 0 bytes in 1 block at its end");
	broken = (struct broken_rules){ 0 };
	process.held_bytes = 1023;
	broken_rules__add_end(&broken, &kib, &process);
	assert_int_equal(broken.times[FAIL_HELD], 0);
	process.held_bytes = 1024;
	broken_rules__add_end(&broken, &kib, &process);
	process.pid = 8;
	broken_rules__add_end(&broken, &kib, &process);
	assert_string_equal(told(&broken, FAIL_HELD),
			    "--fail-on held: PID 7 (job) held 1,024 bytes in 1 block at its end, "
			    "and 1 more");
	/* It went on as another program. */
	process.end.kind = END_EXEC;
	broken_rules__add_end(&broken, &any, &process);
	assert_int_equal(broken.times[FAIL_HELD], 2);
	assert_int_equal(broken.unknown_held, 0);
}

/* Who asks must not take an unknown figure for a small one. */
static void test_held_is_unknown(void **state)
{
	struct fail_rules rules = rules_of("held=1G");
	struct process_report process = good;
	struct broken_rules broken = { 0 };
	const struct leaks_found found = { 0 };
	struct options options = { .error_exitcode = 3, .fail_on = rules };
	(void)state;

	process.has_allocator = false;
	broken_rules__add_end(&broken, &rules, &process);
	assert_int_equal(broken.unknown_held, 1);
	assert_int_equal(exit_code__of_run(&options, &found, &broken, 0), STATUS_FAILED);
	assert_int_equal(exit_code__of_run(&options, &found, &broken, 7), 7);
	broken.times[FAIL_LOST] = 1;
	assert_int_equal(exit_code__of_run(&options, &found, &broken, 0), 3);
	assert_int_equal(exit_code__of_run(&options, &found, &broken, 7), 7);
}

static void test_unverified(void **state)
{
	struct fail_rules rules = rules_of("unverified");
	struct process_report process = good;
	struct broken_rules broken = { 0 };
	(void)state;

	broken_rules__add_end(&broken, &rules, &process);
	assert_string_equal(told(&broken, FAIL_UNVERIFIED), "");
	process.verified = VERDICT_FALSE;
	broken_rules__add_end(&broken, &rules, &process);
	assert_string_equal(told(&broken, FAIL_UNVERIFIED),
			    "--fail-on unverified: not all memory of PID 7 (job) was reclaimed");
	broken = (struct broken_rules){ 0 };
	process.verified = VERDICT_UNKNOWN;
	broken_rules__add_end(&broken, &rules, &process);
	assert_int_equal(broken.times[FAIL_UNVERIFIED], 1);
}

static void test_kept(void **state)
{
	const struct report_kept kept = { .kind = "posix", .name = "/dev/shm/a" };
	struct fail_rules rules = rules_of("kept");
	struct process_report process = good;
	struct broken_rules broken = { 0 };
	(void)state;

	broken_rules__add_end(&broken, &rules, &process);
	assert_string_equal(told(&broken, FAIL_KEPT), "");
	process.stays.kept = &kept;
	process.stays.nr_kept = 1;
	broken_rules__add_end(&broken, &rules, &process);
	assert_string_equal(told(&broken, FAIL_KEPT),
			    "--fail-on kept: shared memory outlives PID 7 (job): /dev/shm/a");
}

static void test_lost(void **state)
{
	struct fail_rules rules = rules_of("lost"), others = rules_of("held");
	struct report_lost lost = { { 0 } };
	struct broken_rules broken = { 0 };
	(void)state;

	broken_rules__add_lost(&broken, &rules, &lost);
	assert_string_equal(told(&broken, FAIL_LOST), "");
	lost.by_cause[LOSS_BLOCK_MAP_FULL] = 3;
	broken_rules__add_lost(&broken, &others, &lost);
	assert_string_equal(told(&broken, FAIL_LOST), "");
	broken_rules__add_lost(&broken, &rules, &lost);
	assert_string_equal(told(&broken, FAIL_LOST),
			    "--fail-on lost: lost 3 blocks for which there was no room (see "
			    "--max-blocks)");
}

static void test_leaks(void **state)
{
	struct fail_rules rules = rules_of("definite");
	struct broken_rules broken = { 0 };
	(void)state;

	broken_rules__add_leaks(&broken, &rules, LEAK_KIND_BIT(LEAK_POSSIBLE));
	assert_string_equal(told(&broken, FAIL_DEFINITE), "");
	assert_string_equal(told(&broken, FAIL_POSSIBLE), "");
	broken_rules__add_leaks(&broken, &rules, LEAK_KIND_BIT(LEAK_DEFINITE));
	assert_string_equal(told(&broken, FAIL_DEFINITE),
			    "--fail-on definite: a leak check found such blocks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_held_is_unknown),
		cmocka_unit_test(test_unverified),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
