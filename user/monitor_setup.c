// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. Every error of the set-up is told here, with what to do about it. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "probes/guard/debuggers.h"
#include "hangup.h"
#include "base/log.h"
#include "monitor_state.h"
#include "processes/privileges.h"
#include "unwind/vdso.h"

/* For the kernel's records of mappings and for what it takes to load and attach at all. */
#define MIN_FILES 64

static int open_output(struct monitor *monitor)
{
	const struct options *options = monitor->options;

	if (options->output_path) {
		monitor->output_name = options->output_path;
		monitor->report_file = report_file__open(options->output_path, options->append);
	} else if (options->mode == MODE_COMMAND) {
		monitor->output_name = "standard error";
		monitor->report_file = report_file__of_descriptor(STDERR_FILENO);
	} else {
		monitor->output_name = "standard output";
		monitor->report_file = report_file__of_descriptor(STDOUT_FILENO);
	}
	if (!monitor->report_file) {
		log__error("cannot write to %s: %s%s", monitor->output_name, strerror(errno),
			   errno == EACCES && options->output_path && !geteuid() ?
				   " (is it another user's, in a folder of everybody's?)" :
				   "");
		return STATUS_OUTPUT;
	}
	report_file__while_full(monitor->report_file, monitor_signals__keep_waiting, monitor);
	return STATUS_OK;
}

static void on_mapped(pid_t tgid, uint64_t time_ns, const struct mapping *map, void *context)
{
	struct monitor *monitor = context;
	struct mapping of_file = *map;

	if (!processes__image(monitor->processes, tgid, UINT64_MAX))
		return;
	tracer__note_mapped(monitor->tracer, tgid);
	code_files__mapped(&monitor->files, tgid, &of_file, true);
	processes__mapped(monitor->processes, tgid, time_ns, &of_file);
}

static void on_execed(pid_t tgid, uint64_t time_ns, const char *comm, void *context)
{
	struct monitor *monitor = context;

	processes__execed(monitor->processes, tgid, time_ns, comm);
}

static void on_forked(pid_t tgid, pid_t parent, uint64_t time_ns, void *context)
{
	struct monitor *monitor = context;

	if (monitor->options->mode == MODE_SYSTEM || monitor->options->follow_children)
		processes__forked(monitor->processes, tgid, parent, time_ns);
	else
		descendants__forked(&monitor->descendants, tgid, parent, time_ns);
}

/* Half of it works without. What doesn't would look like a program without an allocator. */
static void warn_of_unreadable_files(const struct options *options)
{
	char missing[128];

	if (options->mode != MODE_COMMAND &&
	    privileges__missing(privileges__effective(), PRIVILEGE_FOREIGN_FILES, missing,
				sizeof(missing)))
		log__warning(
			"without %s some programs can't be read, such as deleted ones: their allocators and names are missing",
			missing);
}

static int find_paths(struct monitor *monitor, char *error, size_t error_size)
{
	const struct options *options = monitor->options;
	const struct probe_paths *wanted = &options->paths;
	unsigned int uses = PRIVILEGE_TRACE | (options->user ? PRIVILEGE_BECOME_USER : 0);
	/* A path that was asked for may be one that nobody would try otherwise. */
	bool thorough = wanted->exit_before || wanted->exit_after || wanted->call_probes;
	int err = features__probe(&monitor->features, uses, options->btf_path, thorough, error,
				  error_size);

	return err ? err :
		     probe_paths__choose(&monitor->features, wanted, &monitor->paths, error,
					 error_size);
}

/*
 * The service is given CAP_SYS_ADMIN since some kernels ask for it. It runs for long: where the
 * kernel doesn't, it is given up before anything else is done.
 */
static int find_modest_paths(struct monitor *monitor, char *error, size_t error_size)
{
	bool aside = monitor->options->mode == MODE_SYSTEM && privileges__set_aside(CAP_SYS_ADMIN);
	int err = find_paths(monitor, error, error_size);

	if (aside && !err)
		privileges__give_up(CAP_SYS_ADMIN);
	else if (aside && !privileges__take_back(CAP_SYS_ADMIN))
		err = find_paths(monitor, error, error_size);
	return err;
}

static void on_shared_mapped(pid_t tgid, uint64_t time_ns, const struct mapping *map, void *context)
{
	struct monitor *monitor = context;
	struct shared_memory *shared = processes__shared(monitor->processes, tgid);

	(void)time_ns;
	if (shared)
		shm_survivors__note(monitor->survivors, shared, tgid, map);
}

