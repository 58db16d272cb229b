// SPDX-License-Identifier: GPL-2.0
/*
 * relatives vfork|spawn|fork|outlive: other processes that share, copy or outlive the memory.
 * Only what belongs to the first process's address space is in the ground truth.
 */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "truth.h"

extern char **environ;

static void *block_of_parent[20];

static NOINLINE void keep_parent(int n, size_t size)
{
	for (int i = 0; i < n; i++) {
		block_of_parent[i] = malloc(size);
		truth_allocated(block_of_parent[i], size);
	}
}

static NOINLINE void keep_child(int n, size_t size)
{
	for (int i = 0; i < n; i++)
		truth_allocated(malloc(size), size);
}

static const char *hello_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);
	char *slash;

	if (n <= 0)
		die("/proc/self/exe");
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, "hello");
	return path;
}

static void by_vfork(int with_exec)
{
	const char *path = hello_path();
	char *argv[] = { (char *)path, NULL };
	pid_t child = vfork();

	if (child == 0) {
		/* The parent waits; these blocks are in its memory and stay there. */
		keep_child(3, 700);
		free(block_of_parent[0]);
		truth_freed(400);
		if (with_exec)
			execv(path, argv);
		_exit(with_exec ? 97 : 0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		die("vfork");
	keep_child(2, 60);
}

static void by_spawn(void)
{
	const char *path = hello_path();
	char *argv[] = { (char *)path, NULL };
	int status;
	pid_t child;

	for (int i = 0; i < 5; i++) {
		if (posix_spawn(&child, path, NULL, NULL, argv, environ))
			die("posix_spawn");
		if (waitpid(child, &status, 0) != child || status)
			die("waitpid");
		keep_child(1, 90);
	}
}

static void by_fork(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		/* The child's memory is a copy: same addresses, another address space. */
		for (int i = 0; i < 6; i++)
			free(block_of_parent[i]);
		for (int i = 0; i < 1000; i++)
			if (!malloc(50))
				_exit(1);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		die("fork");
	free(block_of_parent[9]);
	truth_freed(400);
	keep_child(4, 110);
}

static int outlive(void *argument)
{
	(void)argument;
	/* Long past the 100 ms after which a tracer says "its memory is not". */
	usleep(700000);
	/* The parent is gone, so nobody else uses its heap or its thread pointer. */
	keep_child(2, 130);
	truth_print();
	_exit(0);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(60);
	keep_parent(10, 400);
	if (!strcmp(how, "vfork")) {
		by_vfork(0);
	} else if (!strcmp(how, "vfork-exec")) {
		by_vfork(1);
	} else if (!strcmp(how, "spawn")) {
		by_spawn();
	} else if (!strcmp(how, "fork")) {
		by_fork();
	} else if (!strcmp(how, "outlive")) {
		size_t size = 256 << 10;
		char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

		if (stack == MAP_FAILED)
			die("mmap");
		truth_print();
		/* No exit signal: the process that adopts it need not be told. */
		if (clone(outlive, stack + size, CLONE_VM, NULL) < 0)
			die("clone");
		_exit(8);
	} else {
		die("how");
	}
	truth_print();
	return 0;
}
