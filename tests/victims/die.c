// SPDX-License-Identifier: GPL-2.0
/*
 * die WAY: holds 10 blocks of 1,000 bytes made by keep() and one touched mebibyte, then ends the
 * way that the argument names. Its ground truth is on stdout before that.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "truth.h"

#define STORM_THREADS 50

/* volatile: the compiler must not see that nothing can be there. */
static volatile char *volatile nowhere = (char *)16;

static pthread_barrier_t barrier;

static NOINLINE void keep(int n, size_t size)
{
	for (int i = 0; i < n; i++) {
		char *block = malloc(size);

		if (!block)
			die("keep");
		memset(block, 1, size);
		truth_allocated(block, size);
	}
}

static void hold(void)
{
	char *block;

	keep(10, 1000);
	keep(1, 1 << 20);
	block = malloc(5000);
	truth_allocated(block, 5000);
	free(block);
	truth_freed(5000);
}

static void *spin(void *argument)
{
	(void)argument;
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static NOINLINE void hammer(void)
{
	for (;;) {
		char *block = malloc(24);

		if (!block)
			die("hammer");
		*(volatile char *)block = 1;
		free(block);
	}
}

static void *storm(void *argument)
{
	(void)argument;
	keep(3, 100);
	pthread_barrier_wait(&barrier);
	hammer();
	return NULL;
}

static char *self_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		die("/proc/self/exe");
	path[n] = '\0';
	return path;
}

/* The same program runs again, so that the second life has a known size too. */
static void exec_again(void)
{
	char *path = self_path();
	char *argv[] = { path, (char *)"after-exec", NULL };

	truth_print();
	execv(path, argv);
	die("execv");
}

static void *exec_from_thread(void *argument)
{
	(void)argument;
	exec_again();
	return NULL;
}

static void *outlive_leader(void *argument)
{
	char path[64], text[256];
	(void)argument;

	/* A process has the name of its leader, even when the leader is gone. */
	prctl(PR_SET_NAME, "survivor");
	/* Goes on only when the leader is a zombie, so that the order is sure. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	for (;;) {
		int fd = (int)syscall(SYS_open, path, 0, 0);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		char *name_end;

		if (fd < 0)
			die("stat");
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		name_end = strrchr(text, ')');
		if (name_end && name_end[2] == 'Z')
			break;
		usleep(1000);
	}
	keep(7, 300);
	truth_print();
	return NULL;
}

static void start_threads(int n, void *(*run)(void *))
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, (unsigned int)n + 1);
	for (int i = 0; i < n; i++)
		if (pthread_create(&thread, NULL, run, NULL))
			die("pthread_create");
	pthread_barrier_wait(&barrier);
}

static int raise_now(int signal_number)
{
	truth_print();
	kill(getpid(), signal_number);
	for (;;)
		pause();
	return 1;
}

static int end(const char *way)
{
	pthread_t thread;

	if (!strcmp(way, "return")) {
		truth_print();
		return 0;
	}
	if (!strcmp(way, "status")) {
		truth_print();
		return 37;
	}
	if (!strcmp(way, "exit")) {
		truth_print();
		exit(3);
	}
	if (!strcmp(way, "_exit")) {
		truth_print();
		_exit(4);
	}
	if (!strcmp(way, "abort")) {
		truth_print();
		abort();
	}
	if (!strcmp(way, "segv")) {
		truth_print();
		*nowhere = 1;
	}
	if (!strcmp(way, "term"))
		return raise_now(SIGTERM);
	if (!strcmp(way, "kill"))
		return raise_now(SIGKILL);
	if (!strcmp(way, "exec"))
		exec_again();
	if (!strcmp(way, "exec-threads")) {
		start_threads(8, spin);
		exec_again();
	}
	if (!strcmp(way, "exec-from-thread")) {
		if (pthread_create(&thread, NULL, exec_from_thread, NULL))
			die("pthread_create");
		for (;;)
			pause();
	}
	if (!strcmp(way, "leader-first")) {
		if (pthread_create(&thread, NULL, outlive_leader, NULL))
			die("pthread_create");
		/* Not pthread_exit: that loads libgcc_s by dlopen, which allocates. */
		syscall(SYS_exit, 0);
	}
	if (!strcmp(way, "pthread-exit")) {
		if (pthread_create(&thread, NULL, outlive_leader, NULL))
			die("pthread_create");
		pthread_exit(NULL);
	}
	if (!strcmp(way, "storm")) {
		start_threads(STORM_THREADS, storm);
		truth_print();
		usleep(20000);
		syscall(SYS_exit_group, 5);
	}
	if (!strcmp(way, "storm-kill")) {
		start_threads(STORM_THREADS, storm);
		usleep(20000);
		return raise_now(SIGKILL);
	}
	die(way);
	return 1;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "return";

	alarm(60);
	if (!strcmp(way, "after-exec")) {
		keep(5, 500);
		truth_print();
		return 6;
	}
	hold();
	return end(way);
}
