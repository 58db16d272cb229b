// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. The processes that are traced from the start. Every error is told here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/living_thread.h"
#include "base/log.h"
#include "base/stop_request.h"
#include "elf/elf_closure.h"
#include "elf/patient_open.h"
#include "monitor_state.h"
#include "probes/probed_files.h"
#include "processes/privileges.h"
#include "processes/process_tree.h"

/* Returns why that PID can't be traced; NULL when it can, or when there is no such process now. */
static const char *refusal(pid_t pid, pid_t *tgid, bool *gone)
{
	char path[64], line[256], state = 0;
	bool has_memory = false;
	FILE *file;

	*gone = true;
	*tgid = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)living_thread__of(pid));
	file = fopen(path, "re");
	if (!file)
		return NULL;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Tgid: %d", tgid);
		sscanf(line, "State: %c", &state);
		if (!strncmp(line, "VmSize:", 7))
			has_memory = true;
	}
	fclose(file);
	*gone = !has_memory && (state == 'Z' || state == 'X');
	if (*tgid && *tgid != pid)
		return "it is a thread";
	if (!has_memory && !*gone)
		return "it has no memory (a kernel thread)";
	return pid == getpid() ? "that is memleak-bpf itself" : NULL;
}

/*
 * A process that has just ended is no reason to trace none of the others: a pool of workers changes
 * while its PIDs are typed.
 */
int monitor_targets__check_pids(const struct options *options)
{
	size_t nr_gone = 0;

	for (size_t i = 0; i < options->nr_pids; i++) {
		pid_t pid = options->pids[i], tgid;
		bool gone;
		const char *why = refusal(pid, &tgid, &gone);

		nr_gone += gone;
		if (!why)
			continue;
		if (tgid != pid)
			log__error("cannot attach to PID %d: %s; use -p %d", (int)pid, why,
				   (int)tgid);
		else
			log__error("cannot attach to PID %d: %s", (int)pid, why);
		return STATUS_TARGET;
	}
	if (!nr_gone || nr_gone < options->nr_pids)
		return STATUS_OK;
	if (nr_gone == 1)
		log__error("cannot attach to PID %d: no such process, or it has ended",
			   (int)options->pids[0]);
	else
		log__error("cannot attach: none of the %zu processes exists any more", nr_gone);
	return STATUS_TARGET;
}

struct mapping_visit {
	struct monitor *monitor;
	pid_t tgid;
};

static int visit_mapping(struct mapping *map, void *context)
{
	const struct mapping_visit *visit = context;

	probed_files__complete(visit->monitor->probed, map);
	code_files__mapped(&visit->monitor->files, visit->tgid, map, false);
	return 0;
}

/* Looks at the files that a process mapped before the tracer came. */
static void visit_mappings(struct monitor *monitor, pid_t tgid)
{
	struct mapping_visit visit = { .monitor = monitor, .tgid = tgid };
	struct shared_memory *shared = processes__shared(monitor->processes, tgid);

	if (shared)
		shm_survivors__note_running(monitor->survivors, shared, tgid);
	mapping_set__identify(processes__image(monitor->processes, tgid, UINT64_MAX)->mappings,
			      visit_mapping, &visit);
}

/* Returns 0, -ESRCH when it has ended, or -errno. */
static int follow_pid(struct monitor *monitor, pid_t pid)
{
	int err = followed__add(&monitor->followed, pid);

	if (err)
		return err;
	err = processes__add(monitor->processes, pid);
	if (!err)
		err = tracer__add_target(monitor->tracer, pid, false);
	if (err)
		followed__forget(&monitor->followed, monitor->followed.nr - 1);
	else
		visit_mappings(monitor, pid);
	return err;
}

/*
 * Follows the children of followed processes, and their descendants. Returns how many were added.
 */
static size_t follow_children_in(struct monitor *monitor, const struct process_tree *tree)
{
	size_t nr_all = 0, nr;

	do {
		nr = 0;
		for (size_t i = 0; i < tree->nr; i++) {
			const struct process_entry *entry = &tree->entries[i];
			int err;

			if (!followed__has(&monitor->followed, entry->parent) ||
			    followed__has(&monitor->followed, entry->tgid))
				continue;
			err = follow_pid(monitor, entry->tgid);
			nr += !err;
			if (err && err != -ESRCH)
				log__warning("cannot attach to the child PID %d: %s",
					     (int)entry->tgid, strerror(-err));
		}
		nr_all += nr;
	} while (nr);
	return nr_all;
}

static void tell_untraced_children(const struct monitor *monitor, const struct process_tree *tree)
{
	size_t nr = 0;

	for (size_t i = 0; i < tree->nr; i++)
		nr += followed__has(&monitor->followed, tree->entries[i].parent) &&
		      !followed__has(&monitor->followed, tree->entries[i].tgid);
	if (nr == 1)
		log__warning(
			"a child process that is already running is not traced; -f traces it too");
	else if (nr)
		log__warning(
			"%zu child processes that are already running are not traced; -f traces them too",
			nr);
}

