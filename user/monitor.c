// SPDX-License-Identifier: GPL-2.0
/* See monitor.h. The loop; what it watches is set up in monitor_setup.c. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "books/dead_sweep.h"
#include "base/log.h"
#include "monitor_state.h"
#include "notify.h"
#include "elf/patient_open.h"
#include "process_sweep.h"
#include "books/snapshot.h"
#include "books/stack_sweep.h"
#include "base/stop_request.h"
#include "base/table_limits.h"

/* A report of an exec waits that long to learn what took over. */
#define EXEC_GRACE_NS 100000000ULL
/* Processes that are gone, and files that nobody maps any more, are let go that often. */
#define FORGET_TICK_MS 5000
/* The maps are swept that often, if there is need. */
#define SWEEP_TICK_MS 30000
/* What ended spaces left behind is looked for that often even when nothing was lost. */
#define DEAD_TICK_NS 600000000000ULL
/* Room for unwind tables is made that often, if there is need. */
#define TABLES_TICK_NS 60000000000ULL
/* Sweep when dead blocks take this part of the block map. */
#define SWEEP_PART 4

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* The program that took over may not be known yet: its first mapping names it. */
static bool awaits_exec(const struct monitor *monitor, const struct space *space)
{
	const struct image *next;

	if (!(space->flags & SPACE_EXEC) || monitor->stopping || monitor->finished ||
	    monotonic_ns() > space->after_ns + EXEC_GRACE_NS)
		return false;
	next = processes__next_image(monitor->processes, (pid_t)space->tgid, space->seen_ns);
	return !next || !next->exe;
}

static void report_end(struct monitor *monitor, const struct space *space)
{
	/* What ended while everything was being probed ran before us. */
	if (space->after_ns >= monitor->ready_ns)
		reporter__exit(monitor->reporter, space, true);
	snapshot__forget(monitor->maps, space);
	processes__reported(monitor->processes, (pid_t)space->tgid, space->seen_ns);
	monitor->dead_blocks += space->held_blocks;
}

/* Those that nobody waits for stay in the list. */
static void report_ended(struct monitor *monitor)
{
	struct ended_spaces *ended = &monitor->ended;
	size_t nr = 0, nr_gathered = 0;

	ended_spaces__take(ended, monitor->maps, monitor->stopping || monitor->finished);
	if (!ended->nr)
		return;
	if (monitor->options->mode != MODE_SYSTEM)
		reporter__note_after(monitor->reporter);
	/* What they mapped was recorded before they ended, so it is there now. */
	kernel_records__drain(monitor->records);
	for (; nr < ended->nr; nr++) {
		const struct space *space = &ended->space[nr];
		size_t nr_left = ended->nr - nr;

		/* Reports keep the order of the ends. */
		if (awaits_exec(monitor, space) || stop_request__is_pending())
			break;
		if (nr == nr_gathered) {
			if (reporter__gather(monitor->reporter, space, &nr_left) == -EINTR)
				break;
			nr_gathered = nr + nr_left;
		}
		report_end(monitor, space);
	}
	reporter__forget_gathered(monitor->reporter);
	ended_spaces__drop(ended, nr);
}

/*
 * Records of ends were lost, and with them what else is to be deleted. Now and then it is done
 * anyway, for losses that nobody has seen.
 */
static bool left_some_behind(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t lost = snapshot__read_loss(monitor->maps, LOSS_ENDED_MAP_FULL);
	bool more = lost != monitor->swept_lost_ends;

	monitor->swept_lost_ends = lost;
	return more || now_ns - monitor->swept_dead_ns >= DEAD_TICK_NS;
}

/* Behind the scenes: no report waits for it. */
static void sweep(struct monitor *monitor)
{
	const struct tracer_maps *maps = monitor->maps;
	uint64_t now_ns = monotonic_ns();
	bool dead = monitor->dead_blocks > maps->max_blocks / SWEEP_PART;

	if (now_ns - monitor->swept_stacks_ns >=
	    table_limits__of("sweep_ms", SWEEP_TICK_MS) * 1000000) {
		monitor->swept_stacks_ns = now_ns;
		stack_sweep__run(maps);
		dead |= left_some_behind(monitor, now_ns);
	}
	if (!dead)
		return;
	monitor->swept_dead_ns = now_ns;
	dead_sweep__run(maps, &monitor->ended);
	monitor->dead_blocks = 0;
}

