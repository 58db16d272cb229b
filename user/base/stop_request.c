// SPDX-License-Identifier: GPL-2.0
/* See stop_request.h. SIGHUP does not count: it may ask for a new report file. */
#include "base/stop_request.h"

#include <signal.h>
#include <stddef.h>

bool stop_request__is_pending(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
		sigismember(&pending, SIGQUIT));
}
