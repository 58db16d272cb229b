// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. The command that is traced from its beginning. Every error is told here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "elf/elf_closure.h"
#include "elf/patient_open.h"
#include "monitor_state.h"
#include "processes/privileges.h"

static int command_error(const char *command, int err)
{
	log__error("cannot run '%s': %s", command,
		   err == -ENOENT ? "no such program" : strerror(-err));
	return err == -ENOENT || err == -ENOTDIR ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

/*
 * Checks before anything is done as the user, so that all missing capabilities are named at once.
 */
static int check_user(const struct options *options)
{
	char error[256];

	if (!options->user ||
	    !privileges__check(privileges__effective(), PRIVILEGE_TRACE | PRIVILEGE_BECOME_USER,
			       !geteuid(), error, sizeof(error)))
		return STATUS_OK;
	log__error("%s", error);
	return STATUS_PRIVILEGE;
}

/* The command is found and forked before anything is loaded: a typo must not cost a second. */
int monitor_command__prepare(struct monitor *monitor, char **executable)
{
	const struct options *options = monitor->options;
	struct command_request *request = &monitor->request;
	int err = check_user(options);

	if (err)
		return err;
	request->argv = options->command;
	request->user = options->user;
	err = command__prepare(&monitor->command, request);
	if (err == -ENOENT && options->user) {
		log__error("cannot run as '%s': no such user", options->user);
		return STATUS_USAGE;
	}
	if (err) {
		log__error("cannot start '%s': %s", options->command[0], strerror(-err));
		return STATUS_FAILED;
	}
	err = command__find(&monitor->command, executable);
	return err ? command_error(options->command[0], err) : STATUS_OK;
}

int monitor_command__start(struct monitor *monitor, const char *executable)
{
	struct elf_closure_environment environment = {
		.search_path = getenv("PATH"),
		.library_path = getenv("LD_LIBRARY_PATH"),
		.preload = getenv("LD_PRELOAD"),
		.root = "",
		.arguments = (const char *const *)monitor->options->command + 1,
	};
	pid_t pid = monitor->command.pid;
	int err;

	patient_open__take_time(true);
	err = code_files__add_command(&monitor->files, pid, executable, &environment);
	if (err == -EACCES)
		log__warning(
			"%s can be run, but memleak-bpf can't read it: %s; its functions have no names, and an allocator in it is not seen",
			executable, strerror(-err));
	/* A program that can't be read most likely has the shell's libc. */
	if (err == -ENOEXEC || err == -EACCES)
		err = code_files__add_command(&monitor->files, pid, COMMAND_SHELL, &environment);
	patient_open__take_time(false);
	if (err)
		log__detail("%s: not all of its libraries were found: %s", executable,
			    strerror(-err));
	err = followed__add(&monitor->followed, pid);
	if (!err)
		err = processes__add(monitor->processes, pid);
	if (!err && !monitor->options->follow_children)
		err = descendants__add(&monitor->descendants, pid, clock__monotonic_ns());
	if (!err)
		err = tracer__add_target(monitor->tracer, pid, true);
	if (err) {
		log__error("cannot trace '%s': %s", executable, strerror(-err));
		return STATUS_FAILED;
	}
	monitor_leaks__watch(monitor);
	reporter__start(monitor->reporter, &monitor->features, &monitor->paths, 1, pid, 0);
	reporter__flush(monitor->reporter);
	monitor_holds__begin(monitor);
	err = command__release(&monitor->command);
	return err ? command_error(monitor->options->command[0], err) : STATUS_OK;
}
