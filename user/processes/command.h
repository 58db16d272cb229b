/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The traced command: forked early, held before its exec until the probes are on, and then left
 * alone. It inherits everything but our file descriptors.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct command {
	pid_t pid;
	int pidfd; /* readable when it has ended; -1 where the kernel has no pidfds */
	int release_fd, error_fd;
	bool reaped;
	int wait_status;
};

struct command_request {
	char **argv; /* the first is looked for in PATH */
	const char *user; /* name or number to run as; NULL: ours */
	sigset_t original_mask; /* what we were started with, for the command to have too */
	struct sigaction original_sigpipe;
	struct sigaction original_sigxfsz;
};

/* Runs what the kernel takes for no program. */
#define COMMAND_SHELL "/bin/sh"

/*
 * Forks a child that becomes the user, finds the executable and waits. Returns 0, -ENOENT for an
 * unknown user, or -errno.
 */
int command__prepare(struct command *command, const struct command_request *request);

/*
 * What the child found: an owned path. Returns 0, or the negated errno of what failed, the child is
 * gone then. To be called once, before the release.
 */
int command__find(const struct command *command, char **executable);

/*
 * Lets it exec. Returns 0 when the program runs; the negated errno of what failed otherwise, the
 * child is gone then.
 */
int command__release(struct command *command);

/* Takes its wait status if it has ended. True when it has. Never waits. */
bool command__reap(struct command *command);

/* The status that a shell would show: 128+N when signal N ended it. */
int command__exit_status(const struct command *command);

/* Ends a child that was never released; closes what is open. */
void command__close(struct command *command);

#endif
