// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. The order in which a run is set up and taken down. Every error is told here,
 * with advice.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "monitor_state.h"
#include "probes/guard/debuggers.h"

/* For the kernel's records of mappings, and for loading and attaching at all. */
#define MIN_FILES 64

static const struct output_format *format_of(const struct options *options, const char *path)
{
	return output__find(options__format_of(options, path));
}

static int refuse_output(const char *name, bool is_file, int err)
{
	log__error("cannot write to %s: %s%s", name, strerror(-err),
		   err == -EACCES && is_file && !geteuid() ?
			   " (does it belong to another user, in a folder that everybody may write "
			   "to?)" :
			   "");
	return STATUS_OUTPUT;
}

/* Pictures don't take the place of the report. */
static int open_stream(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	bool with_command = options->mode == MODE_COMMAND;
	const char *name = with_command ? "standard error" : "standard output";
	const struct output_format *format = format_of(options, NULL);
	int err;

	if (format->is_picture && options->nr_outputs)
		format = output__find(options->json ? "json" : "text");
	err = outputs__add_stream(monitor->outputs, format,
				  with_command ? STDERR_FILENO : STDOUT_FILENO, name);
	return err ? refuse_output(name, false, err) : STATUS_OK;
}

static int open_outputs(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	bool only_pictures = true;
	int status = STATUS_OK;

	monitor->outputs = outputs__new();
	if (!monitor->outputs)
		return STATUS_FAILED;
	for (size_t i = 0; i < options->nr_outputs; i++) {
		const char *path = options->output_paths[i];
		const struct output_format *format = format_of(options, path);
		int err = outputs__add_file(monitor->outputs, format, path, options->append);

		if (err)
			return refuse_output(path, true, err);
		only_pictures &= format->is_picture;
	}
	if (only_pictures)
		status = open_stream(monitor);
	outputs__while_full(monitor->outputs, monitor_signals__keep_waiting, monitor);
	return status;
}

static int watch(struct monitor *monitor, int fd)
{
	struct epoll_event interest = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(monitor->epoll_fd, EPOLL_CTL_ADD, fd, &interest) ? -errno : 0;
}

static int watch_everything(struct monitor *monitor)
{
	monitor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (monitor->epoll_fd < 0 || watch(monitor, monitor->signals.fd) ||
	    watch(monitor, tracer__fd(monitor->tracer)) ||
	    watch(monitor, kernel_records__fd(monitor->records)))
		return STATUS_FAILED;
	if (monitor->written && watch(monitor, written_files__fd(monitor->written)))
		return STATUS_FAILED;
	if (monitor->holds && watch(monitor, holds__fd(monitor->holds)))
		return STATUS_FAILED;
	if (monitor->leaks.checks && watch(monitor, leak_checks__fd(monitor->leaks.checks)))
		return STATUS_FAILED;
	if (!monitor->options->interval_s)
		return STATUS_OK;
	monitor->interval_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return monitor->interval_fd < 0 || watch(monitor, monitor->interval_fd) ? STATUS_FAILED :
										  STATUS_OK;
}

/* Intervals count from the beginning of the tracing: on a slow machine, attaching takes a while. */
static int start_interval(const struct monitor *monitor)
{
	double interval_s = monitor->options->interval_s;
	struct itimerspec interval = {
		.it_interval.tv_sec = (time_t)interval_s,
		.it_interval.tv_nsec = (long)((interval_s - (double)(time_t)interval_s) * 1e9),
	};

	interval.it_value = interval.it_interval;
	if (!interval_s || !timerfd_settime(monitor->interval_fd, 0, &interval, NULL))
		return STATUS_OK;
	log__error("cannot set a timer: %s", strerror(errno));
	return STATUS_FAILED;
}

/*
 * The kernel's hooks know processes by their numbers in the first PID namespace, whose inode number
 * is fixed (PROC_PID_INIT_INO in include/linux/proc_ns.h).
 */
static int check_namespace(void)
{
	struct stat status;

	if (access("/proc/self", F_OK)) {
		log__error(
			"/proc is not mounted here (as in a chroot); mount it first: mount -t proc proc /proc");
		return STATUS_FAILED;
	}
	if (stat("/proc/self/ns/pid", &status) || status.st_ino == 0xEFFFFFFC)
		return STATUS_OK;
	log__error(
		"this is a container's PID namespace; run it in the host's (such as docker run --pid=host)");
	return STATUS_FAILED;
}

