// SPDX-License-Identifier: GPL-2.0
/*
 * touched_pages.h: by each of the ways that a kernel may leave, the pages that a process has
 * touched are found, and a hole costs nothing. A seccomp filter takes a way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "leaks/touched_pages.h"

#define PAGE_BYTES 4096ULL
#define NR_PAGES 20000 /* more than one read of entries, and more runs than one ioctl gives */

static char *memory;
static bool touched[NR_PAGES];

/* A system call of that number fails from here on. */
static void forbid(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = 4, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
		_exit(2);
}

static bool runs_match(bool all)
{
	const uint64_t start = (uintptr_t)memory;
	struct touched_pages *pages = touched_pages__new(getpid());
	bool found[NR_PAGES] = { false };
	struct address_range run;
	uint64_t last = start;

	if (!pages)
		return false;
	touched_pages__begin(pages, start, start + NR_PAGES * PAGE_BYTES);
	while (touched_pages__next(pages, &run)) {
		if (run.start < last || run.end <= run.start ||
		    run.end > start + NR_PAGES * PAGE_BYTES || run.start % PAGE_BYTES ||
		    run.end % PAGE_BYTES)
			return false;
		last = run.end;
		for (uint64_t at = run.start; at < run.end; at += PAGE_BYTES)
			found[(at - start) / PAGE_BYTES] = true;
	}
	if (touched_pages__incomplete(pages))
		return false;
	touched_pages__free(pages);
	for (size_t i = 0; i < NR_PAGES; i++) {
		if (found[i] != (all || touched[i]))
			return false;
	}
	return true;
}

static int make_memory(void **state)
{
	unsigned int random_state = 3;

	(void)state;
	memory = mmap(NULL, NR_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	/* A large page would touch its neighbours. */
	madvise(memory, NR_PAGES * PAGE_BYTES, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < NR_PAGES; i++) {
		touched[i] = rand_r(&random_state) % 3 == 0 && i / 1000 % 2;
		if (touched[i])
			memory[i * PAGE_BYTES] = 1;
	}
	return 0;
}

/* The calls fail in a process of its own. */
static void assert_runs_without(const int *calls, size_t nr, bool all)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (size_t i = 0; i < nr; i++)
			forbid(calls[i]);
		_exit(!runs_match(all));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_this_kernel(void **state)
{
	(void)state;
	assert_runs_without(NULL, 0, false);
}

static void test_without_the_ioctl(void **state)
{
	const int calls[] = { SYS_ioctl };

	(void)state;
	assert_runs_without(calls, 1, false);
}

static void test_without_pagemap(void **state)
{
	const int calls[] = { SYS_ioctl, SYS_pread64 };
	const int open_calls[] = { SYS_openat };

	(void)state;
	assert_runs_without(calls, 2, true);
	assert_runs_without(open_calls, 1, true);
}

/* 64 TiB: by the ioctl at once, and else within a bound, which is told. */
static void test_huge_hole(void **state)
{
	const uint64_t end = 64ULL << 40;
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct touched_pages *pages = touched_pages__new(getpid());
		struct address_range run;

		forbid(SYS_ioctl);
		touched_pages__begin(pages, 1ULL << 40, end);
		alarm(60);
		while (touched_pages__next(pages, &run))
			continue;
		_exit(!touched_pages__incomplete(pages));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_without_memory(void **state)
{
	(void)state;
	failing_alloc__after(0);
	assert_null(touched_pages__new(getpid()));
	failing_alloc__never();
	touched_pages__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_kernel),	cmocka_unit_test(test_without_the_ioctl),
		cmocka_unit_test(test_without_pagemap), cmocka_unit_test(test_huge_hole),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, make_memory, NULL);
}
