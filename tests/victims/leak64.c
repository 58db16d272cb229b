// SPDX-License-Identifier: GPL-2.0
/* The plainest leak: 64 MiB, every byte touched, and return. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *block = malloc(64 << 20);

	if (!block)
		return 1;
	memset(block, 1, 64 << 20);
	return 0;
}
