// SPDX-License-Identifier: GPL-2.0
/* The program that ran in a process at a given time, through execs. Follows this very process. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "processes/processes.h"

#define NO_SUCH_PID 0x7ffffffe
/* A time after /proc was read. */
#define LATER (1ULL << 62)

static void test_a_running_process(void **state)
{
	struct processes *processes = processes__new();
	const struct image *image;
	const struct mapping *map;
	char exe[4096] = "";

	(void)state;
	assert_int_equal(processes__add(processes, getpid()), 0);
	image = processes__image(processes, getpid(), 1);
	assert_non_null(image);
	assert_int_equal(image->since_ns, 0);
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_string_equal(image->exe, exe);
	map = mapping_set__find(image->mappings, (uint64_t)(uintptr_t)test_a_running_process);
	assert_non_null(map);
	assert_string_equal(map->path, exe);
	assert_non_null(image->cgroup);
	processes__free(processes);
}

static void test_no_such_process(void **state)
{
	struct processes *processes = processes__new();

	(void)state;
	assert_int_equal(processes__add(processes, NO_SUCH_PID), -ESRCH);
	assert_null(processes__image(processes, NO_SUCH_PID, UINT64_MAX));
	processes__free(processes);
}

static void test_exec_begins_a_new_image(void **state)
{
	struct mapping program = {
		.start = 0x1000, .end = 0x2000, .file.inode = 5, .path = "/bin/new"
	};
	struct mapping library = {
		.start = 0x5000, .end = 0x6000, .file.inode = 6, .path = "/lib/libc"
	};
	struct processes *processes = processes__new();
	const struct image *old, *new;
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	assert_int_equal(processes__execed(processes, pid, LATER + 1000, "new"), 0);
	assert_int_equal(processes__mapped(processes, pid, UINT64_MAX, &program), 0);
	assert_int_equal(processes__mapped(processes, pid, UINT64_MAX, &library), 0);
	old = processes__image(processes, pid, LATER + 999);
	new = processes__image(processes, pid, LATER + 1000);
	assert_non_null(old);
	assert_ptr_not_equal(old, new);
	assert_null(mapping_set__find(old->mappings, 0x1800));
	assert_string_equal(new->exe, "/bin/new");
	assert_string_equal(new->comm, "new");
	assert_non_null(mapping_set__find(new->mappings, 0x5800));
	assert_ptr_equal(processes__next_image(processes, pid, 0), new);
	assert_null(processes__next_image(processes, pid, LATER + 1000));
	processes__free(processes);
}

static void test_the_next_of_several_images(void **state)
{
	struct processes *processes = processes__new();
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	assert_int_equal(processes__execed(processes, pid, LATER + 1000, "second"), 0);
	assert_int_equal(processes__execed(processes, pid, LATER + 2000, "third"), 0);
	assert_string_equal(processes__next_image(processes, pid, 0)->comm, "second");
	assert_string_equal(processes__next_image(processes, pid, LATER + 1500)->comm, "third");
	assert_string_equal(processes__image(processes, pid, LATER + 1999)->comm, "second");
	processes__free(processes);
}

#define CHILD 0x7ffffff0

static void test_code_made_at_run_time(void **state)
{
	struct mapping made = { .start = 0x5000, .end = 0x6000, .path = "//anon" };
	struct processes *processes = processes__new();
	const struct image *parent, *child;
	struct perf_map_file *first;
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	parent = processes__image(processes, pid, LATER);
	assert_int_equal(processes__mapped(processes, pid, LATER, &made), 0);
	first = parent->code;
	assert_non_null(first);
	assert_int_equal(processes__mapped(processes, pid, LATER, &made), 0);
	assert_ptr_equal(parent->code, first);
	/* No process has the child's PID: the parent's names stay. */
	assert_int_equal(processes__forked(processes, CHILD, pid, LATER), 0);
	child = processes__image(processes, CHILD, LATER);
	assert_ptr_equal(child->code, first);
	assert_int_equal(processes__mapped(processes, CHILD, LATER, &made), 0);
	assert_ptr_equal(child->code, first);
	assert_int_equal(processes__execed(processes, pid, LATER + 1, "next"), 0);
	assert_null(processes__image(processes, pid, LATER + 1)->code);
	processes__free(processes);
}

/* With cgroup version 1 the kernel puts an exiting process into the root: it did not run there. */
static void test_the_cgroup_of_what_has_ended(void **state)
{
	struct processes *processes = processes__new();
	const struct image *parent, *child;
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(processes__add(processes, getpid()), 0);
	assert_int_equal(processes__forked(processes, pid, getpid(), LATER), 0);
	assert_int_equal(processes__execed(processes, pid, LATER + 1, "short"), 0);
	parent = processes__image(processes, getpid(), LATER);
	child = processes__image(processes, pid, LATER + 1);
	assert_non_null(child);
	assert_string_equal(child->cgroup, parent->cgroup);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	processes__free(processes);
}

