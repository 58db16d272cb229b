// SPDX-License-Identifier: GPL-2.0
/* Allocates in signal handlers on an alternate stack, never while malloc itself is interrupted. */
#include <signal.h>

#include "truth.h"

static NOINLINE void keep_in_handler(void)
{
	truth_allocated(malloc(150), 150);
}

static void on_signal(int number)
{
	(void)number;
	keep_in_handler();
}

static NOINLINE void keep_outside(void)
{
	truth_allocated(malloc(60), 60);
}

int main(void)
{
	static char alternate[64 << 10];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_ONSTACK;
	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		die("sigaction");
	for (int i = 0; i < 40; i++) {
		keep_outside();
		raise(SIGUSR1);
	}
	truth_print();
	return 0;
}
