// SPDX-License-Identifier: GPL-2.0
/* Allocates nothing and prints a line: exec and posix_spawn victims become this. */
#include "truth.h"

int main(void)
{
	say("hello\n");
	return 0;
}
