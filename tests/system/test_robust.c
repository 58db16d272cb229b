// SPDX-License-Identifier: GPL-2.0
/* Nobody is harmed and nothing is left: full maps, a killed tracer, hostile programs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "options.h"

/* ---- programs that a careless tracer kills or confuses ---- */

static void test_bad_alloc(void **state)
{
	struct run *run = trace_all(ARGS(victim("bad_alloc")));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "ok\n");
	assert_exact_in(record,
			&(struct truth){ .held_bytes = truth.held_bytes,
					 .held_blocks = truth.held_blocks,
					 .failed = number(record, "totals.failed") },
			ARGS("main"), 1);
	/* Each of the 26 asked malloc, some of them twice (the pool of libstdc++'s exceptions). */
	assert_in_range(number(record, "totals.failed"), 26, 60);
	assert_nothing_lost(record);
	run__free(run);
}

static void test_strict_seccomp_filter(void **state)
{
	struct run *plain = run_plain(ARGS(victim("seccomp")));
	struct run *run;
	struct truth truth;
	(void)state;

	if (plain->exit_status != 0)
		SKIP("the filter does not suit this machine's libc, even untraced");
	run__free(plain);
	run = trace_all(ARGS(victim("seccomp")));
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "ok\n");
	truth = truth_of(run, 0);
	assert_exact(exit_record(run), &truth);
	run__free(run);
}

/* siglongjmp out of malloc: all later calls are followed as if nothing had happened. */
static void check_jump(const char *how)
{
	struct run *run = trace_all(ARGS(victim("jump"), how));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);

	assert_int_equal(run->exit_status, 0);
	/* The calls that were jumped out of never returned a block: neither held nor failed. */
	assert_held(record, truth.held_bytes, truth.held_blocks);
	assert_int_equal(stacks_with(record, "keep").blocks, 50);
	assert_int_equal(stacks_with(record, "jump_out_of_malloc").blocks, 0);
	assert_consistent(record);
	run__free(run);
}

static void test_jump_out_of_malloc(void **state)
{
	(void)state;
	check_jump("trap");
}

static void test_jump_from_alternate_stack(void **state)
{
	(void)state;
	check_jump("altstack");
}

/* In this test, the handler's frames lie above the frames that it interrupted. */
static void test_jump_from_stack_above(void **state)
{
	(void)state;
	check_jump("onstack");
}

static void test_jump_by_timer(void **state)
{
	struct run *run = trace_all(ARGS(victim("jump"), "timer"));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(stacks_with(record, "keep").blocks, 50);
	assert_int_equal(stacks_with(record, "keep").bytes, 50 * 70);
	/* At most one for each of 200 jumps. */
	assert_in_range(stacks_with(record, "take_and_return").blocks, 0, 200);
	assert_consistent(record);
	run__free(run);
}

/* The handler allocates while malloc is interrupted: the interrupted call must not be missed. */
static void check_nested(const char *how)
{
	struct run *run = trace_all(ARGS(victim("jump"), how));
	const json_t *record = exit_record(run);

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(stacks_with(record, "interrupted_outer").bytes, 3 << 20);
	assert_int_equal(stacks_with(record, "interrupted_outer").blocks, 1);
	assert_int_equal(stacks_with(record, "keep").blocks, 50);
	assert_consistent(record);
	run__free(run);
}

static void test_malloc_interrupted_by_malloc(void **state)
{
	(void)state;
	check_nested("nested");
}

/*
 * The kernel takes the return probe of a frame below the stack pointer for one that was jumped out
 * of, and ends the program by SIGILL when that frame returns after all. Sessions set no second
 * probe, so the kernel does not look.
 */
static void test_malloc_interrupted_by_malloc_on_stack_above(void **state)
{
	struct run *run = trace_all(ARGS(victim("hello")));
	bool session = !strcmp(text(event_record(run, "start", 0), "probes.uprobe"), "session");
	(void)state;

	run__free(run);
	if (!session)
		SKIP("return probes of a kernel without sessions don't survive this; see docs/limits.md");
	check_nested("nested-onstack");
}