struct mapped_files {
	struct file_set *set;
	int err;
};

static int add_mapped(const struct mapping *map, void *context)
{
	struct mapped_files *mapped = context;

	if (!mapped->err)
		mapped->err = file_set__add(mapped->set, map);
	return mapped->err;
}

static void add_mapped_by(pid_t tgid, const struct image *newest, void *context)
{
	(void)tgid;
	for (const struct image *image = newest; image; image = image->older)
		mapping_set__each(image->mappings, add_mapped, context);
}

static bool tables_are_crowded(const struct monitor *monitor, uint64_t now_ns)
{
	return monitor->files.tables && unwind_tables__are_crowded(monitor->files.tables) &&
	       now_ns - monitor->made_room_ns >= TABLES_TICK_NS;
}

static void make_room_for_tables(struct monitor *monitor, const struct file_set *mapped)
{
	struct unwind_tables *tables = monitor->files.tables;
	bool *in_use = calloc(UNWIND_MAX_IDS, sizeof(*in_use));
	int err = in_use ? unwind_tables__let_go(tables, mapped) : -ENOMEM;

	/* No stack can come to have one of the numbers any more. */
	if (!err)
		err = stack_sweep__mark_files(monitor->maps, in_use);
	if (!err)
		unwind_tables__reuse_ids(tables, in_use);
	if (err != -EAGAIN)
		log__detail("unwind tables of files that nobody maps were let go: %s",
			    err ? strerror(-err) : "there is room again");
	free(in_use);
}

/*
 * A build makes, runs and deletes programs all day, and file systems come and go: what nobody maps
 * any more is let go.
 */
static void forget_files(struct monitor *monitor)
{
	struct mapped_files mapped = { 0 };
	uint64_t now_ns = monotonic_ns();
	bool crowded = tables_are_crowded(monitor, now_ns);
	bool follow = monitor->options->follow_children;

	mapped.set = file_set__new();
	if (mapped.set) {
		mapped.err = file_set__add(mapped.set, &monitor->files.vdso);
		processes__each(monitor->processes, add_mapped_by, &mapped);
		if (!mapped.err && (monitor->options->mode != MODE_COMMAND || follow))
			probed_files__forget_unused(monitor->probed, mapped.set);
		if (!mapped.err)
			symbolizer__forget_unmapped(monitor->symbolizer, mapped.set);
		if (!mapped.err && crowded) {
			monitor->made_room_ns = now_ns;
			make_room_for_tables(monitor, mapped.set);
		}
	}
	file_set__free(mapped.set);
}

/* Processes first: they hold what they have mapped. */
static void forget(struct monitor *monitor)
{
	uint64_t now_ns = monotonic_ns();

	if (now_ns - monitor->forgot_ns < table_limits__of("forget_ms", FORGET_TICK_MS) * 1000000)
		return;
	monitor->forgot_ns = now_ns;
	monitor_living__give_up_missed(monitor);
	process_sweep__run(monitor->processes, monitor->records, monitor->maps, &monitor->ended);
	forget_files(monitor);
}

static bool has_space(pid_t tgid, const struct space *spaces, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if ((pid_t)spaces[i].tgid == tgid)
			return true;
	return false;
}

static void report_outstanding(struct monitor *monitor)
{
	const struct followed *followed = &monitor->followed;
	struct space *spaces;
	size_t nr, nr_gathered = 0;

	if (snapshot__read_live(monitor->maps, &spaces, &nr))
		return;
	kernel_records__drain(monitor->records);
	if (monitor->options->mode == MODE_SYSTEM) {
		reporter__ranking(monitor->reporter, spaces, nr);
		free(spaces);
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		size_t nr_left = nr - i;

		if (i == nr_gathered) {
			/* The last report is still to come, unless that is it. */
			if (reporter__gather(monitor->reporter, &spaces[i], &nr_left) == -EINTR)
				break;
			nr_gathered = i + nr_left;
		}
		reporter__outstanding(monitor->reporter, &spaces[i]);
	}
	reporter__forget_gathered(monitor->reporter);
	for (size_t j = 0; j < followed->nr; j++)
		if (!monitor->command.pid && !monitor_targets__ended(monitor, j) &&
		    !has_space(followed->process[j].tgid, spaces, nr))
			reporter__nothing_yet(monitor->reporter, followed->process[j].tgid);
	free(spaces);
}

