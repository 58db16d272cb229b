// SPDX-License-Identifier: GPL-2.0
/* pass [STATUS]: copies stdin to stdout, says a line on stderr, exits with STATUS. */
#include "truth.h"

int main(int argc, char **argv)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
		if (write(STDOUT_FILENO, buffer, (size_t)n) != n)
			return 99;
	if (write(STDERR_FILENO, "to stderr\n", 10) != 10)
		return 99;
	return argc > 1 ? atoi(argv[1]) : 0;
}