/* ---- limits ---- */

static void test_block_map_full(void **state)
{
	struct run *run =
		trace(ARGS("--max-blocks", "1000"), ARGS(victim("million"), "5000", "24"));
	const json_t *record = exit_record(run);
	long long held = number(record, "held.blocks"), lost = number(record, "lost.blocks");
	(void)state;

	assert_int_equal(run->exit_status, 0);
	/* A hash map may keep a little less or more than it was asked for. */
	assert_in_range(held, 900, 1200);
	assert_int_equal(held + lost, 5000);
	assert_int_equal(number(record, "held.bytes"), held * 24);
	assert_true(json_is_true(field(record, "verified")));
	assert_int_equal(number(event_record(run, "total", 0), "lost.blocks"), lost);
	run__free(run);

	run = run_tracer(ARGS("--max-blocks", "1000", "--", victim("million"), "5000", "24"));
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->err, "at least");
	assert_contains(run->err, "--max-blocks");
	run__free(run);
}

static void test_stack_map_full(void **state)
{
	struct run *run = trace(ARGS("--max-stacks", "100", "-T", "5000"),
				ARGS(victim("many_stacks"), "1000", "20"));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);
	(void)state;

	/* The held figures are right; only the origin of some blocks is unknown. */
	assert_held(record, truth.held_bytes, truth.held_blocks);
	assert_in_range(number(record, "lost.stacks"), 800, 1000);
	assert_int_equal(number(record, "lost.blocks"), 0);
	assert_consistent(record);
	run__free(run);
}

/*
 * More events than the ring buffer has room for: they are counted, and the program is neither held
 * up nor hurt.
 */
static void test_trace_of_a_flood(void **state)
{
	char rounds[16];
	struct run *run;
	struct truth truth;
	const json_t *record;
	unsigned int allocated;
	(void)state;

	snprintf(rounds, sizeof(rounds), "%u", scaled(10000));
	run = trace(ARGS("-t", "-T", "1000"), ARGS(victim("hammer"), "8", rounds, "25"));
	truth = truth_of(run, 0);
	record = exit_record(run);
	allocated = count_events(run, "alloc");
	assert_int_equal(run->exit_status, 0);
	assert_int_equal(stacks_with(record, "keep").blocks, truth.held_blocks);
	/* Each call is reported, or counted as lost. */
	if (allocated < truth.allocated_blocks)
		assert_true(number(event_record(run, "total", 0), "lost.events") > 0);
	run__free(run);
}

static void test_million_blocks(void **state)
{
	char count[16], room[16];
	struct run *run;
	struct truth truth;
	const json_t *record;
	(void)state;

	snprintf(count, sizeof(count), "%u", scaled(1000000));
	snprintf(room, sizeof(room), "%u", scaled(2000000));
	run = trace(ARGS("--max-blocks", room, "-T", "1000000"), ARGS(victim("million"), count));
	truth = truth_of(run, 0);
	record = exit_record(run);
	assert_int_equal(truth.held_blocks, scaled(1000000));
	assert_exact(record, &truth);
	assert_int_equal(stacks_with(record, "keep").blocks, truth.held_blocks);
	/*
	 * The time of everything but the run itself: start, report, sweep. This is no benchmark: it
	 * only has to end.
	 */
	assert_true(run->wall_s - real(record, "run_s") < 30);
	run__free(run);
}

/* ---- the tracer itself is killed ---- */

static pid_t child_of(pid_t parent)
{
	double end_s = now_s() + 20;

	while (now_s() < end_s) {
		for (pid_t pid = parent + 1; pid < parent + 3000; pid++) {
			char path[64], line[512];
			char *name_end;
			int found = 0;
			FILE *file;

			snprintf(path, sizeof(path), "/proc/%d/stat", pid);
			file = fopen(path, "r");
			if (!file)
				continue;
			if (fgets(line, sizeof(line), file) && (name_end = strrchr(line, ')')))
				sscanf(name_end + 1, " %*c %d", &found);
			fclose(file);
			if (found == parent)
				return pid;
		}
		usleep(5000);
	}
	fail_msg("process %d has no child", parent);
	return 0;
}

