// SPDX-License-Identifier: GPL-2.0
/*
 * The scripts in tools/experiments, made small. Each must show its point, find that all its claims
 * hold, and leave nothing behind. Each must also notice when a claim does not hold: for that, the
 * scripts are run with a tracer whose words were changed, or with another program than they expect.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define LIMIT_S 300.0
#define NOT_POSSIBLE 77

struct experiment {
	const char *path, *argument; /* NULL: none */
	const char *lines[10]; /* lines that its output must have */
	/* A sed script for the tracer's report, or the victim that takes another's place; then this
	 * claim must fail.
	 */
	const char *lie;
	const char *victim, *other_victim;
	const char *failed_claim;
};

static const struct experiment experiments[] = {
	{ .path = "tools/experiments/leak-1000",
	  .argument = "100",
	  .lines = { "100 ends of leak64 were reported, for 100 runs",
		     "each held 67,108,864 bytes in 1 block",
		     "together 6,710,886,400 bytes, 6.3 GiB",
		     "each is verified: the kernel took everything back",
		     "no call and no block was missed in any", "the total has them all",
		     "available memory is where it was" },
	  .victim = "leak64",
	  .other_victim = "hello",
	  .failed_claim = "FAILED: each held 67,108,864 bytes in 1 block" },
	{ .path = "tools/experiments/ls-twice",
	  .lines = { "in use at exit:", "held at the end", "the same bytes held at the end",
		     "in as many blocks", "the same allocations", "the same frees",
		     "the same bytes allocated" },
	  .lie = "s/held at the end .* in /&1/",
	  .failed_claim = "FAILED: in as many blocks" },
	{ .path = "tools/experiments/linux-ate-my-ram",
	  .argument = "96",
	  .lines = { "the cgroup is full", "the cache shrinks while the program grows",
		     "nobody is killed as long as there is cache to give",
		     "the OOM killer struck once", "eat.c:", "of 1 MiB each",
		     "the kernel took everything back", "the page cache is gone",
		     "the daemon's memory is not",
		     "what brings a process's memory back is its end" },
	  .lie = "s/^  verified  /unverified/",
	  .failed_claim = "FAILED: the kernel took everything back" },
	{ .path = "tools/experiments/dripping-daemon",
	  .argument = "1",
	  .lines = { "report 1: the stack on top is the one that drips",
		     "report 2:", "report 3:", "its end is reported for what it was",
		     "what it dripped since the attach by its own count",
		     "the kernel took everything back" },
	  .lie = "s/held at the end    /&1/",
	  .failed_claim = "what it dripped since the attach by its own count (not so:" },
};

#define NR_EXPERIMENTS (sizeof(experiments) / sizeof(experiments[0]))

static char build[4096];
static char folder[64]; /* the scripts' TMPDIR: on a disk, for the page cache's sake */

