// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. The signals of a run; they are read one by one, when there is time. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "hangup.h"
#include "monitor_state.h"

void monitor_signals__begin(struct monitor *monitor)
{
	static const int watched[] = { SIGINT,	SIGTERM, SIGHUP,  SIGQUIT,
				       SIGUSR1, SIGUSR2, SIGCONT, SIGCHLD };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		sigaddset(&mask, watched[i]);
	sigprocmask(SIG_BLOCK, &mask, &monitor->request.original_mask);
	/* After a closed pipe, we still must detach, and maybe wait for a command. */
	sigaction(SIGPIPE, &ignore, &monitor->request.original_sigpipe);
	/* A file that reaches its size limit is an error to report, not the end of the tracer. */
	sigaction(SIGXFSZ, &ignore, &monitor->request.original_sigxfsz);
	monitor->signals.had_terminal = hangup__has_terminal();
	monitor->signals.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * A signal from the terminal reaches the command by itself; a signal that was sent to us is passed
 * on. The command's end ends us. When a command ignores Ctrl-C, the second one makes us leave it
 * running.
 */
static void signal_with_command(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	if (info->ssi_code != SI_KERNEL)
		kill(monitor->command.pid, (int)info->ssi_signo);
	else if (info->ssi_signo == SIGINT && ++monitor->signals.nr_terminal_interrupts > 1)
		monitor->signals.stopping = true;
}

static bool asks_to_reopen(const struct monitor *monitor, const struct signalfd_siginfo *info)
{
	return info->ssi_signo == SIGHUP && monitor->options->nr_outputs &&
	       hangup__is_request(info->ssi_code, monitor->signals.had_terminal,
				  hangup__has_terminal());
}

static void handle_signal(struct monitor *monitor, const struct signalfd_siginfo *info)
{
	if (!monitor->command.pid && asks_to_reopen(monitor, info)) {
		monitor->signals.reopen_asked = true;
		return;
	}
	if (!monitor->command.pid && monitor->leaks.checks && info->ssi_signo == SIGUSR1) {
		monitor->signals.check_asked = true;
		return;
	}
	switch (info->ssi_signo) {
	case SIGCHLD:
		return;
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		monitor->signals.stop_asked = true;
		if (!monitor->command.pid)
			monitor->signals.stopping = true;
		break;
	}
	if (monitor->command.pid && !command__reap(&monitor->command))
		signal_with_command(monitor, info);
}

void monitor_signals__read(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	while (read(monitor->signals.fd, &info, sizeof(info)) == sizeof(info))
		handle_signal(monitor, &info);
}

bool monitor_signals__keep_waiting(void *context)
{
	struct monitor *monitor = context;
	bool runs;

	/* A process that stands at its end must not wait for a reader, too. */
	leak_checks__look(monitor->leaks.checks, NULL);
	monitor_signals__read(monitor);
	runs = monitor->command.pid && !command__reap(&monitor->command);
	return !monitor->signals.stop_asked || (runs && !monitor->signals.stopping);
}

void monitor_signals__wait_for_command(struct monitor *monitor)
{
	while (monitor->command.pid && !monitor->signals.stopping &&
	       !command__reap(&monitor->command)) {
		struct signalfd_siginfo info;
		struct epoll_event ready[8];

		epoll_wait(monitor->epoll_fd, ready, 8, TICK_MS);
		while (read(monitor->signals.fd, &info, sizeof(info)) == sizeof(info))
			if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
				kill(monitor->command.pid, (int)info.ssi_signo);
	}
}
