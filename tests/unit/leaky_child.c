// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' side of a leaky child: starts it, waits until its blocks are there, and stops its
 * threads by ptrace.
 */
#include "leaky_child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "leaky_blocks.h"

void leaky_child__run(int fd)
{
	leaky_blocks__run(fd);
}

static pid_t start_program(int fd)
{
	pid_t pid = fork();
	char number[16];

	if (pid)
		return pid;
	snprintf(number, sizeof(number), "%d", fd);
	execl("/proc/self/exe", "test", LEAKY_CHILD_ARGUMENT, number, NULL);
	_exit(1);
}

/* Registers that can hold a pointer: all but the instruction pointer, flags and segments. */
static void copy_registers(struct paused_thread *thread)
{
	struct user_regs_struct general;
	struct user_fpregs_struct vectors;

	assert_int_equal(ptrace(PTRACE_GETREGS, thread->tid, NULL, &general), 0);
	assert_int_equal(ptrace(PTRACE_GETFPREGS, thread->tid, NULL, &vectors), 0);
	thread->stack_pointer = general.rsp;
	thread->thread_pointer = general.fs_base;
	thread->in_syscall = (long long)general.orig_rax >= 0;
	memcpy(thread->general,
	       (uint64_t[]){ general.rax, general.rbx, general.rcx, general.rdx, general.rsi,
			     general.rdi, general.rbp, general.rsp, general.r8, general.r9,
			     general.r10, general.r11, general.r12, general.r13, general.r14,
			     general.r15 },
	       sizeof(thread->general));
	memcpy(thread->vectors, vectors.xmm_space, sizeof(vectors.xmm_space));
}

static void pause_thread(struct paused_process *paused, pid_t tid)
{
	struct paused_thread *thread;
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	assert_true(WIFSTOPPED(status));
	paused->threads = reallocarray(paused->threads, paused->nr_threads + 1, sizeof(*thread));
	assert_non_null(paused->threads);
	thread = &paused->threads[paused->nr_threads++];
	memset(thread, 0, sizeof(*thread));
	thread->tid = tid;
	copy_registers(thread);
}

static void pause_all(struct paused_process *paused, pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	assert_non_null(tasks);
	*paused = (struct paused_process){ .tgid = pid };
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] != '.')
			pause_thread(paused, (pid_t)atol(entry->d_name));
	}
	closedir(tasks);
	paused->paused_ns = clock__monotonic_ns();
}

static int by_address(const void *a, const void *b)
{
	const struct leaky_block *one = a, *other = b;

	return (one->block.address > other->block.address) -
	       (one->block.address < other->block.address);
}

static void copy_blocks(struct leaky_child *child, const struct leaky_table *table)
{
	child->nr_blocks = table->nr;
	child->foreign = (struct leak_block){ .address = ~table->foreign_inverted,
					      .size_bytes = FOREIGN_BYTES,
					      .time_ns = 1 };
	for (unsigned int i = 0; i < table->nr; i++) {
		const struct leaky_entry *entry = &table->entries[i];

		child->blocks[i] = (struct leaky_block){
			.name = strdup(entry->name),
			.block = { .address = ~entry->inverted,
				   .size_bytes = entry->size_bytes,
				   .time_ns = 1 },
			.kind = entry->kind,
			.kind_with_heuristics = entry->kind_with_heuristics,
			.indirect_bytes = entry->indirect_bytes,
			.indirect_blocks = entry->indirect_blocks,
		};
	}
	qsort(child->blocks, child->nr_blocks, sizeof(*child->blocks), by_address);
	for (unsigned int i = 0; i < child->nr_blocks; i++)
		child->sorted[i] = child->blocks[i].block;
}

void leaky_child__start(struct leaky_child *child)
{
	struct leaky_table *table;
	int fd = memfd_create("leaky-child", 0);

	memset(child, 0, sizeof(*child));
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*table)), 0);
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(table != MAP_FAILED);
	child->pid = start_program(fd);
	assert_true(child->pid > 0);
	while (!table->ready) {
		assert_int_equal(waitpid(child->pid, NULL, WNOHANG), 0);
		usleep(1000);
	}
	/* It is on its way into pause(), and the last thread out of join. */
	usleep(20000);
	pause_all(&child->paused, child->pid);
	copy_blocks(child, table);
	munmap(table, sizeof(*table));
	close(fd);
}

void leaky_child__kill(struct leaky_child *child)
{
	if (child->pid)
		kill(child->pid, SIGKILL);
	child->pid = 0;
	/* The other threads' ends are told before the first one's. */
	while (waitpid(-1, NULL, __WALL) > 0)
		continue;
}

void leaky_child__end(struct leaky_child *child)
{
	leaky_child__kill(child);
	free(child->paused.threads);
	for (unsigned int i = 0; i < child->nr_blocks; i++)
		free((char *)child->blocks[i].name);
}

unsigned int leaky_child__find(const struct leaky_child *child, const char *name)
{
	for (unsigned int i = 0; i < child->nr_blocks; i++) {
		if (!strcmp(child->blocks[i].name, name))
			return i;
	}
	fail_msg("no block: %s", name);
	return 0;
}
