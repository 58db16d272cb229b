// SPDX-License-Identifier: GPL-2.0
/*
 * timed FIFO COMMAND [ARG...]: opens FIFO, writes a byte and becomes COMMAND, which keeps it open.
 * The reader of FIFO sees when the program began, and by the end of file when it ended, whatever
 * the tool around it does before and after. For tools/bench.
 */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fifo = argc > 2 ? open(argv[1], O_WRONLY) : -1;

	if (fifo < 0 || write(fifo, "", 1) != 1)
		return 126;
	execvp(argv[2], argv + 2);
	return 127;
}
