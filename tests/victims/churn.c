// SPDX-License-Identifier: GPL-2.0
/*
 * What a busy machine does for weeks, a little of it:
 *	churn spawns COUNT NOWHERE	starts that fail: a vfork child each, that ends without exec
 *	churn files COUNT FOLDER	as many programs, each with a file of its own that goes
 *	churn loads COUNT LIBRARY	loads and unloads a library
 *	churn leaf			is such a program
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "truth.h"

extern char **environ;

static NOINLINE void keep(void)
{
	void *volatile block = malloc(100);

	(void)block;
}

static void fail_to_spawn(char *nowhere)
{
	char *const argv[] = { nowhere, NULL };
	pid_t child;

	if (!posix_spawn(&child, nowhere, NULL, NULL, argv, environ))
		die("spawned");
}

static void copy_myself(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	struct stat status;

	if (from < 0 || to < 0 || fstat(from, &status))
		die("open");
	for (off_t at = 0; at < status.st_size;)
		if (sendfile(to, from, &at, (size_t)(status.st_size - at)) <= 0)
			die("copy");
	close(from);
	close(to);
}

static void run_a_copy(const char *folder, long n)
{
	char path[4096], leaf[] = "leaf";
	char *const argv[] = { path, leaf, NULL };
	pid_t child;

	snprintf(path, sizeof(path), "%s/churn-%ld-%ld", folder, (long)getpid(), n);
	copy_myself(path);
	if (posix_spawn(&child, path, NULL, NULL, argv, environ) ||
	    waitpid(child, NULL, 0) != child)
		die("run");
	unlink(path);
}

static void load(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW);

	if (!handle)
		die("dlopen");
	dlclose(handle);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long count = argc > 3 ? atol(argv[2]) : 0;

	if (!strcmp(what, "leaf"))
		keep();
	else if (count < 1)
		die("usage");
	for (long n = 0; n < count; n++) {
		if (!strcmp(what, "spawns"))
			fail_to_spawn(argv[3]);
		else if (!strcmp(what, "files"))
			run_a_copy(argv[3], n);
		else
			load(argv[3]);
	}
	return 0;
}
