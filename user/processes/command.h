/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The traced command: forked early, held before its exec until the probes are attached, and then
 * left alone. It inherits everything but our file descriptors.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct command {
	pid_t pid;
	int pidfd; /* readable when the command has ended; -1: no pidfds in this kernel */
	int release_fd, error_fd;
	bool reaped;
	int wait_status;
};

struct command_request {
	char **argv; /* the first is searched for in PATH */
	const char *user; /* name or number of the user to run as; NULL: ours */
	sigset_t original_mask; /* our mask at the start, restored for the command */
	struct sigaction original_sigpipe;
	struct sigaction original_sigxfsz;
};

/* Runs files that the kernel does not accept as programs. */
#define COMMAND_SHELL "/bin/sh"

/*
 * Forks a child that becomes the user, finds the executable and waits. Returns 0, -ENOENT for an
 * unknown user, or -errno.
 */
int command__prepare(struct command *command, const struct command_request *request);

/*
 * Returns the path that the child found; the caller owns it. Returns 0, or the negated errno of the
 * failure, after which the child is gone. Call once, before the release.
 */
int command__find(const struct command *command, char **executable);

/*
 * Lets the child exec. Returns 0 when the program runs; otherwise the negated errno of the failure,
 * after which the child is gone.
 */
int command__release(struct command *command);

/* Takes the wait status if the command has ended. Returns whether it has. Never waits. */
bool command__reap(struct command *command);

/* The exit status that a shell would show: 128+N when signal N ended the command. */
int command__exit_status(const struct command *command);

/* Ends a child that was never released, and closes all descriptors. */
void command__close(struct command *command);

#endif
