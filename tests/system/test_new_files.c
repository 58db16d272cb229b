// SPDX-License-Identifier: GPL-2.0
/*
 * The whole system is traced, and files are written: programs and libraries with an allocator are
 * probed before anybody runs them. Nobody is harmed, held up or kept from unmounting by that.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exits_by_name.h"
#include "new_files.h"
#include "odd_files.h"
#include "open_files.h"

/* Enough for each victim, and little to do for the other processes of the machine. */
#define FEW_STACKS ARGS("-T", "32", "--frames", "6")
#define JEMALLOC "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"

/* Runs a program to its end, which must be a good one, with the family's truth. */
static pid_t run_family(const char *const *argv, const struct expected *family)
{
	struct run *run = run_plain(argv);
	struct truth truth;
	pid_t pid = run->pid;

	if (run->exit_status)
		run__print(run);
	assert_int_equal(run->exit_status, 0);
	truth = truth_of(run, 0);
	assert_memory_equal(&truth, &family->truth, sizeof(truth));
	run__free(run);
	return pid;
}

/* ---- from birth ---- */

static struct child *start_watching(void)
{
	new_files__skip_unless_watched();
	return start_tracer(FEW_STACKS);
}

#define NR_COPIES 20

static void test_first_processes(void **state)
{
	struct expected family = expect_family(NULL);
	char paths[NR_COPIES][4096];
	const char *list[NR_COPIES + 1] = { NULL };
	struct child *tracer = start_watching();
	unsigned int nr_late = 0;
	pid_t pids[NR_COPIES];
	struct run *run;
	(void)state;

	for (size_t i = 0; i < NR_COPIES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s", scratch(words("first%zu", i)));
		list[i] = paths[i];
		new_file__copy(victim("family_static"), paths[i]);
	}
	new_files__wait_probed(list);
	for (size_t i = 0; i < NR_COPIES; i++)
		pids[i] = run_family(ARGS(paths[i]), &family);
	run = stop_tracer(tracer);
	for (size_t i = 0; i < NR_COPIES; i++)
		nr_late += truth_value(last_exit_record_of(run, pids[i]), "late_attach");
	print_message("%u of %d first processes were late\n", nr_late, NR_COPIES);
	assert_int_equal(nr_late, 0);
	for (size_t i = 0; i < NR_COPIES; i++)
		assert_from_birth(last_exit_record_of(run, pids[i]), &family);
	run__free(run);
}

/* A libc of its own, and a program that is run by the loader that came with it. */
static void test_libc_and_loader(void **state)
{
	struct expected family = expect_family(NULL);
	const char *folder = scratch("libc"), *loader = scratch("libc/own_loader");
	const char *program = victim("family");
	struct child *tracer = start_watching();
	struct run *run;
	pid_t pid;
	(void)state;

	run = run_plain(ARGS("sh", "-e", "-c",
			     "mkdir \"$0\"; LD_TRACE_LOADED_OBJECTS=1 \"$1\" | grep -o '/[^ ]*' | "
			     "while read -r file; do case $file in "
			     "*/ld-*) cp -L \"$file\" \"$0/own_loader\" ;; "
			     "*) cp -L \"$file\" \"$0\" ;; esac; done",
			     folder, program));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	new_files__wait_probed(ARGS(scratch("libc/libc.so.6")));
	pid = run_family(ARGS(loader, "--library-path", folder, program), &family);
	run = stop_tracer(tracer);
	assert_from_birth(last_exit_record_of(run, pid), &family);
	run__free(run);
}

static void check_preloaded(const char *library, const char *name)
{
	struct expected family = expect_family("portable");
	const char *copy = scratch(name);
	struct child *tracer = start_watching();
	struct run *run;
	pid_t pid;

	print_message("%s\n", library);
	new_file__copy(library, copy);
	new_files__wait_probed(ARGS(copy));
	pid = run_family(ARGS("env", words("LD_PRELOAD=%s", copy), victim("family"), "portable"),
			 &family);
	run = stop_tracer(tracer);
	assert_from_birth(last_exit_record_of(run, pid), &family);
	run__free(run);
}

static void test_preloaded_allocators(void **state)
{
	(void)state;
	check_preloaded(victim("libbump_allocator.so"), "bump.so");
	if (access(JEMALLOC, R_OK))
		SKIP("no " JEMALLOC);
	check_preloaded(JEMALLOC, "jemalloc.so");
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(scratch(from), scratch(to)), 0);
}