static void on_shared_lost(uint64_t time_ns, void *context)
{
	struct monitor *monitor = context;

	shm_survivors__lost(monitor->survivors, time_ns);
}

/* Without it, code in the vdso is walked by frame pointers. */
static void add_vdso(struct monitor *monitor)
{
	struct unwind_file_key key;
	int fd = vdso__copy(&monitor->files.vdso), err = fd < 0 ? fd : 0;

	if (!err)
		err = code_files__add_vdso(&monitor->files, fd, &key);
	if (!err)
		tracer__set_vdso(monitor->tracer, &key);
	else
		log__detail("the vdso: no table to unwind by: %s", strerror(-err));
	if (fd >= 0)
		close(fd);
}

static int make_tables(struct monitor *monitor)
{
	struct unwind_maps maps;

	if (monitor->paths.stack_walk != STACK_WALK_TABLES)
		return 0;
	maps = tracer__unwind_maps(monitor->tracer);
	monitor->files.tables = unwind_tables__new(&maps);
	if (!monitor->files.tables)
		return -ENOMEM;
	add_vdso(monitor);
	return 0;
}

/*
 * error: an errno, why it was not started. Without the capability that it takes, nothing is put
 * into processes of everybody. What the kernel forbids can't be helped by who runs us; it is said.
 */
static int wait_for_guard(struct monitor *monitor, int error)
{
	bool for_many = !tracer__probes_one_process(monitor->tracer);
	char missing[256];

	if (for_many && privileges__check(privileges__effective(), PRIVILEGE_GUARD, !geteuid(),
					  missing, sizeof(missing))) {
		log__error("%s", missing);
		return STATUS_PRIVILEGE;
	}
	if (monitor->translators) {
		error = -translators__wait(monitor->translators);
		if (!error)
			return STATUS_OK;
		translators__free(monitor->translators);
		monitor->translators = NULL;
	}
	if (for_many)
		log__warning("programs such as Valgrind can't be guarded and may be ended: %s",
			     strerror(error));
	else
		log__detail("programs that translate code can't be guarded: %s", strerror(error));
	return STATUS_OK;
}

static int make_reporter(struct monitor *monitor)
{
	struct report_sources sources = {
		.options = monitor->options,
		.maps = monitor->maps,
		.processes = monitor->processes,
		.probed = monitor->probed,
		.translators = monitor->translators,
		.symbolizer = monitor->symbolizer,
		.tables = monitor->files.tables,
		.survivors = monitor->survivors,
	};

	monitor->reporter = reporter__new(&sources, monitor->report_file);
	return monitor->reporter ? 0 : -ENOMEM;
}

