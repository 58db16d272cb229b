// SPDX-License-Identifier: GPL-2.0
/* --hold-new: the first run ever of a program is seen from its first call, and is not held again. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exits_by_name.h"
#include "holding.h"

/* Of static glibc, before main. */
#define MAX_OWN_BLOCKS 10
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

/* New files are to be there before: those that are written later are probed before they are run. */
static struct child *start_holding(void)
{
	skip_unless_held_here();
	return start_tracer(ARGS("--hold-new", "-T", "1000"));
}

/* An emulated machine may take longer than the bound: then the report says that it is late. */
static bool was_held_in_time(const json_t *record)
{
	double held_back_s = real(record, "held_back_s");
	bool late = truth_value(record, "late_attach");

	assert_true(held_back_s > 0);
	assert_true(held_back_s <= real(record, "run_s"));
	if (!getenv("EMULATED") || held_back_s < HOLD_BOUND_S * 0.9)
		assert_false(late);
	return !late;
}

/*
 * Memory file systems of older kernels have no leases, so the tracer looks into a file anew when
 * its status has changed, by another hard link too: a process that runs by then is late.
 */
static bool takes_leases(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool taken = fd >= 0 && !fcntl(fd, F_SETLEASE, F_RDLCK);

	close(fd);
	return taken;
}

static void test_a_new_program(void **state)
{
	const char *path = new_copy(victim("leak64_static"), scratch("newcomer"));
	bool leased = takes_leases(path), late;
	struct child *tracer = start_holding();
	const char *again = scratch("newcomer_again");
	struct run *run;
	(void)state;

	run__free(run_as_service(ARGS(path)));
	/* The same file by another name: it is known. */
	assert_int_equal(link(path, again), 0);
	run__free(run_as_service(ARGS(again)));
	run = stop_tracer(tracer);
	assert_true(real(only_exit(run, "newcomer_again"), "held_back_s") == 0);
	if (was_held_in_time(only_exit(run, "newcomer"))) {
		assert_int_equal(stacks_with(only_exit(run, "newcomer"), "main").bytes, 64 * MIB);
		late = truth_value(only_exit(run, "newcomer_again"), "late_attach");
		assert_false(late && leased);
		if (!late)
			assert_int_equal(number(only_exit(run, "newcomer"),
						"totals.allocated_blocks"),
					 number(only_exit(run, "newcomer_again"),
						"totals.allocated_blocks"));
	}
	run__free(run);
}

static void test_every_block_from_birth(void **state)
{
	const char *path = new_copy(victim("family_static"), scratch("exactly"));
	struct child *tracer = start_holding();
	struct truth truth;
	struct run *plain, *run;
	(void)state;

	plain = run_as_service(ARGS(path));
	truth = truth_of(plain, 0);
	run = stop_tracer(tracer);
	if (was_held_in_time(only_exit(run, "exactly")))
		assert_exact_in(only_exit(run, "exactly"), &truth, ARGS("main"), MAX_OWN_BLOCKS);
	run__free(plain);
	run__free(run);
}

/* A program that is written over is a new one, although its inode is the same. */
static void test_a_program_that_is_overwritten(void **state)
{
	const char *path = new_copy(victim("family_static"), scratch("rewritten"));
	struct child *tracer = start_holding();
	const char *again = scratch("rewritten_again");
	struct run *run;
	(void)state;

	run__free(run_as_service(ARGS(path)));
	pause_ms(1000); /* it is reported while its file is what it was */
	run = run_plain(ARGS("/bin/cp", victim("leak64_static"), path));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	assert_int_equal(link(path, again), 0);
	run__free(run_as_service(ARGS(again)));
	run = stop_tracer(tracer);
	was_held_in_time(only_exit(run, "rewritten"));
	/* It may have been probed when it was written. */
	if (real(only_exit(run, "rewritten_again"), "held_back_s") == 0)
		assert_false(truth_value(only_exit(run, "rewritten_again"), "late_attach"));
	if (real(only_exit(run, "rewritten_again"), "held_back_s") == 0 ||
	    was_held_in_time(only_exit(run, "rewritten_again")))
		assert_true(number(only_exit(run, "rewritten_again"), "held.bytes") >=
			    (long long)(64 * MIB));
	run__free(run);
}

static void test_a_new_libc(void **state)
{
	const char *folder = scratch("libraries");
	struct child *tracer;
	struct truth truth;
	struct run *plain, *run;
	(void)state;

	if (access(LOADER, X_OK) || access(LIBC, R_OK))
		SKIP("no glibc here");
	assert_int_equal(mkdir(folder, 0755), 0);
	new_copy(LIBC, scratch("libraries/libc.so.6"));
	tracer = start_holding();
	plain = run_as_service(ARGS(LOADER, "--library-path", folder, victim("family")));
	truth = truth_of(plain, 0);
	run = stop_tracer(tracer);
	/* Its program is the loader. */
	if (was_held_in_time(only_exit(run, "ld-linux-x86-64")))
		assert_exact(only_exit(run, "ld-linux-x86-64"), &truth);
	run__free(plain);
	run__free(run);
}