/*
 * Package managers, install, linkers and mv write a file under another name, or elsewhere, and put
 * it into place.
 */
static void test_put_into_place(void **state)
{
	static const char *const names[] = { "installed", "renamed", "crossed", "linked" };
	enum { NR = sizeof(names) / sizeof(names[0]) };
	pid_t pids[NR];
	struct expected family = expect_family(NULL);
	char elsewhere[64];
	struct child *tracer;
	struct run *run;
	(void)state;

	tracer = start_watching();
	run__free(run_plain(ARGS("install", victim("family_static"), scratch("installed"))));
	new_file__copy(victim("family_static"), scratch("renamed.new"));
	move("renamed.new", "renamed");
	/* On most machines from one file system to another. */
	snprintf(elsewhere, sizeof(elsewhere), "/dev/shm/memleak-test.%d", getpid());
	new_file__copy(victim("family_static"), elsewhere);
	run__free(run_plain(ARGS("mv", elsewhere, scratch("crossed"))));
	new_file__copy(victim("family_static"), scratch("linked.first"));
	assert_int_equal(link(scratch("linked.first"), scratch("linked")), 0);
	new_files__wait_probed(ARGS(scratch("installed"), scratch("renamed"), scratch("crossed"),
				    scratch("linked")));
	for (size_t i = 0; i < NR; i++)
		pids[i] = run_family(ARGS(scratch(names[i])), &family);
	run = stop_tracer(tracer);
	for (size_t i = 0; i < NR; i++)
		assert_from_birth(last_exit_record_of(run, pids[i]), &family);
	run__free(run);
}

/* ---- overwritten ---- */

