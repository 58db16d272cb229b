// SPDX-License-Identifier: GPL-2.0
/* See hangup.h. Called by the monitor. */
#include "hangup.h"

#include <fcntl.h>
#include <unistd.h>

bool hangup__has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* si_code is above 0 for signals that the kernel sends by itself (see SI_FROMUSER). */
bool hangup__is_request(int code, bool had_terminal, bool has_terminal)
{
	return code <= 0 && (has_terminal || !had_terminal);
}
