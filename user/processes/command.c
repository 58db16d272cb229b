// SPDX-License-Identifier: GPL-2.0
/* See command.h. */
#include "processes/command.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf/elf_closure.h"
#include "base/log.h"

static const struct passwd *find_user(const char *user)
{
	const struct passwd *entry;
	unsigned long number;
	char *end;

	errno = 0;
	entry = getpwnam(user);
	if (entry)
		return entry;
	number = strtoul(user, &end, 10);
	return *user && !*end && number < UINT32_MAX ? getpwuid((uid_t)number) : NULL;
}

/* Sets groups, ids, and the variables that name the user, as runuser does. */
static int become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
		return -errno;
	if (setenv("HOME", user->pw_dir, 1) || setenv("USER", user->pw_name, 1) ||
	    setenv("LOGNAME", user->pw_name, 1) || setenv("SHELL", user->pw_shell, 1))
		return -errno;
	return 0;
}

static bool is_elf(const char *path)
{
	char magic[SELFMAG] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, magic, sizeof(magic)) != sizeof(magic))
		magic[0] = '\0';
	close(fd);
	return !memcmp(magic, ELFMAG, SELFMAG);
}

/* Like execvp: a file that the kernel rejects is a script for the shell, unless it is binary. */
static int execute(const char *executable, char **argv)
{
	size_t nr = 0;
	char **shell_argv;

	execv(executable, argv);
	if (errno != ENOEXEC)
		return -errno;
	if (is_elf(executable))
		return -ENOEXEC;
	while (argv[nr])
		nr++;
	shell_argv = calloc(nr + 2, sizeof(*shell_argv));
	if (!shell_argv)
		return -ENOMEM;
	shell_argv[0] = argv[0];
	shell_argv[1] = (char *)executable;
	memcpy(shell_argv + 2, argv + 1, (nr - 1) * sizeof(*argv));
	execv(COMMAND_SHELL, shell_argv);
	return -errno;
}

/* The child's first message. */
struct found {
	int err;
	char path[PATH_MAX]; /* of the executable */
};

static void run_child(const struct command_request *request, const struct passwd *user, int wait_fd,
		      int error_fd) __attribute__((noreturn));

/*
 * The child searches as the user, who may see files that we can't, such as the user's FUSE mounts,
 * and not see files that we can.
 */
static void run_child(const struct command_request *request, const struct passwd *user, int wait_fd,
		      int error_fd)
{
	struct found found = { .err = user ? become(user) : 0 };
	char *executable = NULL, go;
	int err;

	if (!found.err)
		found.err =
			elf_closure__find_executable(request->argv[0], getenv("PATH"), &executable);
	if (!found.err)
		snprintf(found.path, sizeof(found.path), "%s", executable);
	if (write(error_fd, &found, sizeof(found)) != sizeof(found) || found.err)
		_exit(125);
	/* If the tracer is killed before it releases the child, the child must exit too. */
	if (read(wait_fd, &go, 1) != 1)
		_exit(125);
	sigaction(SIGPIPE, &request->original_sigpipe, NULL);
	sigaction(SIGXFSZ, &request->original_sigxfsz, NULL);
	sigprocmask(SIG_SETMASK, &request->original_mask, NULL);
	err = execute(executable, request->argv);
	if (write(error_fd, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(125);
}

int command__prepare(struct command *command, const struct command_request *request)
{
	const struct passwd *entry = NULL;
	int release[2], error[2], err;

	*command = (struct command){ .pidfd = -1, .release_fd = -1, .error_fd = -1 };
	if (request->user) {
		entry = find_user(request->user);
		if (!entry)
			return -ENOENT;
	}
	if (pipe2(release, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = -errno;
		close(release[0]);
		close(release[1]);
		return err;
	}
	command->pid = fork();
	if (!command->pid) {
		close(release[1]);
		run_child(request, entry, release[0], error[1]);
	}
	err = command->pid < 0 ? -errno : 0;
	close(release[0]);
	close(error[1]);
	command->release_fd = release[1];
	command->error_fd = error[0];
	if (err) {
		command->pid = 0;
		command__close(command);
		return err;
	}
	command->pidfd = (int)syscall(SYS_pidfd_open, command->pid, 0);
	if (command->pidfd >= 0)
		fcntl(command->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int command__find(const struct command *command, char **executable)
{
	struct found found = { 0 };
	size_t length = 0;
	ssize_t nr;

	*executable = NULL;
	while (length < sizeof(found)) {
		nr = read(command->error_fd, (char *)&found + length, sizeof(found) - length);
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr <= 0)
			return nr ? -errno : -ECHILD;
		length += (size_t)nr;
	}
	if (found.err)
		return found.err;
	found.path[sizeof(found.path) - 1] = '\0';
	*executable = strdup(found.path);
	return *executable ? 0 : -ENOMEM;
}

int command__release(struct command *command)
{
	int err = 0;
	ssize_t nr;

	if (write(command->release_fd, "", 1) != 1)
		err = -errno;
	close(command->release_fd);
	command->release_fd = -1;
	if (err)
		return err;
	do {
		nr = read(command->error_fd, &err, sizeof(err));
	} while (nr < 0 && errno == EINTR);
	if (nr != sizeof(err))
		return 0; /* exec closed the pipe */
	waitpid(command->pid, &command->wait_status, 0);
	command->reaped = true;
	return err;
}

bool command__reap(struct command *command)
{
	if (!command->reaped && command->pid > 0 &&
	    waitpid(command->pid, &command->wait_status, WNOHANG) == command->pid)
		command->reaped = true;
	return command->reaped;
}

int command__exit_status(const struct command *command)
{
	if (WIFSIGNALED(command->wait_status))
		return 128 + WTERMSIG(command->wait_status);
	return WEXITSTATUS(command->wait_status);
}

void command__close(struct command *command)
{
	if (command->release_fd >= 0) {
		/* When the pipe is closed, the child's read fails, and the child exits. */
		close(command->release_fd);
		command->release_fd = -1;
		if (command->pid > 0 && !command->reaped) {
			waitpid(command->pid, &command->wait_status, 0);
			command->reaped = true;
		}
	}
	if (command->error_fd >= 0)
		close(command->error_fd);
	if (command->pidfd >= 0)
		close(command->pidfd);
	command->error_fd = command->pidfd = -1;
}