/* Does the file system of the tests' folder have leases? */
static bool has_leases(void)
{
	int fd = open(scratch("leased"), O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	bool has;

	assert_true(fd >= 0);
	has = !fcntl(fd, F_SETLEASE, F_RDLCK);
	close(fd);
	return has;
}

/*
 * One file has one program and then another, each with its malloc at another place, and is run
 * right after it was written: while the tracer finds out that it was, looks into it, or puts its
 * probes in.
 */
static void test_overwritten_right_before(void **state)
{
	static const long pauses_ms[] = { 0, 0, 0, 0, 0, 1, 3, 10, 30, 100 };
	enum { NR = 2 * sizeof(pauses_ms) / sizeof(pauses_ms[0]) };
	const struct expected expected[] = { expect_family(NULL), expect_leak64() };
	pid_t pids[NR];
	unsigned int nr_late = 0;
	struct child *tracer;
	struct run *run;
	(void)state;

	if (!has_leases())
		SKIP("the file system of the tests' folder has no leases");
	tracer = start_tracer(FEW_STACKS);
	for (size_t i = 0; i < NR; i++) {
		new_file__copy(victim(i % 2 ? "leak64_static" : "family_static"),
			       scratch("overwritten"));
		pause_ms(pauses_ms[i / 2]);
		run = run_plain(ARGS(scratch("overwritten")));
		if (run->exit_status)
			run__print(run);
		assert_int_equal(run->exit_status, 0);
		pids[i] = run->pid;
		run__free(run);
	}
	run = stop_tracer(tracer);
	for (size_t i = 0; i < NR; i++) {
		const json_t *record = last_exit_record_of(run, pids[i]);

		assert_from_birth_or_late(record, &expected[i % 2]);
		nr_late += truth_value(record, "late_attach");
	}
	print_message("%u of %d processes were late\n", nr_late, NR);
	run__free(run);
}

/* The tracer may still look into the library, or at what the last process mapped. */
static void test_overwritten_libraries(void **state)
{
	static const char *const libraries[] = { "libbump_allocator.so", "libwrap_real_first.so" };
	struct expected family = expect_family("portable");
	unsigned int nr = scaled(probes_are_slow() ? 10 : 50), nr_late = 0;
	pid_t pids[50];
	struct child *tracer;
	struct run *run;
	(void)state;

	if (!has_leases())
		SKIP("the file system of the tests' folder has no leases");
	tracer = start_tracer(FEW_STACKS);
	for (size_t i = 0; i < nr; i++) {
		new_file__copy(victim(libraries[i % 2]), scratch("overwritten.so"));
		pids[i] = run_family(ARGS("env", words("LD_PRELOAD=%s", scratch("overwritten.so")),
					  victim("family"), "portable"),
				     &family);
	}
	run = stop_tracer(tracer);
	for (size_t i = 0; i < nr; i++) {
		const json_t *record = last_exit_record_of(run, pids[i]);

		assert_from_birth_or_late(record, &family);
		nr_late += truth_value(record, "late_attach");
	}
	print_message("%u of %u processes were late\n", nr_late, nr);
	run__free(run);
}

/* No lease can be had on a file that somebody could write to at any time. */
static void test_open_for_writing(void **state)
{
	struct expected family = expect_family("portable");
	const char *path = scratch("held.so");
	const char *argv[] = { victim("obey"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *tracer = start_tracer(FEW_STACKS), *loader;
	const struct truth other = {
		.held_bytes = 710, .held_blocks = 8, .allocated_bytes = 710, .allocated_blocks = 8
	};
	const struct expected loaded = { .truth = other, .more_blocks = 100 };
	struct run *run, *obey;
	int writer = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0755);
	pid_t pid;
	(void)state;

	assert_true(writer >= 0);
	new_file__copy(victim("libbump_allocator.so"), path);
	pid = run_family(ARGS("env", words("LD_PRELOAD=%s", path), victim("family"), "portable"),
			 &family);
	loader = child__start(&options);
	child__wait_output(loader, "ready\n", 1, RUN_TIMEOUT_S);
	child__send(loader, words("load %s\n", path));
	child__wait_output(loader, "ok\n", 1, RUN_TIMEOUT_S);
	pause_ms(probes_are_slow() ? 3000 : 500);
	child__send(loader, "other 5 100\nalloc 3 70\nexit 0\n");
	obey = child__finish(loader, RUN_TIMEOUT_S);
	assert_int_equal(obey->exit_status, 0);
	close(writer);
	run = stop_tracer(tracer);
	assert_from_birth_or_late(last_exit_record_of(run, pid), &family);
	assert_from_birth_or_late(last_exit_record_of(run, obey->pid), &loaded);
	run__free(obey);
	run__free(run);
}

/* ---- many, and odd ones ---- */

#define MAX_BRIEF 16

/* What runs beside the files that are written. */
struct others {
	struct watched_tracer tracer;
	pid_t brief[MAX_BRIEF], newcomer;
	unsigned int nr_brief;
};

/* Returns after how many seconds an ordinary process was reported. */
static double run_brief(struct others *others)
{
	struct run *brief = run_plain(ARGS(victim("brief")));
	double delay_s = watched_tracer__wait_exit(&others->tracer, brief->pid, "brief");

	print_message("reported after %.3f s\n", delay_s);
	assert_true(others->nr_brief < MAX_BRIEF);
	others->brief[others->nr_brief++] = brief->pid;
	run__free(brief);
	return delay_s;
}

/* Starts the tracer. Returns what a report may take: the other processes of the machine count. */
static double begin(struct others *others)
{
	double slowest_s = 0;

	watched_tracer__start(&others->tracer, FEW_STACKS);
	for (int i = 0; i < 5; i++) {
		double delay_s = run_brief(others);

		slowest_s = delay_s > slowest_s ? delay_s : slowest_s;
	}
	return slowest_s + (getenv("EMULATED") ? 20 : 2);
}

/* Writes a program with an allocator and runs it, once it is probed. */
static void run_newcomer(struct others *others, const struct expected *family)
{
	new_file__copy(victim("family_static"), scratch("newcomer"));
	new_files__wait_probed(ARGS(scratch("newcomer")));
	others->newcomer = run_family(ARGS(scratch("newcomer")), family);
}

/* Ends the tracer; all ran well meanwhile. */
static void end(struct others *others, const struct expected *family)
{
	struct run *run;

	assert_true(child__is_running(others->tracer.child));
	run = stop_tracer(others->tracer.child);
	for (unsigned int i = 0; i < others->nr_brief; i++)
		assert_brief(last_exit_record_of(run, others->brief[i]));
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	assert_from_birth(last_exit_record_of(run, others->newcomer), family);
	run__free(run);
}

static void test_a_burst(void **state)
{
	static const char *const kinds[] = { "/bin/true", "libplugin.so" };
	struct expected family = expect_family(NULL);
	struct others others = { 0 };
	double allowed_s, until_s;
	char *content[2];
	size_t size[2];
	pid_t tracer;
	(void)state;

	content[0] = odd_files__read(kinds[0], &size[0]);
	content[1] = odd_files__read(victim(kinds[1]), &size[1]);
	assert_int_equal(mkdir(scratch("burst"), 0755), 0);
	allowed_s = begin(&others);
	for (size_t i = 0; i < 1000; i++)
		odd_files__write(scratch(words("burst/%zu", i)), content[i % 2], size[i % 2]);
	for (int i = 0; i < 5; i++)
		assert_true(run_brief(&others) < allowed_s);
	run_newcomer(&others, &family);
	/* What is no allocator is not kept open. */
	tracer = child__pid(others.tracer.child);
	until_s = now_s() + RUN_TIMEOUT_S;
	while (count_descriptors(tracer, scratch("burst")) && now_s() < until_s)
		pause_ms(100);
	assert_int_equal(count_descriptors(tracer, scratch("burst")), 0);
	end(&others, &family);
	free(content[0]);
	free(content[1]);
}

static void test_odd_files(void **state)
{
	struct expected family = expect_family(NULL);
	struct others others = { 0 };
	double allowed_s;
	(void)state;

	/* Some of the sparse ones are programs with an allocator. */
	allowed_s = begin(&others) + (probes_are_slow() ? 10 : 0);
	odd_files__make();
	assert_true(run_brief(&others) < allowed_s);
	run_newcomer(&others, &family);
	assert_true(run_brief(&others) < allowed_s);
	end(&others, &family);
}

/* ---- mounts that go ---- */

/* How long the tracer may keep files that nobody maps: it looks every 5 s, and twice. */
#define SWEEP_S 20.0

static void mount_memory(const char *name)
{
	assert_int_equal(mount("none", scratch(name), "tmpfs", 0, "size=64m"), 0);
}

static double unmount(const char *name)
{
	double began_s = now_s();

	while (umount2(scratch(name), 0)) {
		assert_int_equal(errno, EBUSY);
		if (now_s() > began_s + SWEEP_S)
			fail_msg("%s is still busy", name);
		pause_ms(50);
	}
	print_message("%s was free after %.3f s\n", name, now_s() - began_s);
	return now_s() - began_s;
}

/* The last test, since this program leaves the system's mounts. */
static void test_mounts(void **state)
{
	struct expected family = expect_family(NULL);
	pid_t on_older, on_younger;
	struct child *tracer;
	struct run *run;
	(void)state;

	assert_int_equal(mkdir(scratch("older_mount"), 0755), 0);
	assert_int_equal(mkdir(scratch("younger_mount"), 0755), 0);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP("no mounts of its own here: %s", strerror(errno));
	new_files__skip_unless_watched();
	mount_memory("older_mount");
	tracer = start_tracer(FEW_STACKS);
	mount_memory("younger_mount");
	/* Nobody ran a program there. */
	new_file__copy(victim("family_static"), scratch("younger_mount/unused"));
	assert_true(unmount("younger_mount") < 1);
	mount_memory("younger_mount");
	new_file__copy(victim("family_static"), scratch("older_mount/on_older"));
	new_file__copy(victim("family_static"), scratch("younger_mount/on_younger"));
	new_files__wait_probed(ARGS(scratch("older_mount/on_older")));
	on_older = run_family(ARGS(scratch("older_mount/on_older")), &family);
	on_younger = run_family(ARGS(scratch("younger_mount/on_younger")), &family);
	unmount("older_mount");
	unmount("younger_mount");
	assert_true(child__is_running(tracer));
	run = stop_tracer(tracer);
	assert_from_birth_or_late(last_exit_record_of(run, on_younger), &family);
	assert_from_birth(last_exit_record_of(run, on_older), &family);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_first_processes),
		SYSTEM_TEST(test_libc_and_loader),
		SYSTEM_TEST(test_preloaded_allocators),
		SYSTEM_TEST(test_put_into_place),
		SYSTEM_TEST(test_overwritten_right_before),
		SYSTEM_TEST(test_overwritten_libraries),
		SYSTEM_TEST(test_open_for_writing),
		SYSTEM_TEST(test_a_burst),
		SYSTEM_TEST(test_odd_files),
		SYSTEM_TEST(test_mounts),
	};

	return cmocka_run_group_tests_name("new_files", tests, harness__begin, harness__end);
}