/* With fewer files, one error could not be told from another. */
static int check_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max >= MIN_FILES)
		return STATUS_OK;
	log__error(
		"the limit of open files is %llu; at least %d are needed (ulimit -Hn, LimitNOFILE=)",
		(unsigned long long)limit.rlim_max, MIN_FILES);
	return STATUS_FAILED;
}

/*
 * Mapped files are kept open, as far as possible, so that names are found when their paths are
 * gone.
 */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where probes go into files, any process can have them, not only these. */
static void warn_of_debuggers(const struct monitor *monitor, const pid_t *tgids, size_t nr,
			      bool ending)
{
	bool scoped = tracer__probes_one_process(monitor->tracer);

	debuggers__warn(scoped ? tgids : NULL, nr, ending);
}

static int set_up(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	char *executable = NULL;
	int status = check_file_limit();

	if (!status)
		status = check_namespace();
	monitor_signals__begin(monitor);
	if (!status)
		status = monitor_targets__check_pids(options);
	if (!status)
		status = monitor_leaks__begin(monitor);
	if (!status && options->mode == MODE_COMMAND)
		status = monitor_command__prepare(monitor, &executable);
	raise_file_limit(); /* the command has been forked: it keeps its own limit */
	if (!status)
		status = open_outputs(monitor);
	if (!status)
		status = monitor_load__load(monitor);
	if (!status) {
		status = watch_everything(monitor);
		if (status)
			log__error("cannot watch for events: %s", strerror(errno));
	}
	if (!status)
		warn_of_debuggers(monitor, options->pids, options->nr_pids, false);
	if (!status)
		status = monitor_targets__begin(monitor, executable);
	if (!status)
		status = start_interval(monitor);
	free(executable);
	return status;
}

int monitor_setup__new(struct monitor **result, const struct options *options)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	*result = monitor;
	if (!monitor) {
		log__error("out of memory");
		return STATUS_FAILED;
	}
	monitor->options = options;
	monitor->signals.fd = monitor->interval_fd = monitor->epoll_fd = -1;
	monitor->command.pidfd = monitor->command.release_fd = monitor->command.error_fd = -1;
	return set_up(monitor);
}

static void warn_of_debuggers_at_the_end(const struct monitor *monitor)
{
	const struct followed *followed = &monitor->followed;
	pid_t *tgids = calloc(followed->nr + 1, sizeof(*tgids));

	for (size_t i = 0; i < followed->nr && tgids; i++)
		tgids[i] = followed->process[i].tgid;
	if (tgids && monitor->tracer)
		warn_of_debuggers(monitor, tgids, followed->nr, true);
	free(tgids);
}

void monitor_setup__detach(struct monitor *monitor)
{
	monitor_holds__end(monitor);
	monitor_leaks__end(monitor);
	unwind_tables__detach(monitor->files.tables);
	warn_of_debuggers_at_the_end(monitor);
	/* Who wants to write to a probed file waits from here until the probes are gone. */
	probed_files__stop_watching(monitor->probed);
	if (!tracer__free(monitor->tracer)) {
		translators__leave(monitor->translators);
		monitor->translators = NULL;
	}
	monitor->tracer = NULL;
	probed_files__free(monitor->probed);
	monitor->probed = NULL;
}

void monitor_setup__free(struct monitor *monitor)
{
	if (!monitor)
		return;
	monitor_setup__detach(monitor);
	monitor_leaks__free(monitor);
	translators__free(monitor->translators);
	command__close(&monitor->command);
	descendants__free(&monitor->descendants);
	kernel_records__free(monitor->records);
	written_files__free(monitor->written);
	free(monitor->ended.space);
	free(monitor->living.handled);
	symbolizer__free(monitor->symbolizer);
	unwind_tables__free(monitor->files.tables);
	reporter__free(monitor->reporter);
	shm_survivors__free(monitor->survivors);
	processes__free(monitor->processes);
	outputs__free(monitor->outputs);
	followed__free(&monitor->followed);
	if (monitor->signals.fd >= 0)
		close(monitor->signals.fd);
	if (monitor->interval_fd >= 0)
		close(monitor->interval_fd);
	if (monitor->epoll_fd >= 0)
		close(monitor->epoll_fd);
	free(monitor);
}
