// SPDX-License-Identifier: GPL-2.0
/*
 * eat CGROUP_PROCS MEBIBYTES [MILLISECONDS]: joins a memory cgroup, then allocates and touches
 * mebibyte after mebibyte, with a pause after each, until it is killed. It prints the number of
 * blocks before it touches the newest: the kill strikes there, so the last number is what it held.
 */
#include <fcntl.h>

#include "truth.h"

static NOINLINE void *eat(void)
{
	return malloc(1 << 20);
}

int main(int argc, char **argv)
{
	int fd, limit, pause_ms;

	if (argc < 3)
		die("eat CGROUP_PROCS MEBIBYTES [MILLISECONDS]");
	alarm(60);
	fd = open(argv[1], O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die("cgroup");
	close(fd);
	limit = atoi(argv[2]);
	pause_ms = argc > 3 ? atoi(argv[3]) : 0;
	for (int n = 1; n <= limit; n++) {
		char *block = eat();
		char line[16];

		if (!block)
			die("malloc");
		snprintf(line, sizeof(line), "%d\n", n);
		say(line);
		memset(block, n, 1 << 20);
		if (pause_ms)
			usleep((unsigned int)pause_ms * 1000);
	}
	return 0;
}
