// SPDX-License-Identifier: GPL-2.0
/* The signals that a run gets; see monitor_state.h. They are read one by one, when there is time. */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "hangup.h"
#include "monitor_state.h"

/*
 * A signal from the terminal reaches the command by itself; one that was sent to us is passed on.
 * The command's end ends us. Ctrl-C twice at a command that ignores it: we go and leave it running.
 */
static void signal_with_command(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	if (info->ssi_code != SI_KERNEL)
		kill(monitor->command.pid, (int)info->ssi_signo);
	else if (info->ssi_signo == SIGINT && ++monitor->nr_terminal_interrupts > 1)
		monitor->stopping = true;
}

static bool asks_to_reopen(const struct monitor *monitor, const struct signalfd_siginfo *info)
{
	return info->ssi_signo == SIGHUP && monitor->options->output_path &&
	       hangup__is_request(info->ssi_code, monitor->had_terminal, hangup__has_terminal());
}

static void handle_signal(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	if (!monitor->command.pid && asks_to_reopen(monitor, info)) {
		monitor->reopen_asked = true;
		return;
	}
	switch (info->ssi_signo) {
	case SIGCHLD:
		return;
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		monitor->stop_asked = true;
		if (!monitor->command.pid)
			monitor->stopping = true;
		break;
	}
	if (monitor->command.pid && !command__reap(&monitor->command))
		signal_with_command(monitor, info);
}

void monitor_signals__read(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	while (read(monitor->signal_fd, &info, sizeof(info)) == sizeof(info))
		handle_signal(monitor, &info);
}

bool monitor_signals__keep_waiting(void *context)
{
	struct monitor *monitor = context;
	bool runs;

	monitor_signals__read(monitor);
	runs = monitor->command.pid && !command__reap(&monitor->command);
	return !monitor->stop_asked || (runs && !monitor->stopping);
}
