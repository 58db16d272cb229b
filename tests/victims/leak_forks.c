// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that fork, and what each of them loses. A process tells who it is by its exit status.
 *
 *   leak_forks forks         a child and a grandchild lose some of what they have from their parents
 *   leak_forks parent_frees  the parent frees its blocks before the child ends
 *   leak_forks orphan        the parent ends before the child does
 *   leak_forks spawn FILE... starts a program as posix_spawn does
 *   leak_forks many          200 children, some at the same time
 *   leak_forks server        a child that runs already; "go": both lose, and so does another child
 */
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak_case.h"

#define CHILD_STATUS 11
#define GRANDCHILD_STATUS 12

extern char **environ;

static void *kept[20], *list, *mapped, *mapped_too;

static NOINLINE void fill(void)
{
	for (size_t i = 0; i < 20; i++)
		kept[i] = allocate(100 + i);
	list = make_list(10, 48);
	mapped = allocate(500000);
	mapped_too = allocate(700000);
	lose(2, 64);
}

static int wait_for(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		die("wait");
	return WEXITSTATUS(status);
}

static NOINLINE void be_grandchild(void)
{
	lose(1, 512);
	free(mapped);
	mapped = NULL;
	kept[16] = NULL;
	scrub();
	_exit(GRANDCHILD_STATUS);
}

static NOINLINE void be_child(void)
{
	pid_t child;

	for (size_t i = 0; i < 6; i++) {
		free(kept[i]);
		kept[i] = NULL;
	}
	free(mapped_too);
	mapped_too = NULL;
	list = NULL;
	lose(3, 256);
	/* In the place of some that were freed. */
	for (size_t i = 0; i < 3; i++)
		kept[i] = allocate(100);
	kept[15] = NULL;
	child = fork();
	if (!child)
		be_grandchild();
	if (wait_for(child) != GRANDCHILD_STATUS)
		die("grandchild");
	scrub();
	_exit(CHILD_STATUS);
}

static int run_forks(void)
{
	pid_t child;

	fill();
	child = fork();
	if (!child)
		be_child();
	return wait_for(child) == CHILD_STATUS ? 0 : 1;
}

static NOINLINE void lose_after(int end)
{
	char byte;

	/* The other end is closed when it is time. */
	if (read(end, &byte, 1) != 0)
		die("read");
	lose(3, 256);
	scrub();
	_exit(CHILD_STATUS);
}

static int run_with_pipe(bool frees)
{
	int ends[2];
	pid_t child;

	if (pipe(ends))
		die("pipe");
	fill();
	child = fork();
	if (!child) {
		close(ends[1]);
		lose_after(ends[0]);
	}
	if (!frees)
		return 0;
	for (size_t i = 0; i < 20; i++)
		free(kept[i]);
	free(mapped);
	close(ends[1]);
	return wait_for(child) == CHILD_STATUS ? 0 : 1;
}

static int run_spawn(char **program)
{
	pid_t child;

	if (posix_spawn(&child, program[0], NULL, NULL, program, environ))
		die("posix_spawn");
	return wait_for(child);
}

static int run_many(void)
{
	pid_t children[8];

	for (int round = 0; round < 25; round++) {
		for (size_t i = 0; i < 8; i++) {
			children[i] = fork();
			if (!children[i]) {
				lose(1, 40);
				scrub();
				_exit(CHILD_STATUS);
			}
		}
		for (size_t i = 0; i < 8; i++)
			if (wait_for(children[i]) != CHILD_STATUS)
				die("child");
	}
	return 0;
}

static NOINLINE void lose_and_stay(int end)
{
	char byte;

	if (end >= 0 && read(end, &byte, 1) != 0)
		die("read");
	lose(5, 200);
	scrub();
	say("lost\n");
	for (;;)
		pause();
}

static int run_server(void)
{
	pid_t first, second;
	char line[8];
	int ends[2];

	if (pipe(ends))
		die("pipe");
	kept[0] = allocate(1000);
	first = fork();
	if (!first) {
		close(ends[1]);
		lose_and_stay(ends[0]);
	}
	say("ready\n");
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		die("stdin");
	close(ends[1]);
	second = fork();
	if (!second)
		lose_and_stay(-1);
	lose(7, 300);
	scrub();
	say("lost\n");
	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		die("stdin");
	kill(first, SIGTERM);
	kill(second, SIGTERM);
	waitpid(first, NULL, 0);
	waitpid(second, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "forks"))
		return run_forks();
	if (!strcmp(name, "parent_frees") || !strcmp(name, "orphan"))
		return run_with_pipe(!strcmp(name, "parent_frees"));
	if (!strcmp(name, "spawn") && argc > 2)
		return run_spawn(argv + 2);
	if (!strcmp(name, "many"))
		return run_many();
	if (!strcmp(name, "server"))
		return run_server();
	say("no such case\n");
	return 97;
}
