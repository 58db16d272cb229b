// SPDX-License-Identifier: GPL-2.0
/*
 * Ends with 32 MiB that the kernel takes more than a second to take back: the process leaves its
 * processor to a busy one as soon as it ends.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HELD_BYTES = 32 << 20, BUSY_S = 2 };

static void stay_busy(void)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += BUSY_S;
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
	_exit(0);
}

int main(void)
{
	struct sched_param none = { 0 };
	char *volatile block;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	block = malloc(HELD_BYTES);
	memset(block, 1, HELD_BYTES);
	if (sched_setaffinity(0, sizeof(one), &one) || sched_setscheduler(0, SCHED_IDLE, &none))
		return 1;
	if (fork() == 0) {
		sched_setscheduler(0, SCHED_OTHER, &none);
		stay_busy();
	}
	return 0;
}
