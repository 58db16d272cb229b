// SPDX-License-Identifier: GPL-2.0
/*
 * Says "ready", then "got N" for each signal that it gets; SIGUSR2 ends it with status 9. Nothing
 * is ignored. 60 seconds at most.
 */
#include <signal.h>

#include "truth.h"

static void on_signal(int number)
{
	char line[16];

	snprintf(line, sizeof(line), "got %d\n", number);
	say(line);
	if (number == SIGUSR2)
		_exit(9);
}

int main(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], on_signal);
	alarm(60);
	say("ready\n");
	for (;;)
		pause();
}
