// SPDX-License-Identifier: GPL-2.0
/*
 * Checks that --features tells the truth about this kernel: each path that it names works, no other
 * does.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness.h"

static json_t *features_of_kernel(void)
{
	struct child_options options = { .argv = ARGS(tracer_path(), "--features", "--json") };
	struct run *run = run_with(&options, RUN_TIMEOUT_S);
	json_t *line;

	assert_int_equal(run->exit_status, 0);
	assert_one_line(run->out);
	line = json_loads(run->out, 0, NULL);
	assert_non_null(line);
	run__free(run);
	return line;
}

static void test_features_as_json(void **state)
{
	json_t *features = features_of_kernel();
	struct utsname system;
	(void)state;

	assert_int_equal(uname(&system), 0);
	assert_string_equal(text(features, "event"), "features");
	assert_string_equal(text(features, "kernel"), system.release);
	assert_string_equal(text(features, "architecture"), system.machine);
	/* Otherwise no other test of this folder could pass. */
	assert_true(truth_value(features, "has.uprobe_perf"));
	assert_string_equal(text(features, "chosen.stack_walk"),
			    truth_value(features, "has.unwind") ? "tables" : "frame-pointers");
	assert_true(json_is_array(field(features, "degraded")));
	json_decref(features);
}

/* --features tells where functions are probed for the libc that the tracer runs on. */
static void test_probes_of_libc(void **state)
{
	json_t *features = features_of_kernel();
	const json_t *functions = field(features, "libc.functions"), *function;
	unsigned int nr_main = 0;
	size_t i;
	(void)state;

	assert_int_equal(access(text(features, "libc.file"), R_OK), 0);
	json_array_foreach(functions, i, function)
	{
		const char *name = text(function, "function");

		nr_main += !strcmp(name, "malloc") || !strcmp(name, "free");
		assert_true(number(function, "offset") > 0);
		assert_in_range(number(function, "probe_behind"), 0, 63);
		/* The kernel must single-step where nothing better was found, and only there. */
		assert_true(truth_value(function, "emulated") || !number(function, "probe_behind"));
	}
	assert_int_equal(nr_main, 2);
	json_decref(features);
}

static void test_features_as_text(void **state)
{
	struct child_options options = { .argv = ARGS(tracer_path(), "--features") };
	struct run *run = run_with(&options, RUN_TIMEOUT_S);
	json_t *features = features_of_kernel();
	char line[256];
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_string_equal(run->err, "");
	assert_contains(run->out, text(features, "kernel"));
	snprintf(line, sizeof(line), "  exit before %s ", text(features, "chosen.exit_before"));
	assert_contains(run->out, line);
	snprintf(line, sizeof(line), "  calls       %s ", text(features, "chosen.attach"));
	assert_contains(run->out, line);
	snprintf(line, sizeof(line), "\nwhere functions are probed in %s\n  malloc ",
		 text(features, "libc.file"));
	assert_contains(run->out, line);
	json_decref(features);
	run__free(run);
}

/* A program is traced by the paths that --features names. */
static void test_what_is_chosen_is_used(void **state)
{
	const char *const fields[][2] = {
		{ "chosen.exit_before", "probes.exit" },
		{ "chosen.exit_after", "probes.exit_after" },
		{ "chosen.attach", "probes.uprobe" },
	};
	json_t *features = features_of_kernel();
	struct run *run = trace(NO_ARGS, ARGS(victim("leak64")));
	const json_t *start = event_record(run, "start", 0);
	(void)state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		assert_string_equal(text(start, fields[i][1]), text(features, fields[i][0]));
	json_decref(features);
	run__free(run);
}

/* A path that the kernel has traces a program exactly; one that it lacks is refused in a line. */
static void check_path(const char *option, const char *way, bool possible, const char *start_field)
{
	struct child_options untraced = { .argv = ARGS(tracer_path(), option, way, "--",
						       victim("leak64")) };
	struct run *run;

	if (!possible) {
		run = run_with(&untraced, RUN_TIMEOUT_S);
		assert_int_equal(run->exit_status, 122);
		assert_one_line(run->err);
		assert_contains(run->err, option);
		assert_contains(run->err, way);
		run__free(run);
		return;
	}
	run = trace(ARGS(option, way), ARGS(victim("leak64")));
	assert_string_equal(text(event_record(run, "start", 0), start_field), way);
	assert_held(exit_record(run), 64 * MIB, 1);
	assert_reclaimed(exit_record(run));
	assert_nothing_lost(exit_record(run));
	run__free(run);
}

static void test_each_way_to_see_the_memory_before(void **state)
{
	json_t *features = features_of_kernel();
	(void)state;

	check_path("--exit-hook", "kprobe", truth_value(features, "has.kprobe_exit"),
		   "probes.exit");
	check_path("--exit-hook", "fentry", truth_value(features, "has.fentry"), "probes.exit");
	check_path("--exit-hook", "tracepoint",
		   truth_value(features, "has.exit_tracepoint_has_memory"), "probes.exit");
	json_decref(features);
}

