// SPDX-License-Identifier: GPL-2.0
/* See terminal.h. Asked by log.c for stderr and by report_file.c for the file of the reports. */
#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

unsigned int terminal__columns(int fd)
{
	struct winsize size;

	return isatty(fd) && !ioctl(fd, TIOCGWINSZ, &size) ? size.ws_col : 0;
}
