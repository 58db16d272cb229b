// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for whom: the tracer answers and ends soon whatever is slow, and neither haste nor
 * SIGKILL leaves anything behind.
 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the end of a tracer whose probes take long to take away ---- */

static struct child *start_victim(void)
{
	const char *argv[] = { victim("obey_static"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *child = child__start(&options);

	child__wait_output(child, "ready\n", 1, 30);
	return child;
}

static void end_victim(struct child *child)
{
	struct run *run;

	child__send(child, "alloc 10 100\nfree 20\nexit 21\n");
	run = child__finish(child, 30);
	assert_int_equal(run->exit_status, 21);
	run__free(run);
}

/* Traces them by perf events, which take the longest to close; in a process group of its own. */
static struct child *start_slow_tracer(struct child *const *victims, unsigned int nr,
				       const char *report)
{
	char pids[256] = "";
	const char *argv[] = { tracer_path(), "--attach", "perf", "--json", "-w",
			       report,	      "-p",	  pids,	  NULL };
	struct child_options options = { .argv = argv, .report_path = report, .own_group = true };

	for (unsigned int i = 0; i < nr; i++)
		snprintf(pids + strlen(pids), sizeof(pids) - strlen(pids), "%s%d", i ? "," : "",
			 child__pid(victims[i]));
	unlink(report);
	return child__start(&options);
}

static void kill_group(struct child *tracer)
{
	if (child__is_running(tracer))
		kill(-child__pid(tracer), SIGKILL);
}

/* As timeout -k does it, at a moment of each try: half the breakpoints must not stay. */
static void test_killed_group_while_it_detaches(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < scaled(8); i++) {
		struct child *victim_child = start_victim();
		struct child *tracer = start_slow_tracer(&victim_child, 1, scratch("group.json"));

		child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
		kill(child__pid(tracer), SIGINT);
		child__wait_event(tracer, "total", 1, RUN_TIMEOUT_S);
		pause_ms(25 * i);
		kill_group(tracer);
		run__free(child__finish(tracer, 30));
		assert_text_untouched(child__pid(victim_child), victim("obey_static"));
		end_victim(victim_child);
	}
	assert_no_bpf_objects_since(&before);
}

static void test_killed_group_while_it_attaches(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < scaled(8); i++) {
		struct child *victim_child = start_victim();
		struct child *tracer = start_slow_tracer(&victim_child, 1, scratch("group.json"));

		for (int waited_ms = 0;
		     waited_ms < 10000 && child__is_running(tracer) &&
		     !text_is_touched(child__pid(victim_child), victim("obey_static"));
		     waited_ms++)
			pause_ms(1);
		pause_ms((long)i * 3);
		kill_group(tracer);
		run__free(child__finish(tracer, 30));
		assert_text_untouched(child__pid(victim_child), victim("obey_static"));
		end_victim(victim_child);
	}
	assert_no_bpf_objects_since(&before);
}

/* The report and the exit status are out long before the kernel has taken the last probe away. */
static void test_end_does_not_wait_for_probes(void **state)
{
	enum { NR_VICTIMS = 12 };
	struct bpf_objects before = bpf_objects_now();
	struct child *victims[NR_VICTIMS], *tracer;
	struct run *run;
	double began_s, took_s;
	(void)state;

	for (unsigned int i = 0; i < NR_VICTIMS; i++)
		victims[i] = start_victim();
	tracer = start_slow_tracer(victims, NR_VICTIMS, scratch("soon.json"));
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	kill(child__pid(tracer), SIGINT);
	child__wait_event(tracer, "total", 1, RUN_TIMEOUT_S);
	began_s = now_s();
	run = child__finish(tracer, RUN_TIMEOUT_S);
	took_s = now_s() - began_s;
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	if (took_s > 3)
		fail_msg("it ended %.1f s after its report", took_s);
	run__free(run);
	for (unsigned int i = 0; i < NR_VICTIMS; i++)
		assert_text_untouched(child__pid(victims[i]), victim("obey_static"));
	for (unsigned int i = 0; i < NR_VICTIMS; i++)
		end_victim(victims[i]);
	assert_no_bpf_objects_since(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_killed_group_while_it_detaches),
		SYSTEM_TEST(test_killed_group_while_it_attaches),
		SYSTEM_TEST(test_end_does_not_wait_for_probes),
	};

	return cmocka_run_group_tests_name("waiting", tests, harness__begin, harness__end);
}
