// SPDX-License-Identifier: GPL-2.0
/*
 * storm COUNT RATE PROGRAM [ARG]: starts the program COUNT times, one after another and RATE times
 * a second if the machine can, and waits for each. Prints the rate that it reached.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "truth.h"

extern char **environ;

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? atol(argv[1]) : 0;
	double rate = argc > 3 ? atof(argv[2]) : 0, began_s = now_s(), due_s;
	char line[64];

	if (count < 1 || rate <= 0)
		die("usage");
	for (long i = 0; i < count; i++) {
		pid_t child;

		if (posix_spawn(&child, argv[3], NULL, NULL, argv + 3, environ) ||
		    waitpid(child, NULL, 0) != child)
			die("start");
		due_s = began_s + (double)(i + 1) / rate;
		if (due_s > now_s())
			usleep((useconds_t)((due_s - now_s()) * 1e6));
	}
	snprintf(line, sizeof(line), "%.0f a second\n", (double)count / (now_s() - began_s));
	say(line);
	return 0;
}
