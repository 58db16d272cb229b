// SPDX-License-Identifier: GPL-2.0
/* See pseudo_terminal.h. */
#include "pseudo_terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs these before it. */
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pseudo_terminal pseudo_terminal__open(void)
{
	struct pseudo_terminal terminal = { .master = posix_openpt(O_RDWR | O_NOCTTY) };

	if (terminal.master < 0 || grantpt(terminal.master) || unlockpt(terminal.master)) {
		print_message("skipped: there are no pseudo-terminals here\n");
		skip();
	}
	terminal.slave = open(ptsname(terminal.master), O_RDWR | O_NOCTTY);
	assert_true(terminal.slave >= 0);
	return terminal;
}

void pseudo_terminal__set_columns(const struct pseudo_terminal *terminal, unsigned short columns)
{
	const struct winsize size = { .ws_row = 24, .ws_col = columns };

	assert_int_equal(ioctl(terminal->master, TIOCSWINSZ, &size), 0);
}

void pseudo_terminal__close(const struct pseudo_terminal *terminal)
{
	close(terminal->slave);
	close(terminal->master);
}
