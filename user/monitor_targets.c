// SPDX-License-Identifier: GPL-2.0
/* Who is traced from the start; see monitor_state.h. Every error is told here. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "elf_closure.h"
#include "living_thread.h"
#include "log.h"
#include "monitor_state.h"
#include "privileges.h"
#include "stop_request.h"
#include "targets.h"

/* A thread of another process, a kernel thread and a zombie have a PID too. */
int monitor_targets__check_pid(pid_t pid)
{
	char path[64], line[256];
	int tgid = 0;
	bool has_memory = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)living_thread__of(pid));
	file = fopen(path, "re");
	if (!file) {
		log__error("cannot attach to PID %d: no such process", (int)pid);
		return STATUS_TARGET;
	}
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Tgid: %d", &tgid);
		if (!strncmp(line, "VmSize:", 7))
			has_memory = true;
	}
	fclose(file);
	if (tgid && tgid != pid) {
		log__error("cannot attach to PID %d: it is a thread; use -p %d", (int)pid, tgid);
		return STATUS_TARGET;
	}
	if (!has_memory) {
		log__error(
			"cannot attach to PID %d: it has no memory (a kernel thread or a zombie)",
			(int)pid);
		return STATUS_TARGET;
	}
	if (pid == getpid()) {
		log__error("cannot attach to PID %d: that is memleak-bpf itself", (int)pid);
		return STATUS_TARGET;
	}
	return STATUS_OK;
}

static void add_followed(struct monitor *monitor, pid_t pid, int pidfd)
{
	monitor->followed[monitor->nr_followed] = pid;
	monitor->pidfds[monitor->nr_followed++] = pidfd;
}

struct mapping_visit {
	struct monitor *monitor;
	pid_t tgid;
};

static int visit_mapping(struct mapping *map, void *context)
{
	const struct mapping_visit *visit = context;

	targets__complete(visit->monitor->targets, map);
	code_files__mapped(&visit->monitor->files, visit->tgid, map, false);
	return 0;
}

/* Looks at what a process has mapped before we came. */
static void visit_mappings(struct monitor *monitor, pid_t tgid)
{
	struct mapping_visit visit = { .monitor = monitor, .tgid = tgid };
	struct shared_memory *shared = processes__shared(monitor->processes, tgid);

	if (shared)
		shm_survivors__note_running(monitor->reporter.survivors, shared, tgid);
	mapping_set__identify(processes__image(monitor->processes, tgid, UINT64_MAX)->mappings,
			      visit_mapping, &visit);
}

static int follow_pid(struct monitor *monitor, pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int err = processes__add(monitor->processes, pid);

	if (!err)
		err = tracer__add_target(monitor->tracer, pid, false);
	if (err) {
		if (pidfd >= 0)
			close(pidfd);
		log__error("cannot attach to PID %d: %s", (int)pid,
			   err == -ESRCH ? "no such process" : strerror(-err));
		return err == -ESRCH ? STATUS_TARGET : STATUS_FAILED;
	}
	add_followed(monitor, pid, pidfd);
	visit_mappings(monitor, pid);
	return STATUS_OK;
}

/*
 * Everything that runs. Who is forked meanwhile is known from the kernel's records, who ends is not
 * missed by anybody. Kernel threads have no memory and no program.
 */
static int follow_all(struct monitor *monitor)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (!proc) {
		log__error("cannot list processes: /proc: %s", strerror(errno));
		return STATUS_FAILED;
	}
	while (!stop_request__is_pending() && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid() || processes__add(monitor->processes, pid))
			continue;
		if (!processes__image(monitor->processes, pid, UINT64_MAX)->exe) {
			processes__forget(monitor->processes, pid);
			continue;
		}
		visit_mappings(monitor, pid);
		monitor->nr_at_start++;
	}
	closedir(proc);
	return STATUS_OK;
}

static int command_error(const char *command, int err)
{
	log__error("cannot run '%s': %s", command,
		   err == -ENOENT ? "no such program" : strerror(-err));
	return err == -ENOENT || err == -ENOTDIR ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

/* Before anything is done as the user: of what is missing all is named. */
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

/* Found and forked before anything is loaded: a typo must not cost a second. */
int monitor_targets__prepare_command(struct monitor *monitor, char **executable)
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

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int start_command(struct monitor *monitor, const char *executable)
{
	struct elf_closure_environment environment = {
		.search_path = getenv("PATH"),
		.library_path = getenv("LD_LIBRARY_PATH"),
		.preload = getenv("LD_PRELOAD"),
		.root = "",
	};
	pid_t pid = monitor->command.pid;
	int err = code_files__add_command(&monitor->files, pid, executable, &environment);

	if (err == -EACCES)
		log__warning(
			"%s can be run, and not be read by memleak-bpf: %s; its functions have no names, and an allocator in it is not seen",
			executable, strerror(-err));
	/* What can't be read has most likely the shell's libc. */
	if (err == -ENOEXEC || err == -EACCES)
		err = code_files__add_command(&monitor->files, pid, COMMAND_SHELL, &environment);
	if (err)
		log__detail("%s: not all of its libraries were found: %s", executable,
			    strerror(-err));
	err = processes__add(monitor->processes, pid);
	if (!err)
		err = tracer__add_target(monitor->tracer, pid, true);
	if (err) {
		log__error("cannot trace '%s': %s", executable, strerror(-err));
		return STATUS_FAILED;
	}
	add_followed(monitor, pid, -1);
	reporter__start(&monitor->reporter, &monitor->features, &monitor->paths, 1);
	fflush(monitor->reporter.out);
	err = command__release(&monitor->command);
	return err ? command_error(monitor->options->command[0], err) : STATUS_OK;
}

int monitor_targets__begin(struct monitor *monitor, const char *executable)
{
	const struct options *options = monitor->options;
	int status = STATUS_OK;

	reporter__note_before(&monitor->reporter);
	if (options->mode == MODE_COMMAND)
		return start_command(monitor, executable);
	if (options->mode == MODE_SYSTEM)
		status = follow_all(monitor);
	for (size_t i = 0; i < options->nr_pids && !status && !stop_request__is_pending(); i++)
		status = follow_pid(monitor, options->pids[i]);
	if (!status) {
		monitor->reporter.ready_ns = monotonic_ns();
		reporter__start(&monitor->reporter, &monitor->features, &monitor->paths,
				(unsigned int)(monitor->nr_followed + monitor->nr_at_start));
		fflush(monitor->reporter.out);
	}
	return status;
}

bool monitor_targets__ended(struct monitor *monitor, size_t index)
{
	pid_t pid = monitor->followed[index];
	char path[64], state = 0;
	FILE *file;

	if (pid == monitor->command.pid)
		return command__reap(&monitor->command);
	/* Readable as soon as it is a zombie; a signal 0 would take the right to kill it. */
	if (monitor->pidfds[index] >= 0) {
		struct pollfd end = { .fd = monitor->pidfds[index], .events = POLLIN };

		return poll(&end, 1, 0) > 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]%*[)] %c", &state) != 1)
		state = 0;
	fclose(file);
	/* A zombie has ended, but for its parent's wait. */
	return state == 'Z' || state == 'X';
}