static void test_each_way_to_see_the_memory_after(void **state)
{
	json_t *features = features_of_kernel();
	(void)state;

	check_path("--exit-after", "tracepoint", truth_value(features, "has.raw_tp_exit_mmap"),
		   "probes.exit_after");
	check_path("--exit-after", "fexit", truth_value(features, "has.fentry"),
		   "probes.exit_after");
	check_path("--exit-after", "kretprobe", truth_value(features, "has.kprobe_exit"),
		   "probes.exit_after");
	json_decref(features);
}

static void test_each_way_to_see_calls(void **state)
{
	json_t *features = features_of_kernel();
	(void)state;

	check_path("--attach", "perf", truth_value(features, "has.uprobe_perf"), "probes.uprobe");
	check_path("--attach", "multi", truth_value(features, "has.uprobe_multi"), "probes.uprobe");
	check_path("--attach", "session", truth_value(features, "has.uprobe_session"),
		   "probes.uprobe");
	json_decref(features);
}

static struct run *trace_forty_ends_at_once(const char *const options[])
{
	char script[512];

	snprintf(script, sizeof(script), "for i in $(seq 40); do %s 3000 & done; wait",
		 victim("brief"));
	return trace(options, ARGS("sh", "-c", script));
}

/*
 * The kernel follows only a few calls at once by return probes. With many ends at a time some are
 * missed: each is still reported, with an open verdict, and counted.
 */
static void test_missed_return_probes_are_counted(void **state)
{
	json_t *features = features_of_kernel();
	bool possible = truth_value(features, "has.kprobe_exit");
	unsigned int nr_missed = 0, nr_ended = 0;
	long long nr_calls = 0;
	const json_t *event;
	struct run *run;
	size_t i;
	(void)state;

	json_decref(features);
	if (!possible)
		SKIP("the kernel has no kprobes");
	run = trace_forty_ends_at_once(
		ARGS("-f", "--exit-hook", "kprobe", "--exit-after", "kretprobe"));
	json_array_foreach(run->events, i, event)
	{
		/* On a slow processor, a process can be reported before its memory is. */
		if (strcmp(text(event, "event"), "exit") != 0 ||
		    !truth_value(event, "end.memory_gone"))
			continue;
		/*
		 * The fork's copy, which exec ended, may have the new name already. When its
		 * teardown was missed, the kind of its end is unknown.
		 */
		nr_ended += !strcmp(text(event, "comm"), "brief") && !is_null(event, "end.kind") &&
			    !strcmp(text(event, "end.kind"), "exited");
		nr_calls += number(event, "lost.events");
		if (json_is_true(field(event, "verified")))
			continue;
		assert_true(is_null(event, "verified"));
		assert_string_equal(text(event, "verified_why"), "the teardown's end was not seen");
		nr_missed++;
	}
	assert_int_equal(nr_ended, 40);
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"),
			 nr_missed + nr_calls);
	run__free(run);
}

/* A preemptible kernel can pass over single hooks: the default paths must bear that. */
static void test_many_ends_at_once(void **state)
{
	unsigned int nr_ended = 0;
	const json_t *event;
	struct run *run;
	size_t i;
	(void)state;

	run = trace_forty_ends_at_once(ARGS("-f"));
	json_array_foreach(run->events, i, event)
	{
		if (strcmp(text(event, "event"), "exit") != 0 ||
		    !truth_value(event, "end.memory_gone"))
			continue;
		assert_true(truth_value(event, "verified"));
		nr_ended += !strcmp(text(event, "comm"), "brief") &&
			    !strcmp(text(event, "end.kind"), "exited");
	}
	assert_int_equal(nr_ended, 40);
	run__free(run);
}

/* Missing features of this kernel are told once, in one line, before anything else. */
static void test_what_is_degraded_is_said(void **state)
{
	json_t *features = features_of_kernel();
	struct run *run = run_tracer(ARGS("--", victim("leak64")));
	const json_t *degraded = field(features, "degraded"), *line;
	struct run *as_json = trace(NO_ARGS, ARGS(victim("leak64")));
	size_t i;
	(void)state;

	assert_int_equal(strncmp(run->err, "on Linux ", 9) == 0, json_array_size(degraded) > 0);
	json_array_foreach(degraded, i, line)
	{
		char *said = strstr(run->err, json_string_value(line));

		assert_non_null(said);
		assert_true(said < strchr(run->err, '\n'));
	}
	assert_true(json_equal(degraded, field(event_record(as_json, "start", 0), "degraded")));
	json_decref(features);
	run__free(run);
	run__free(as_json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_features_as_json),
		SYSTEM_TEST(test_probes_of_libc),
		SYSTEM_TEST(test_features_as_text),
		SYSTEM_TEST(test_what_is_chosen_is_used),
		SYSTEM_TEST(test_each_way_to_see_the_memory_before),
		SYSTEM_TEST(test_each_way_to_see_the_memory_after),
		SYSTEM_TEST(test_each_way_to_see_calls),
		SYSTEM_TEST(test_missed_return_probes_are_counted),
		SYSTEM_TEST(test_many_ends_at_once),
		SYSTEM_TEST(test_what_is_degraded_is_said),
	};

	return cmocka_run_group_tests_name("features", tests, harness__begin, harness__end);
}
