// SPDX-License-Identifier: GPL-2.0
/*
 * Weeks of uptime, compressed: no table of the tracer only grows, and what it loses is counted by
 * its cause. Low limits bring about in seconds what otherwise takes days.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/wire.h"
#include "harness.h"
#include "map_view.h"

#define PATIENCE_MS 60000

/* memleak-bpf -f with those limits, tracing a shell that runs the script and then reads a line. */
static struct child *start_limited(const char *limits, const char *script)
{
	char report[4096], line[4096];
	const char *argv[16];
	struct child_options options = { .argv = argv, .report_path = report, .stdin_pipe = true };
	struct child *tracer;
	size_t n = tracer_words(argv);

	snprintf(report, sizeof(report), "%s", scratch("limited.jsonl"));
	unlink(report);
	snprintf(line, sizeof(line), "read begin; %s; echo scripted; read end", script);
	argv[n++] = "-f";
	argv[n++] = "--json";
	argv[n++] = "-w";
	argv[n++] = report;
	argv[n++] = "--";
	argv[n++] = "sh";
	argv[n++] = "-c";
	argv[n++] = line;
	argv[n] = NULL;
	setenv("MEMLEAK_BPF_TEST_LIMITS", limits, 1);
	tracer = child__start(&options);
	unsetenv("MEMLEAK_BPF_TEST_LIMITS");
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	return tracer;
}

static struct run *finish(struct child *tracer)
{
	struct run *run;

	child__send(tracer, "\n");
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	return run;
}

static unsigned int count_exits_of(const struct run *run, const char *comm)
{
	unsigned int nr = 0;
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record) nr +=
		!strcmp(text(record, "event"), "exit") && !strcmp(text(record, "comm"), comm) &&
		!strcmp(text(record, "end.kind"), "exited");
	return nr;
}

/* Runs the script while the tracer stands still, as when its reader does. */
static void script_while_stopped(struct child *tracer)
{
	kill(child__pid(tracer), SIGSTOP);
	child__send(tracer, "\n");
	child__wait_output(tracer, "scripted", 1, RUN_TIMEOUT_S);
	kill(child__pid(tracer), SIGCONT);
}

/* Waits until the map holds something of no more than that many address spaces. */
static void wait_for_serials(struct child *tracer, const char *name, size_t serial_at, size_t most)
{
	size_t nr = 0;

	for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 100) {
		nr = map_serials(child__pid(tracer), name, serial_at);
		if (nr <= most)
			return;
		pause_ms(100);
	}
	fail_msg("%s still holds something of %zu address spaces", name, nr);
}

/* All ends are reported, though the queue holds a few of them only. */
static void test_ends_that_come_late(void **state)
{
	char script[4096];
	struct child *tracer;
	struct run *run;
	(void)state;

	snprintf(script, sizeof(script), "%s 200 100000 %s", victim("storm"), victim("brief"));
	tracer = start_limited("ended=16", script);
	script_while_stopped(tracer);
	run = finish(tracer);
	assert_int_equal(count_exits_of(run, "brief"), 200);
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	run__free(run);
}

/* More than there is room for: each is counted, and what the maps hold of them goes. */
static void test_ends_that_are_lost(void **state)
{
	char script[4096];
	struct child *tracer;
	struct run *run;
	unsigned int nr;
	(void)state;

	snprintf(script, sizeof(script), "%s 200 100000 %s", victim("storm"), victim("brief"));
	tracer = start_limited("ended=16,late_ends=16,sweep_ms=500", script);
	script_while_stopped(tracer);
	/* The shell lives. */
	wait_for_serials(tracer, "sites", offsetof(struct site_key, serial), 1);
	wait_for_serials(tracer, "site_index", offsetof(struct site_index_key, serial), 1);
	wait_for_serials(tracer, "blocks", offsetof(struct block_key, serial), 1);
	run = finish(tracer);
	nr = count_exits_of(run, "brief");
	assert_in_range(nr, 30, 100);
	/* The storm itself has ended too. */
	assert_in_range(number(event_record(run, "total", 0), "lost.causes.no_room_for_end"),
			200 - nr, 201 - nr);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_ends_that_come_late),
		SYSTEM_TEST(test_ends_that_are_lost),
	};

	return cmocka_run_group_tests(tests, harness__begin, harness__end);
}
