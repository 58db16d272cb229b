// SPDX-License-Identifier: GPL-2.0
/*
 * prefork COUNT: a server that forks its workers when it begins; the first of them has a child too.
 * All have the master's pages, which nobody writes to any more. Each prints its number and
 *	SIGUSR1	takes 5 blocks of 100 bytes and says so
 *	SIGUSR2	ends
 */
#include <signal.h>

#include "truth.h"

#define SHARED_BYTES (2 << 20)

static NOINLINE void keep(int count, size_t size)
{
	for (int i = 0; i < count; i++)
		truth_allocated(malloc(size), size);
}

static void serve(const char *role)
{
	char line[64];
	sigset_t signals;
	int signal_number;

	alarm(120);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	snprintf(line, sizeof(line), "%s %d\n", role, (int)getpid());
	say(line);
	while (!sigwait(&signals, &signal_number) && signal_number == SIGUSR1) {
		keep(5, 100);
		say("worked\n");
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 1;
	char *shared = malloc(SHARED_BYTES);
	sigset_t signals;

	if (!shared)
		die("malloc");
	memset(shared, 1, SHARED_BYTES);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < nr; i++) {
		if (fork())
			continue;
		if (!i && !fork())
			serve("worker");
		serve("worker");
	}
	serve("master");
	return 0;
}