static void test_a_fork_has_its_parents_mappings(void **state)
{
	struct mapping library = {
		.start = 0x5000, .end = 0x6000, .file.inode = 6, .path = "/lib/late"
	};
	struct processes *processes = processes__new();
	const struct image *parent, *child;
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	assert_int_equal(processes__forked(processes, CHILD, pid, LATER), 0);
	parent = processes__image(processes, pid, LATER);
	child = processes__image(processes, CHILD, LATER);
	assert_non_null(child);
	assert_ptr_not_equal(child, parent);
	assert_string_equal(child->exe, parent->exe);
	assert_string_equal(child->cgroup, parent->cgroup);
	assert_non_null(mapping_set__find(
		child->mappings, (uint64_t)(uintptr_t)test_a_fork_has_its_parents_mappings));
	/* A later mapping of one process is not the other's. */
	assert_int_equal(processes__mapped(processes, CHILD, LATER + 1, &library), 0);
	assert_non_null(mapping_set__find(child->mappings, 0x5800));
	assert_null(mapping_set__find(parent->mappings, 0x5800));
	library.start += 0x2000;
	library.end += 0x2000;
	assert_int_equal(processes__mapped(processes, pid, LATER + 2, &library), 0);
	assert_non_null(mapping_set__find(parent->mappings, 0x7800));
	assert_null(mapping_set__find(child->mappings, 0x7800));
	/* The parent's end leaves the child what it has. */
	processes__reported(processes, pid, LATER);
	assert_null(processes__image(processes, pid, LATER));
	assert_string_equal(processes__image(processes, CHILD, LATER)->exe, child->exe);
	processes__free(processes);
}

static void test_a_reported_image_goes(void **state)
{
	struct processes *processes = processes__new();
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	assert_int_equal(processes__forked(processes, CHILD, pid, LATER), 0);
	assert_int_equal(processes__execed(processes, CHILD, LATER + 10, "second"), 0);
	/* The PID is used again before the first one's reports are written. */
	assert_int_equal(processes__forked(processes, CHILD, pid, LATER + 20), 0);
	processes__reported(processes, CHILD, LATER + 5);
	assert_null(processes__image(processes, CHILD, LATER + 5));
	assert_string_equal(processes__image(processes, CHILD, LATER + 15)->comm, "second");
	processes__reported(processes, CHILD, LATER + 15);
	assert_null(processes__image(processes, CHILD, LATER + 15));
	assert_non_null(processes__image(processes, CHILD, LATER + 20));
	processes__reported(processes, CHILD, LATER + 30);
	assert_null(processes__image(processes, CHILD, UINT64_MAX));
	/* Said once more, or of nobody, it changes nothing. */
	processes__reported(processes, CHILD, LATER + 30);
	assert_non_null(processes__image(processes, pid, LATER));
	/*
	 * With the reported program goes the one before it: a vfork child had no memory of its own.
	 */
	assert_int_equal(processes__forked(processes, CHILD, pid, LATER + 40), 0);
	assert_int_equal(processes__execed(processes, CHILD, LATER + 50, "program"), 0);
	processes__reported(processes, CHILD, LATER + 55);
	assert_null(processes__image(processes, CHILD, UINT64_MAX));
	processes__free(processes);
}

static bool is_that(pid_t tgid, void *context)
{
	return tgid == *(const pid_t *)context;
}

/* A vfork child that ends without exec has no memory to report on. */
static void test_a_process_that_is_gone_goes(void **state)
{
	const pid_t gone = NO_SUCH_PID, needed = NO_SUCH_PID - 1;
	struct processes *processes = processes__new();
	pid_t nobody = 0;

	(void)state;
	assert_int_equal(processes__add(processes, getpid()), 0);
	assert_int_equal(processes__find_gone(processes), 0);
	assert_int_equal(processes__forked(processes, gone, getpid(), 10), 0);
	assert_int_equal(processes__forked(processes, needed, getpid(), 10), 0);
	assert_int_equal(processes__find_gone(processes), 2);
	processes__sweep_gone(processes, is_that, (void *)&needed);
	assert_null(processes__image(processes, gone, UINT64_MAX));
	assert_non_null(processes__image(processes, needed, UINT64_MAX));
	assert_non_null(processes__image(processes, getpid(), UINT64_MAX));
	processes__sweep_gone(processes, is_that, &nobody);
	assert_null(processes__image(processes, needed, UINT64_MAX));
	processes__free(processes);
}

/* Between the look and the forgetting another process got the number. */
static void test_a_reused_pid_stays(void **state)
{
	struct processes *processes = processes__new();
	pid_t nobody = 0;

	(void)state;
	assert_int_equal(processes__add(processes, getpid()), 0);
	assert_int_equal(processes__forked(processes, NO_SUCH_PID, getpid(), 10), 0);
	assert_int_equal(processes__find_gone(processes), 1);
	assert_int_equal(processes__forked(processes, NO_SUCH_PID, getpid(), LATER), 0);
	processes__sweep_gone(processes, is_that, &nobody);
	assert_non_null(processes__image(processes, NO_SUCH_PID, UINT64_MAX));
	processes__free(processes);
}

