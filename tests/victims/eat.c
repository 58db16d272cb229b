// SPDX-License-Identifier: GPL-2.0
/*
 * eat CGROUP_PROCS MEBIBYTES: joins a memory cgroup, then allocates and touches mebibyte after
 * mebibyte until it is killed. Prints the number of blocks before it touches the newest: that is
 * where the kill strikes, so the last number is what it held.
 */
#include <fcntl.h>

#include "truth.h"

static NOINLINE void *eat(void)
{
	return malloc(1 << 20);
}

int main(int argc, char **argv)
{
	int fd, limit;

	if (argc < 3)
		die("eat CGROUP_PROCS MEBIBYTES");
	alarm(60);
	fd = open(argv[1], O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die("cgroup");
	close(fd);
	limit = atoi(argv[2]);
	for (int n = 1; n <= limit; n++) {
		char *block = eat();
		char line[16];

		if (!block)
			die("malloc");
		snprintf(line, sizeof(line), "%d\n", n);
		say(line);
		memset(block, n, 1 << 20);
	}
	return 0;
}