static void write_file(const char *path, mode_t mode, const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/*
 * Asserts that nothing is in the folder, and that no process and no cgroup named after the script
 * is left.
 */
static void assert_nothing_remains(pid_t script)
{
	char path[128];

	/* The last child of the script may still be ending. */
	for (int i = 0; i < 500 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		pause_ms(10);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	if (rmdir(folder) != 0)
		fail_msg("%s: %s", folder, strerror(errno));
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/memory/memleak-%d", script);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/memleak-%d", script);
	assert_int_not_equal(access(path, F_OK), 0);
}

static struct run *run_experiment(const struct experiment *experiment)
{
	const char *argv[] = { experiment->path, experiment->argument, NULL };
	struct child_options options = { .argv = argv };
	struct run *run;

	if (strstr(experiment->path, "ls-twice") && getenv("ASAN_OPTIONS"))
		SKIP("a tracer with ASan refuses the LD_PRELOAD of the comparison with Valgrind");
	run = run_with(&options, LIMIT_S);
	assert_nothing_remains(run->pid);
	if (run->exit_status == NOT_POSSIBLE) {
		print_message("skipped: %s", run->err);
		run__free(run);
		skip();
	}
	return run;
}

static void test_all_holds(void **state)
{
	const struct experiment *experiment = *state;
	struct run *run = run_experiment(experiment);

	if (run->exit_status != 0) {
		run__print(run);
		fail_msg("%s ended with status %d", experiment->path, run->exit_status);
	}
	for (size_t i = 0; i < 10 && experiment->lines[i]; i++)
		assert_contains(run->out, experiment->lines[i]);
	assert_contains(run->out, "# Conclusion");
	assert_lacks(run->err, "FAILED");
	run__free(run);
}

/* Makes a build folder whose tracer or victim is not the one that the script expects. */
static void make_false_build(const struct experiment *experiment)
{
	char content[9000];

	snprintf(content, sizeof(content),
		 "rm -rf %s && mkdir -p %s/tests && "
		 "cp -r %s/tests/victims %s/tests/ && ln -s %s/memleak-bpf %s/memleak-bpf",
		 scratch("false"), scratch("false"), build, scratch("false"), build,
		 scratch("false"));
	assert_int_equal(system(content), 0);
	if (experiment->victim) {
		snprintf(content, sizeof(content), "cp %s %s/tests/victims/%s",
			 victim(experiment->other_victim), scratch("false"), experiment->victim);
		assert_int_equal(system(content), 0);
		return;
	}
	assert_int_equal(unlink(scratch("false/memleak-bpf")), 0);
	snprintf(content, sizeof(content),
		 "#!/bin/sh\n"
		 "for word; do\n"
		 "	[ \"$before\" != -w ] || { file=$word; break; }\n"
		 "	before=$word\n"
		 "done\n"
		 "if [ -z \"$file\" ]; then\n"
		 "	%s/memleak-bpf \"$@\" | sed -u '%s'\n"
		 "	exit\n"
		 "fi\n"
		 "%s/memleak-bpf \"$@\"\n"
		 "status=$?\n"
		 "sed -i '%s' \"$file\"\n"
		 "exit $status\n",
		 build, experiment->lie, build, experiment->lie);
	write_file(scratch("false/memleak-bpf"), 0755, content);
}

static void test_what_does_not_hold_is_noticed(void **state)
{
	const struct experiment *experiment = *state;
	struct run *run;

	make_false_build(experiment);
	setenv("BUILD", scratch("false"), 1);
	run = run_experiment(experiment);
	if (run->exit_status != 1)
		run__print(run);
	assert_int_equal(run->exit_status, 1);
	assert_contains(run->err, experiment->failed_claim);
	assert_lacks(run->out, "# Conclusion");
	run__free(run);
}

/* The script is ended in the middle, with a cgroup made and a program in it. */
static void test_nothing_remains_of_one_that_is_ended(void **state)
{
	const char *argv[] = { "tools/experiments/linux-ate-my-ram", "256", NULL };
	struct child_options options = { .argv = argv };
	struct child *child = child__start(&options);
	struct run *run;
	(void)state;

	/* It ends at once where it is not possible. */
	for (int i = 0; i < 200 && child__is_running(child); i++)
		pause_ms(10);
	if (child__is_running(child)) {
		child__wait_output(child, "MiB and asks for one more", 1, LIMIT_S);
		kill(child__pid(child), SIGTERM);
	}
	run = child__finish(child, LIMIT_S);
	assert_nothing_remains(run->pid);
	if (run->exit_status == NOT_POSSIBLE) {
		print_message("skipped: %s", run->err);
		run__free(run);
		skip();
	}
	assert_int_equal(run->exit_status, 128 + SIGTERM);
	run__free(run);
}

static int test_begin(void **state)
{
	setenv("BUILD", build, 1);
	return harness__test_begin(state);
}

static int begin(void **state)
{
	if (harness__begin(state) != 0)
		return -1;
	snprintf(build, sizeof(build), "%s", tracer_path());
	*strrchr(build, '/') = '\0';
	strcpy(folder, "/var/tmp/memleak-test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	return setenv("TMPDIR", folder, 1);
}

static int end(void **state)
{
	rmdir(folder);
	return harness__end(state);
}

#define EXPERIMENT_TEST(function, parameter)                      \
	((struct CMUnitTest){ .name = #function,                  \
			      .test_func = function,              \
			      .setup_func = test_begin,           \
			      .teardown_func = harness__test_end, \
			      .initial_state = (void *)(parameter) })

int main(void)
{
	struct CMUnitTest tests[2 * NR_EXPERIMENTS + 1];
	static char names[2 * NR_EXPERIMENTS][64];

	for (size_t i = 0; i < NR_EXPERIMENTS; i++) {
		const char *name = strrchr(experiments[i].path, '/') + 1;

		snprintf(names[2 * i], sizeof(names[0]), "%s: all holds", name);
		snprintf(names[2 * i + 1], sizeof(names[0]), "%s: what does not hold is noticed",
			 name);
		tests[2 * i] = EXPERIMENT_TEST(test_all_holds, &experiments[i]);
		tests[2 * i + 1] =
			EXPERIMENT_TEST(test_what_does_not_hold_is_noticed, &experiments[i]);
		tests[2 * i].name = names[2 * i];
		tests[2 * i + 1].name = names[2 * i + 1];
	}
	tests[2 * NR_EXPERIMENTS] =
		EXPERIMENT_TEST(test_nothing_remains_of_one_that_is_ended, NULL);
	return cmocka_run_group_tests_name("experiments", tests, begin, end);
}