static void handle_trace(const struct event *event, void *context)
{
	struct monitor *monitor = context;

	reporter__trace(monitor->reporter, event);
}

static struct shared_memory *find_shared(pid_t tgid, void *context)
{
	const struct monitor *monitor = context;

	return processes__shared(monitor->processes, tgid);
}

static void handle_unwind_request(const struct unwind_request *request, void *context)
{
	const struct monitor *monitor = context;

	code_files__requested(&monitor->files, request);
}

/* What the process had mapped by then is known: the kernel's records of that are older. */
static void handle_unfinished_walk(const struct unfinished_walk *unfinished, void *context)
{
	const struct monitor *monitor = context;
	const struct tracer_maps *maps = monitor->maps;
	const struct image *image;
	struct stack stack;

	kernel_records__drain(monitor->records);
	image = processes__image(monitor->processes, (pid_t)unfinished->tgid, unfinished->time_ns);
	if (!image || snapshot__read_stack(maps, unfinished->stack_id, &stack))
		return;
	code_files__finish_walk(&monitor->files, unfinished, image->mappings, &stack);
	snapshot__replace_stack(maps, unfinished->stack_id, &stack);
}

struct mapped_again {
	const struct code_files *files;
	pid_t tgid;
};

static int visit_again(struct mapping *map, void *context)
{
	const struct mapped_again *again = context;

	code_files__mapped(again->files, again->tgid, map, false);
	return 0;
}

static void look_at_files_of(pid_t tgid, const struct image *newest, void *context)
{
	struct mapped_again again = { .files = context, .tgid = tgid };

	mapping_set__identify(newest->mappings, visit_again, &again);
}

/* Files that could not be opened because their file system did not answer: now it does. */
static void retry_files(struct monitor *monitor)
{
	if (patient_open__answers_again())
		processes__each(monitor->processes, look_at_files_of, &monitor->files);
}

/* Looks at everything that could have changed. */
static void look(struct monitor *monitor)
{
	const struct tracer_handlers handlers = {
		.event = handle_trace,
		.unwind_request = handle_unwind_request,
		.unfinished_walk = handle_unfinished_walk,
		.context = monitor,
	};

	kernel_records__drain(monitor->records);
	retry_files(monitor);
	shm_survivors__catch_up(monitor->survivors, find_shared, monitor);
	tracer__consume(monitor->tracer, &handlers);
	if (monitor->translators)
		translators__consume(monitor->translators);
	monitor_living__look(monitor);
	report_ended(monitor);
	reporter__flush(monitor->reporter);
}

/*
 * Nothing is left to wait for: all that were followed have ended and were reported. (A space comes
 * into the queue before it goes from the living.)
 */
static bool all_ended(struct monitor *monitor)
{
	struct space *spaces;
	size_t nr_live;

	for (size_t i = 0; i < monitor->followed.nr; i++)
		if (!monitor_targets__ended(monitor, i))
			return false;
	monitor_living__give_up_missed(monitor);
	if (snapshot__read_live(monitor->maps, &spaces, &nr_live))
		return true;
	free(spaces);
	if (nr_live)
		return false;
	ended_spaces__take(&monitor->ended, monitor->maps, true);
	return !monitor->ended.nr;
}

/* All reports so far are whole: signals are read between them. */
static void reopen_output(struct monitor *monitor)
{
	int err;

	monitor->reopen_asked = false;
	if (report_file__flush(monitor->report_file))
		return; /* output_status will tell */
	err = report_file__reopen(monitor->report_file, monitor->output_name);
	if (err)
		log__warning("cannot reopen %s: %s; reports go on to the file that was open",
			     monitor->output_name, strerror(-err));
}