static int load(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	struct tracer_config config = {
		.trace = options->trace,
		.min_size_bytes = options->min_size_bytes,
		.max_size_bytes = options->max_size_bytes,
		.max_blocks = options->max_blocks,
		.max_stacks = options->max_stacks,
		.max_frames = options->max_frames,
		.btf_path = options->btf_path,
		.system_wide = options->mode == MODE_SYSTEM,
		.follow_children = options->follow_children,
	};
	struct kernel_record_handlers handlers = {
		.mapped = on_mapped,
		.execed = on_execed,
		.forked = on_forked,
		.shared_mapped = on_shared_mapped,
		.shared_lost = on_shared_lost,
		.context = monitor,
	};
	char error[256];
	int guard_error;
	int err = find_modest_paths(monitor, error, sizeof(error));

	if (err) {
		log__error("%s", error);
		return err == -EPERM ? STATUS_PRIVILEGE : STATUS_KERNEL;
	}
	warn_of_unreadable_files(options);
	/* Before the first address space is recorded, so that its mappings are too. */
	monitor->records = kernel_records__new(&handlers);
	if (!monitor->records) {
		log__error("cannot record mappings by perf events: %s", strerror(errno));
		return STATUS_KERNEL;
	}
	monitor->translators = translators__new();
	guard_error = errno;
	monitor->tracer = tracer__new(&monitor->features, &monitor->paths, &config);
	if (!monitor->tracer) {
		log__error("cannot load the BPF programs into kernel %s: %s; -v shows why",
			   monitor->features.system.release, strerror(errno));
		return errno == EPERM ? STATUS_PRIVILEGE : STATUS_KERNEL;
	}
	monitor->maps = tracer__maps(monitor->tracer);
	err = wait_for_guard(monitor, guard_error);
	if (err)
		return err;
	monitor->processes = processes__new();
	monitor->probed = probed_files__new(monitor->tracer, monitor->translators);
	monitor->symbolizer = symbolizer__new(0);
	monitor->survivors = shm_survivors__new();
	monitor->files.tracer = monitor->tracer;
	monitor->files.probed = monitor->probed;
	monitor->files.symbolizer = monitor->symbolizer;
	monitor->files.max_frames = monitor->options->max_frames;
	if (!monitor->processes || !monitor->probed || !monitor->symbolizer ||
	    !monitor->survivors || make_tables(monitor) || make_reporter(monitor)) {
		log__error("out of memory");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static void block_signals(struct monitor *monitor)
{
	static const int watched[] = { SIGINT,	SIGTERM, SIGHUP,  SIGQUIT,
				       SIGUSR1, SIGUSR2, SIGCONT, SIGCHLD };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		sigaddset(&mask, watched[i]);
	sigprocmask(SIG_BLOCK, &mask, &monitor->request.original_mask);
	/* After a closed pipe there is a detach to make and maybe a command to wait for. */
	sigaction(SIGPIPE, &ignore, &monitor->request.original_sigpipe);
	/* A file that may not get larger is an error to report. */
	sigaction(SIGXFSZ, &ignore, &monitor->request.original_sigxfsz);
	monitor->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int watch(struct monitor *monitor, int fd)
{
	struct epoll_event interest = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(monitor->epoll_fd, EPOLL_CTL_ADD, fd, &interest) ? -errno : 0;
}

static int watch_everything(struct monitor *monitor)
{
	monitor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (monitor->epoll_fd < 0 || watch(monitor, monitor->signal_fd) ||
	    watch(monitor, tracer__fd(monitor->tracer)) ||
	    watch(monitor, kernel_records__fd(monitor->records)))
		return STATUS_FAILED;
	if (!monitor->options->interval_s)
		return STATUS_OK;
	monitor->interval_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return monitor->interval_fd < 0 || watch(monitor, monitor->interval_fd) ? STATUS_FAILED :
										  STATUS_OK;
}

/* Counted from when the tracing began: on a slow machine attaching takes a while. */
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

/* With less not even an error could be told from another. */
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

/* Files that are mapped are open, as far as that is possible, so that their names are found when
 * their paths are gone. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Where probes go into files, any process can be one that has them. */
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
	block_signals(monitor);
	if (!status)
		status = monitor_targets__check_pids(options);
	if (!status && options->mode == MODE_COMMAND)
		status = monitor_targets__prepare_command(monitor, &executable);
	raise_file_limit(); /* the command has been forked: it keeps what it was given */
	if (!status)
		status = open_output(monitor);
	if (!status)
		status = load(monitor);
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
	monitor->had_terminal = hangup__has_terminal();
	monitor->signal_fd = monitor->interval_fd = monitor->epoll_fd = -1;
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
	unwind_tables__detach(monitor->files.tables);
	warn_of_debuggers_at_the_end(monitor);
	if (!tracer__free(monitor->tracer)) {
		translators__leave(monitor->translators);
		monitor->translators = NULL;
	}
	monitor->tracer = NULL;
}

void monitor_setup__free(struct monitor *monitor)
{
	if (!monitor)
		return;
	monitor_setup__detach(monitor);
	translators__free(monitor->translators);
	command__close(&monitor->command);
	descendants__free(&monitor->descendants);
	kernel_records__free(monitor->records);
	free(monitor->ended.space);
	free(monitor->handled);
	symbolizer__free(monitor->symbolizer);
	unwind_tables__free(monitor->files.tables);
	reporter__free(monitor->reporter);
	shm_survivors__free(monitor->survivors);
	probed_files__free(monitor->probed);
	processes__free(monitor->processes);
	report_file__free(monitor->report_file);
	followed__free(&monitor->followed);
	if (monitor->signal_fd >= 0)
		close(monitor->signal_fd);
	if (monitor->interval_fd >= 0)
		close(monitor->interval_fd);
	if (monitor->epoll_fd >= 0)
		close(monitor->epoll_fd);
	free(monitor);
}