static void test_killed_tracer_leaves_the_command(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	const char *argv[] = { tracer_path(),	      "-w", scratch("killed.txt"), "--",
			       victim("obey_static"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *tracer = child__start(&options);
	pid_t command;
	struct run *run;
	(void)state;

	child__wait_output(tracer, "ready\n", 1, 30);
	child__send(tracer, "alloc 10 100\n");
	child__wait_output(tracer, "ok\n", 1, 30);
	command = child_of(child__pid(tracer));
	kill(child__pid(tracer), SIGKILL);
	/* The command is our child now. Its lines come through the same pipe as before. */
	usleep(300000);
	assert_no_bpf_objects_since(&before);
	assert_text_untouched(command, victim("obey_static"));
	child__send(tracer, "alloc 10 100\nfree 20\nexit 21\n");
	run = harness__wait_orphan(command, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 21);
	run__free(run);
	run = child__finish(tracer, 10);
	assert_int_equal(run->signal, SIGKILL);
	assert_contains(run->out, "ready\nok\nok\nok\n");
	run__free(run);
}

/* The step between the moments that are tried: in an emulator, only a few are. */
static unsigned int step(void)
{
	return scaled(10) == 10 ? 1 : 5;
}

/* Kills a tracer of busy threads at a moment that depends on i; the threads must not notice. */
static void kill_under_fire(void (*wait_for_moment)(struct child *tracer, unsigned int i),
			    unsigned int i)
{
	const char *hammer_argv[] = { victim("hammer_static"), words("%u", nr_busy_threads()), "0",
				      "25", NULL };
	struct child_options options = { .argv = hammer_argv, .stdin_pipe = true };
	const char *report = scratch("fire.json");
	char pid[32];
	const char *argv[] = { tracer_path(), "--json", "-w", report, "-p", pid, NULL };
	struct child_options tracer_options = { .argv = argv, .report_path = report };
	struct child *hammer = child__start(&options), *tracer;
	struct run *run;

	child__wait_output(hammer, "ready\n", 1, 30);
	snprintf(pid, sizeof(pid), "%d", child__pid(hammer));
	unlink(report);
	tracer = child__start(&tracer_options);
	wait_for_moment(tracer, i);
	kill(child__pid(tracer), SIGKILL);
	run__free(child__finish(tracer, 10));
	assert_text_untouched(child__pid(hammer), victim("hammer_static"));
	child__send(hammer, "\n");
	run = child__finish(hammer, 60);
	if (run->exit_status != 0)
		run__print(run);
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "hammered\n");
	run__free(run);
}

static void wait_until_attached(struct child *tracer, unsigned int i)
{
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	pause_ms(7 * i);
}

/* Return addresses are replaced by probes at that moment. */
static void test_killed_tracer_under_fire(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < 10; i += step())
		kill_under_fire(wait_until_attached, i);
	assert_no_bpf_objects_since(&before);
}

static void wait_a_while(struct child *tracer, unsigned int i)
{
	(void)tracer;
	pause_ms(50 * i);
}

/*
 * The tracer is killed while it loads, or while it puts breakpoints in: half of them must not stay.
 */
static void test_killed_tracer_while_it_attaches(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < 16; i += step())
		kill_under_fire(wait_a_while, i);
	assert_no_bpf_objects_since(&before);
}