static void test_records_older_than_proc_are_ignored(void **state)
{
	struct mapping program = {
		.start = 0x1000, .end = 0x2000, .file.inode = 5, .path = "/bin/old"
	};
	struct processes *processes = processes__new();
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	assert_int_equal(processes__mapped(processes, pid, 1, &program), 0);
	assert_null(mapping_set__find(processes__image(processes, pid, LATER)->mappings, 0x1800));
	assert_int_equal(processes__execed(processes, pid, 1, "old"), 0);
	assert_int_equal(processes__forked(processes, pid, pid, 1), 0);
	assert_int_equal(processes__image(processes, pid, LATER)->since_ns, 0);
	assert_string_equal(processes__image(processes, pid, LATER)->comm, "");
	processes__free(processes);
}

static void count_process(pid_t tgid, const struct image *newest, void *context)
{
	assert_non_null(newest);
	*(uint64_t *)context += (uint64_t)tgid;
}

static void test_each_process_is_visited(void **state)
{
	struct processes *processes = processes__new();
	uint64_t sum = 0;
	pid_t pid = getpid();

	(void)state;
	assert_int_equal(processes__add(processes, pid), 0);
	assert_int_equal(processes__forked(processes, CHILD, pid, LATER), 0);
	/* In the same bucket of any table with a power of two of them. */
	assert_int_equal(processes__forked(processes, CHILD - 0x100000, pid, LATER), 0);
	processes__each(processes, count_process, &sum);
	assert_int_equal(sum, (uint64_t)pid + 2 * (uint64_t)CHILD - 0x100000);
	processes__free(processes);
}

static void test_shared_memory_belongs_to_a_program(void **state)
{
	struct processes *processes = processes__new();
	struct shared_object object = { .file.inode = 7, .name = strdup("x") };
	pid_t pid = getpid();

	(void)state;
	assert_null(processes__shared(processes, pid));
	assert_int_equal(processes__add(processes, pid), 0);
	assert_null(processes__image(processes, pid, 1)->shared);
	assert_int_equal(shared_memory__add(processes__shared(processes, pid), &object), 0);
	assert_int_equal(processes__execed(processes, pid, LATER + 1000, "new"), 0);
	assert_int_equal(shared_memory__nr(processes__shared(processes, pid)), 0);
	assert_int_equal(shared_memory__nr(processes__image(processes, pid, LATER + 999)->shared),
			 1);
	assert_int_equal(shared_memory__nr(processes__image(processes, pid, LATER + 1000)->shared),
			 0);
	processes__free(processes);
}

static void test_processes_that_are_not_followed(void **state)
{
	struct mapping program = {
		.start = 0x1000, .end = 0x2000, .file.inode = 5, .path = "/bin/new"
	};
	struct processes *processes = processes__new();

	(void)state;
	assert_int_equal(processes__mapped(processes, 77, 5, &program), 0);
	assert_int_equal(processes__execed(processes, 77, 5, "x"), 0);
	assert_null(processes__image(processes, 77, UINT64_MAX));
	processes__forget(processes, 77);
	processes__free(processes);
	processes__free(NULL);
}

static void test_out_of_memory(void **state)
{
	struct processes *processes = processes__new();
	long nr = 0;
	int err;

	(void)state;
	do {
		failing_alloc__after(nr++);
		err = processes__add(processes, getpid());
		failing_alloc__never();
		/* What is not needed for the books may be missing: the path, the cgroup. */
		assert_true(!err || err == -ENOMEM);
		assert_true(!err == !!processes__image(processes, getpid(), 0));
	} while (err && nr < 10000);
	assert_true(nr > 2);
	failing_alloc__after(0);
	assert_int_equal(processes__execed(processes, getpid(), LATER, "x"), -ENOMEM);
	failing_alloc__after(0);
	assert_int_equal(processes__forked(processes, CHILD, getpid(), LATER), -ENOMEM);
	failing_alloc__after(1);
	assert_int_equal(processes__forked(processes, CHILD, getpid(), LATER), -ENOMEM);
	assert_null(processes__image(processes, CHILD, LATER));
	failing_alloc__never();
	processes__free(processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_running_process),
		cmocka_unit_test(test_no_such_process),
		cmocka_unit_test(test_exec_begins_a_new_image),
		cmocka_unit_test(test_the_next_of_several_images),
		cmocka_unit_test(test_code_made_at_run_time),
		cmocka_unit_test(test_the_cgroup_of_what_has_ended),
		cmocka_unit_test(test_a_fork_has_its_parents_mappings),
		cmocka_unit_test(test_a_reported_image_goes),
		cmocka_unit_test(test_a_process_that_is_gone_goes),
		cmocka_unit_test(test_a_reused_pid_stays),
		cmocka_unit_test(test_records_older_than_proc_are_ignored),
		cmocka_unit_test(test_each_process_is_visited),
		cmocka_unit_test(test_shared_memory_belongs_to_a_program),
		cmocka_unit_test(test_processes_that_are_not_followed),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
