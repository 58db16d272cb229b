// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. Finds out what the kernel offers, loads the tracer and makes the rooms
 * around it. Every error is told here, with advice.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "definition_support.h"
#include "monitor_state.h"
#include "processes/privileges.h"
#include "unwind/vdso.h"

/*
 * Warns, since half of the tracing works without: an unreadable program would look like one without
 * an allocator.
 */
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
	unsigned int uses = PRIVILEGE_TRACE | (options->user ? PRIVILEGE_BECOME_USER : 0) |
			    (options->hold_new ? PRIVILEGE_HOLD : 0);
	/* A path that the options ask for may be one that is not tried otherwise. */
	bool thorough = wanted->exit_before || wanted->exit_after || wanted->call_probes;
	int err = features__probe(&monitor->features, uses, options->btf_path, thorough, error,
				  error_size);

	return err ? err :
		     probe_paths__choose(&monitor->features, wanted, &monitor->paths, error,
					 error_size);
}

/*
 * The service has CAP_SYS_ADMIN since some kernels require it. The service runs for long: where the
 * kernel does not require it, the capability is dropped before anything else is done.
 */
static int find_modest_paths(struct monitor *monitor, char *error, size_t error_size)
{
	bool aside = monitor->options->mode == MODE_SYSTEM && privileges__set_aside(CAP_SYS_ADMIN);
	int err = find_paths(monitor, error, error_size);

	if (aside && !err)
		privileges__drop(CAP_SYS_ADMIN);
	else if (aside && !privileges__take_back(CAP_SYS_ADMIN))
		err = find_paths(monitor, error, error_size);
	return err;
}

/*
 * Where probes go into every process, so that they can be there before it is. Needs CAP_SYS_ADMIN:
 * before that is dropped. Without it, new programs are seen late.
 */
static void watch_written_files(struct monitor *monitor)
{
	if (monitor->options->mode != MODE_SYSTEM && !monitor->options->follow_children)
		return;
	monitor->written = written_files__watch();
	if (monitor->written)
		log__detail("new files are looked into when they are written, on %zu file systems",
			    written_files__nr_file_systems(monitor->written));
	else
		log__detail("new files are looked into when a process maps them: %s",
			    strerror(errno));
}

/*
 * A perf event for each function takes a second a file: files that nobody may ever run would keep
 * those waiting that run.
 */
static void forget_written_files(struct monitor *monitor)
{
	if (!monitor->written || monitor->paths.call_probes != CALL_PROBES_PERF)
		return;
	written_files__free(monitor->written);
	monitor->written = NULL;
	log__detail("new files are looked into when a process maps them: probes are slow here");
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
		log__detail("the vdso: no unwind table: %s", strerror(-err));
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
 * error: an errno that tells why the guard was not started. When probes go into everybody's
 * processes, a missing capability for the guard ends the run. A user can't help what the kernel
 * forbids: then a warning says so.
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
		.leaks = &monitor->leaks,
	};

	monitor->reporter = reporter__new(&sources, monitor->outputs);
	return monitor->reporter ? 0 : -ENOMEM;
}

/* Makes the rooms that need the loaded tracer, and connects them. */
static int make_rooms(struct monitor *monitor)
{
	monitor->processes = processes__new();
	monitor->probed = probed_files__new(monitor->tracer, monitor->translators);
	monitor->symbolizer = symbolizer__new(0);
	monitor->survivors = shm_survivors__new();
	monitor->files.tracer = monitor->tracer;
	monitor->files.probed = monitor->probed;
	monitor->files.symbolizer = monitor->symbolizer;
	monitor->files.holds = monitor->holds;
	probed_files__set_holds(monitor->probed, monitor->holds);
	monitor->files.max_frames = monitor->options->max_frames;
	if (!monitor->processes || !monitor->probed || !monitor->symbolizer ||
	    !monitor->survivors || make_tables(monitor) || make_reporter(monitor)) {
		log__error("out of memory");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

int monitor_load__load(struct monitor *monitor)
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
	struct kernel_record_handlers handlers = monitor_records__handlers(monitor);
	char error[256];
	int guard_error;
	int err;

	watch_written_files(monitor);
	err = find_modest_paths(monitor, error, sizeof(error));
	if (err) {
		log__error("%s", error);
		return err == -EPERM ? STATUS_PRIVILEGE : STATUS_KERNEL;
	}
	forget_written_files(monitor);
	if (definition_support__check(&monitor->features, &monitor->paths) != STATUS_OK)
		return STATUS_KERNEL;
	warn_of_unreadable_files(options);
	/* Before the first address space is recorded, so that its mappings are recorded too. */
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
	if (!err)
		err = monitor_holds__load(monitor);
	return err ? err : make_rooms(monitor);
}