/*
 * The children of a process are read after it has become a target: from then on its forks are
 * noticed. So a child that the next reading finds new was forked by a process that was no target
 * yet, and the readings come to an end.
 */
static int follow_relatives(struct monitor *monitor)
{
	struct process_tree tree;
	int err;

	for (;;) {
		err = process_tree__read(&tree);
		if (err || !monitor->options->follow_children ||
		    !follow_children_in(monitor, &tree))
			break;
		process_tree__free(&tree);
	}
	for (size_t i = 0; i < monitor->followed.nr && !err; i++) {
		pid_t pid = monitor->followed.process[i].tgid;

		processes__set_relative(monitor->processes, pid,
					process_tree__relative(&tree, pid));
	}
	if (!err && !monitor->options->follow_children)
		tell_untraced_children(monitor, &tree);
	process_tree__free(&tree);
	return err;
}

/* Forgets processes that ended meanwhile: they were not traced. */
static int forget_ended(struct monitor *monitor)
{
	struct followed *followed = &monitor->followed;
	const struct options *options = monitor->options;

	for (size_t i = followed->nr; i-- > 0;) {
		if (!followed__has_ended(followed, i))
			continue;
		tracer__forget_target(monitor->tracer, followed->process[i].tgid);
		followed__forget(followed, i);
	}
	for (size_t i = 0; i < options->nr_pids; i++) {
		if (followed__has(followed, options->pids[i]))
			continue;
		if (followed->nr)
			log__warning("PID %d is not traced: it ended before it was attached",
				     (int)options->pids[i]);
		else
			log__error("PID %d ended before it was attached", (int)options->pids[i]);
	}
	return followed->nr ? STATUS_OK : STATUS_TARGET;
}

static int follow_pids(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	int err = 0;

	for (size_t i = 0; i < options->nr_pids && !stop_request__is_pending(); i++) {
		err = follow_pid(monitor, options->pids[i]);
		if (!err || err == -ESRCH)
			continue;
		log__error("cannot attach to PID %d: %s", (int)options->pids[i], strerror(-err));
		return STATUS_FAILED;
	}
	if (stop_request__is_pending())
		return STATUS_OK;
	err = follow_relatives(monitor);
	if (err) {
		log__error("cannot list processes: /proc: %s", strerror(-err));
		return STATUS_FAILED;
	}
	monitor->ready_ns = clock__monotonic_ns();
	return forget_ended(monitor);
}

/*
 * Follows every running process. The kernel's records tell which processes are forked meanwhile,
 * and nobody misses those that end. Kernel threads, which have no memory and no program, are left
 * out.
 */
static int follow_all(struct monitor *monitor)
{
	struct process_tree tree;
	int err = process_tree__read(&tree);

	for (size_t i = 0; i < tree.nr && !err && !stop_request__is_pending(); i++) {
		pid_t pid = tree.entries[i].tgid;

		if (processes__add(monitor->processes, pid))
			continue;
		if (!processes__image(monitor->processes, pid, UINT64_MAX)->exe) {
			processes__forget(monitor->processes, pid);
			continue;
		}
		processes__set_relative(monitor->processes, pid,
					process_tree__relative(&tree, pid));
		visit_mappings(monitor, pid);
		monitor->nr_at_start++;
	}
	process_tree__free(&tree);
	if (!err)
		return STATUS_OK;
	log__error("cannot list processes: /proc: %s", strerror(-err));
	return STATUS_FAILED;
}

int monitor_targets__begin(struct monitor *monitor, const char *executable)
{
	const struct options *options = monitor->options;
	int status = STATUS_OK;

	reporter__note_before(monitor->reporter);
	if (options->mode == MODE_COMMAND)
		return monitor_command__start(monitor, executable);
	if (options->mode == MODE_SYSTEM) {
		status = follow_all(monitor);
		code_files__add_usual(&monitor->files);
		monitor->ready_ns = clock__monotonic_ns();
	} else {
		status = follow_pids(monitor);
	}
	monitor_holds__begin(monitor);
	if (!status) {
		monitor_leaks__watch(monitor);
		reporter__start(monitor->reporter, &monitor->features, &monitor->paths,
				(unsigned int)(monitor->followed.nr + monitor->nr_at_start), 0,
				monitor->ready_ns);
		reporter__flush(monitor->reporter);
	}
	return status;
}

bool monitor_targets__is_idle(struct monitor *monitor, size_t index, const struct space *spaces,
			      size_t nr)
{
	if (monitor->command.pid || monitor_targets__ended(monitor, index))
		return false;
	for (size_t i = 0; i < nr; i++)
		if ((pid_t)spaces[i].tgid == monitor->followed.process[index].tgid)
			return false;
	return true;
}

bool monitor_targets__ended(struct monitor *monitor, size_t index)
{
	if (monitor->followed.process[index].tgid == monitor->command.pid)
		return command__reap(&monitor->command);
	return followed__has_ended(&monitor->followed, index);
}
