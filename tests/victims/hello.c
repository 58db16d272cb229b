// SPDX-License-Identifier: GPL-2.0
/* Allocates nothing, says a line: what exec and posix_spawn victims turn into. */
#include "truth.h"

int main(void)
{
	say("hello\n");
	return 0;
}