static void read_interval(struct monitor *monitor)
{
	uint64_t expirations;

	if (read(monitor->interval_fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	if (monitor->options->count && monitor->nr_intervals >= monitor->options->count)
		return;
	look(monitor);
	report_outstanding(monitor);
	monitor->nr_intervals++;
	if (monitor->nr_intervals == monitor->options->count &&
	    monitor->options->mode != MODE_COMMAND)
		monitor->finished = true;
}

/* Who closes a pipe, as head does, has read enough: that is no error. */
static int output_status(struct monitor *monitor)
{
	int err = report_file__flush(monitor->report_file);

	if (!err)
		return STATUS_OK;
	if (err == -EPIPE)
		return STATUS_NO_READER;
	log__error("cannot write to %s: %s", monitor->output_name,
		   err == -EINTR ? "its reader does not read, and somebody asked to stop" :
				   strerror(-err));
	return STATUS_OUTPUT;
}

static void read_signals(struct monitor *monitor)
{
	monitor_signals__read(monitor);
	monitor->stop_asked = false; /* it is seen to; the last report may wait for its reader */
}

static int follow(struct monitor *monitor)
{
	int status = STATUS_OK;

	while (!monitor->stopping && !monitor->finished) {
		struct epoll_event ready[8];
		int nr = epoll_wait(monitor->epoll_fd, ready, 8, TICK_MS);

		if (nr < 0 && errno != EINTR)
			return STATUS_FAILED;
		for (int i = 0; i < nr; i++) {
			if (ready[i].data.fd == monitor->signal_fd)
				read_signals(monitor);
			else if (ready[i].data.fd == monitor->interval_fd)
				read_interval(monitor);
		}
		if (monitor->reopen_asked)
			reopen_output(monitor);
		look(monitor);
		status = output_status(monitor);
		if (status)
			break;
		if (monitor->options->mode != MODE_SYSTEM && all_ended(monitor))
			break;
		sweep(monitor);
		forget(monitor);
	}
	return status;
}

/* After a closed pipe or a full disk the command still gets to finish, untraced. */
static void wait_for_command(struct monitor *monitor)
{
	while (monitor->command.pid && !monitor->stopping && !command__reap(&monitor->command)) {
		struct signalfd_siginfo info;
		struct epoll_event ready[8];

		epoll_wait(monitor->epoll_fd, ready, 8, TICK_MS);
		while (read(monitor->signal_fd, &info, sizeof(info)) == sizeof(info))
			if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
				kill(monitor->command.pid, (int)info.ssi_signo);
	}
}

/* Whoever asks to stop once more does not want to wait for the rest: too many ends waited. */
static void count_unreported(struct monitor *monitor)
{
	if (stop_request__is_pending())
		monitor->lost.by_cause[LOSS_ENDED_MAP_FULL] += monitor->ended.nr;
}

/* With a command it is for the command to tell: it has inherited the socket. */
static void tell_manager(const struct options *options, const char *state)
{
	int err;

	if (options->mode == MODE_COMMAND)
		return;
	err = notify__send(getenv("NOTIFY_SOCKET"), state);
	if (err)
		log__warning("cannot tell the service manager (NOTIFY_SOCKET) %s: %s", state,
			     strerror(-err));
}

int monitor__run(const struct options *options)
{
	struct monitor *monitor;
	int status = monitor_setup__new(&monitor, options);

	if (status == STATUS_OK) {
		tell_manager(options, NOTIFY_READY);
		status = follow(monitor);
		tell_manager(options, NOTIFY_STOPPING);
		look(monitor);
		if (status == STATUS_OK && !monitor->finished && monitor->stopping &&
		    (options->mode != MODE_SYSTEM || options->interval_s > 0))
			report_outstanding(monitor);
		if (status == STATUS_OK) {
			count_unreported(monitor);
			monitor->lost.by_cause[LOSS_MAPPING_RECORD] =
				kernel_records__lost(monitor->records);
			reporter__total(monitor->reporter, &monitor->lost);
			status = output_status(monitor);
		}
		monitor_setup__detach(monitor);
		/* Late, so that who only needs a moment to end is not among them. */
		if (status == STATUS_OK && command__reap(&monitor->command))
			descendants__tell(&monitor->descendants);
		if (status == STATUS_OUTPUT || status == STATUS_NO_READER)
			wait_for_command(monitor);
		if ((status == STATUS_OK || status == STATUS_NO_READER) && monitor->command.pid &&
		    command__reap(&monitor->command))
			status = command__exit_status(&monitor->command);
		else if (status == STATUS_OK && monitor->command.pid)
			status = STATUS_OK; /* asked to leave it running */
	}
	monitor_setup__free(monitor);
	return status;
}