/* A command whose tracer dies before it lets the command run must not hang half-started. */
static void test_killed_tracer_at_the_start(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < 10; i += step()) {
		const char *argv[] = { tracer_path(),	"-w", scratch("start.txt"), "--",
				       victim("hello"), NULL };
		struct child_options options = { .argv = argv };
		struct child *tracer = child__start(&options);
		struct run *run;
		double end_s;

		usleep(15000 * i);
		kill(child__pid(tracer), SIGKILL);
		run = child__finish(tracer, 10);
		/* Either it never ran, or it ran to its end: no process is left of it. */
		assert_true(run->out_size == 0 || !strcmp(run->out, "hello\n"));
		run__free(run);
		end_s = now_s() + 10;
		for (;;) {
			pid_t pid = waitpid(-1, NULL, WNOHANG);

			if (pid < 0)
				break;
			if (now_s() > end_s)
				fail_msg("a process of the killed tracer is left");
			usleep(5000);
		}
	}
	assert_no_bpf_objects_since(&before);
}

static void test_nothing_is_left_after_a_run(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < 5; i += step())
		run__free(trace_all(ARGS(victim("die"), "return")));
	assert_no_bpf_objects_since(&before);
}

/* Two tracers at once, on programs that share a libc: neither sees the other's program. */
static void test_two_tracers(void **state)
{
	const char *one_report = scratch("one.json"), *two_report = scratch("two.json");
	const char *one_argv[] = { tracer_path(),     "--json", "-w", one_report, "--",
				   victim("million"), "20000",	"24", NULL };
	const char *two_argv[] = { tracer_path(),	  "--json", "-w", two_report, "--",
				   victim("many_stacks"), "20000",  "10", NULL };
	struct child_options one_options = { .argv = one_argv, .report_path = one_report };
	struct child_options two_options = { .argv = two_argv, .report_path = two_report };
	struct child *one = child__start(&one_options), *two = child__start(&two_options);
	struct run *one_run = child__finish(one, 60), *two_run = child__finish(two, 60);
	struct truth one_truth = truth_of(one_run, 0), two_truth = truth_of(two_run, 0);
	(void)state;

	assert_held(exit_record(one_run), one_truth.held_bytes, one_truth.held_blocks);
	assert_held(exit_record(two_run), two_truth.held_bytes, two_truth.held_blocks);
	run__free(one_run);
	run__free(two_run);
}

static int close_streams(void *context)
{
	(void)context;
	close(0);
	close(1);
	close(2);
	return 0;
}

static void test_without_open_streams(void **state)
{
	const char *report = scratch("closed.json");
	/* -v makes the tracer write messages, which nobody reads. */
	const char *argv[] = { tracer_path(), "-v",	      "--json", "-w", report,
			       "--",	      victim("pass"), "7",	NULL };
	struct child_options options = { .argv = argv,
					 .report_path = report,
					 .prepare = close_streams };
	struct run *run = run_with(&options, 60);
	(void)state;

	/* pass can't write its line: 99 then, as untraced. */
	assert_int_equal(run->exit_status, 99);
	/* And nothing of either landed in the report. */
	assert_int_equal(count_events(run, "exit"), 1);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_bad_alloc),
		SYSTEM_TEST(test_strict_seccomp_filter),
		SYSTEM_TEST(test_jump_out_of_malloc),
		SYSTEM_TEST(test_jump_from_alternate_stack),
		SYSTEM_TEST(test_jump_from_stack_above),
		SYSTEM_TEST(test_jump_by_timer),
		SYSTEM_TEST(test_malloc_interrupted_by_malloc),
		SYSTEM_TEST(test_malloc_interrupted_by_malloc_on_stack_above),
		SYSTEM_TEST(test_block_map_full),
		SYSTEM_TEST(test_stack_map_full),
		SYSTEM_TEST(test_trace_of_a_flood),
		SYSTEM_TEST(test_million_blocks),
		SYSTEM_TEST(test_killed_tracer_leaves_the_command),
		SYSTEM_TEST(test_killed_tracer_under_fire),
		SYSTEM_TEST(test_killed_tracer_while_it_attaches),
		SYSTEM_TEST(test_killed_tracer_at_the_start),
		SYSTEM_TEST(test_nothing_is_left_after_a_run),
		SYSTEM_TEST(test_two_tracers),
		SYSTEM_TEST(test_without_open_streams),
	};

	return cmocka_run_group_tests_name("robust", tests, harness__begin, harness__end);
}