static void test_a_new_allocator_is_preloaded(void **state)
{
	const char *library =
		new_copy(victim("libbump_allocator.so"), scratch("libnew_allocator.so"));
	const char *program = new_copy(victim("family"), scratch("preloaded"));
	const char *shell = words("exec env LD_PRELOAD=%s %s", library, program);
	struct child *tracer = start_holding();
	struct truth truth;
	struct run *plain, *run;
	(void)state;

	plain = run_as_service(ARGS("/bin/sh", "-c", shell));
	truth = truth_of(plain, 0);
	run = stop_tracer(tracer);
	if (was_held_in_time(only_exit(run, "preloaded")))
		assert_exact_in(only_exit(run, "preloaded"), &truth, ARGS("main"), MAX_OWN_BLOCKS);
	run__free(plain);
	run__free(run);
}

static void test_other_modes_are_refused(void **state)
{
	const char *const *const refused[] = {
		ARGS("--hold-new", "-p", "1"),
		ARGS("--hold-new", "--", "/bin/true"),
		ARGS("--hold-new", "-c", "true"),
	};
	(void)state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct run *run = run_tracer(refused[i]);

		assert_int_equal(run->exit_status, 120);
		assert_one_line(run->err);
		assert_contains(run->err, "--hold-new is for the whole system");
		run__free(run);
	}
}

/* With -f, those that are followed are held, and no others. */
static void test_children(void **state)
{
	const char *path = new_copy(victim("family_static"), scratch("child"));
	const char *other = new_copy(victim("family_static"), scratch("stranger"));
	const char *argv[24];
	size_t nr = tracer_words(argv);
	struct child_options options = {
		.argv = argv,
		.prepare = lead_session,
		.stdin_pipe = true,
	};
	const char *const *command = ARGS("--json", "-f", "--hold-new", "-T", "1000", "-w",
					  scratch("children.jsonl"), "--", "sh", "-c",
					  words("echo begun; read -r line; %s; exit 3", path));
	struct child *tracer;
	struct truth truth;
	struct run *run, *stranger;
	(void)state;

	skip_unless_held_here();
	while (*command)
		argv[nr++] = *command++;
	argv[nr] = NULL;
	options.report_path = scratch("children.jsonl");
	tracer = child__start(&options);
	child__wait_output(tracer, "begun\n", 1, RUN_TIMEOUT_S);
	stranger = run_as_service(ARGS(other));
	assert_int_equal(stranger->exit_status, 0);
	run__free(stranger);
	child__send(tracer, "\n");
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 3);
	truth = truth_of(run, 0);
	if (was_held_in_time(only_exit(run, "child")))
		assert_exact_in(only_exit(run, "child"), &truth, ARGS("main"), MAX_OWN_BLOCKS);
	assert_int_equal(count_exits(run, "stranger", NULL), 0);
	run__free(run);
}

static int drop_kill(void *context)
{
	(void)context;
	return prctl(PR_CAPBSET_DROP, CAP_KILL);
}

static void test_the_capability_is_needed(void **state)
{
	const char *argv[16];
	size_t nr = tracer_words(argv);
	struct child_options options = { .argv = argv, .prepare = drop_kill };
	struct run *run;
	(void)state;

	argv[nr++] = "--hold-new";
	argv[nr] = NULL;
	run = run_with(&options, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 121);
	assert_one_line(run->err);
	assert_contains(run->err, "CAP_KILL");
	run__free(run);
}

static void test_an_old_kernel_is_refused(void **state)
{
	struct run *run;
	(void)state;

	if (kernel_has("unwind"))
		SKIP("the kernel has bpf_find_vma");
	run = run_tracer(ARGS("--hold-new"));
	assert_int_equal(run->exit_status, 122);
	assert_contains(run->err, "--hold-new is not possible");
	assert_contains(run->err, "Linux 5.17");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_a_new_program),
		SYSTEM_TEST(test_every_block_from_birth),
		SYSTEM_TEST(test_a_program_that_is_overwritten),
		SYSTEM_TEST(test_a_new_libc),
		SYSTEM_TEST(test_a_new_allocator_is_preloaded),
		SYSTEM_TEST(test_children),
		SYSTEM_TEST(test_other_modes_are_refused),
		SYSTEM_TEST(test_the_capability_is_needed),
		SYSTEM_TEST(test_an_old_kernel_is_refused),
	};

	return cmocka_run_group_tests_name("hold", tests, holding__begin, harness__end);
}
