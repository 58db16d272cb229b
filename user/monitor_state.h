/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of one run, and the parts that share it: the loop (monitor.c) and the monitor_*.c
 * files, each with one duty. Nobody else includes this.
 */
#ifndef MONITOR_STATE_H
#define MONITOR_STATE_H

#include <signal.h>
#include <stdbool.h>

#include "books/ended_spaces.h"
#include "code_files.h"
#include "monitor.h"
#include "output/outputs.h"
#include "probes/holds.h"
#include "probes/probe_paths.h"
#include "processes/command.h"
#include "processes/descendants.h"
#include "processes/followed.h"
#include "processes/kernel_records.h"
#include "reported_leaks.h"
#include "reporter.h"
#include "written_files.h"

/* The maps are read that often even when no doorbell rang. */
#define TICK_MS 100

/* Things that are done once for a living address space. */
enum handled_deed {
	HANDLED_OUTLIVED = 1 << 0, /* it was reported that its process is gone */
	HANDLED_NEW_LEADER = 1 << 1, /* probes were attached anew */
	HANDLED_LEADER_LEFT = 1 << 2, /* its breakpoints were put into every process */
};

struct handled_space {
	uint64_t serial;
	unsigned int deeds; /* enum handled_deed */
};

/* Owned by monitor_living.c. */
struct living {
	struct handled_space *handled; /* by serial */
	size_t nr_handled;
	uint64_t looked_ns; /* CLOCK_MONOTONIC */
};

/*
 * Owned by monitor_upkeep.c, except for dead_blocks, which monitor_ends.c adds to. Times:
 * CLOCK_MONOTONIC.
 */
struct upkeep {
	uint64_t forgot_ns, swept_stacks_ns, swept_dead_ns, made_room_ns;
	uint64_t swept_lost_ends; /* how many ends were lost by the last sweep */
	uint64_t dead_blocks; /* blocks of ended spaces that still take room */
};

/* Owned by monitor_signals.c; the loop acts on the requests in it. */
struct signals {
	int fd;
	unsigned int nr_terminal_interrupts;
	bool had_terminal; /* when the run began */
	bool stop_asked; /* by a signal; ends the wait for a reader of the report */
	bool stopping; /* the run is to end */
	bool reopen_asked; /* of the report file */
	bool check_asked; /* for leaks, now */
};

/* Owned by monitor_holds.c: what BPF has told and is not answered yet, in the order of time. */
struct hold_queue {
	struct hold_event *events;
	size_t nr, capacity;
};

struct monitor {
	const struct options *options;
	struct features features;
	struct probe_paths paths;
	struct translators *translators; /* NULL: translators can't be guarded here */
	struct tracer *tracer;
	const struct tracer_maps *maps; /* the tracer's */
	struct kernel_records *records;
	struct processes *processes;
	struct probed_files *probed;
	struct code_files files;
	struct written_files *written; /* NULL: new files are not watched for */
	struct symbolizer *symbolizer;
	struct holds *holds; /* NULL: no --hold-new */
	struct hold_queue hold_queue;
	struct shm_survivors *survivors;
	struct reporter *reporter;
	struct outputs *outputs; /* where the reporter writes */
	struct command command; /* pid 0: there is none */
	struct descendants descendants; /* the command's, when there is no -f */
	struct followed followed;
	size_t nr_at_start; /* of processes, in mode system */
	uint64_t ready_ns; /* CLOCK_MONOTONIC, when all that is traced from the start was probed */
	struct leak_reporting leaks;
	struct report_lost lost; /* losses that no map counts */
	struct command_request request; /* how the command is to be started */
	int interval_fd, epoll_fd;
	uint64_t nr_intervals;
	bool finished; /* all intervals were shown */
	struct signals signals;
	struct ended_spaces ended;
	struct living living;
	struct upkeep upkeep;
};

/*
 * Sets up a run. When it returns STATUS_OK, everything is attached and the command runs. Any other
 * result is the exit status, and the error has been told. *monitor must be freed either way.
 */
int monitor_setup__new(struct monitor **monitor, const struct options *options);
/* Detaches all probes; the kernel may still be removing some afterwards. */
void monitor_setup__detach(struct monitor *monitor);
void monitor_setup__free(struct monitor *monitor);

/*
 * Finds out what the kernel offers, loads the tracer, and makes the rooms around it. Returns an
 * exit status.
 */
int monitor_load__load(struct monitor *monitor);

/*
 * The traced processes. These return an exit status; when it is not STATUS_OK, an error has been
 * told. begin lets the command run, or attaches to the running processes, and writes the start of
 * the report.
 */
int monitor_targets__check_pids(const struct options *options);
int monitor_targets__begin(struct monitor *monitor, const char *executable);
/* Whether the process at that index of `followed` has ended. */
bool monitor_targets__ended(struct monitor *monitor, size_t index);
/*
 * Whether that one, of -p, runs and has no record among the living spaces: it has made no call
 * since the attach.
 */
bool monitor_targets__is_idle(struct monitor *monitor, size_t index, const struct space *spaces,
			      size_t nr);

/* The same for a command: prepare finds and forks it, start lets it run. */
int monitor_command__prepare(struct monitor *monitor, char **executable);
int monitor_command__start(struct monitor *monitor, const char *executable);

/*
 * Leak checks, when the options ask for them. begin reads the suppressions, and starts the process
 * that stops others; it returns an exit status, and has told the error. watch names the processes,
 * once they are followed. check looks at those that run: at all that are watched, or at those of
 * the whole system that hold the most. end lets all of them go.
 */
int monitor_leaks__begin(struct monitor *monitor);
void monitor_leaks__watch(struct monitor *monitor);
void monitor_leaks__check(struct monitor *monitor);
/*
 * Of the whole system: keeps those that were checked just now, the largest first, and returns how
 * many they are: none without leak checks.
 */
size_t monitor_leaks__find_checked(const struct monitor *monitor, struct space *spaces, size_t nr);
void monitor_leaks__end(struct monitor *monitor);
void monitor_leaks__free(struct monitor *monitor);

/*
 * From here on, signals of the run are blocked until read; the command gets the original signal
 * state.
 */
void monitor_signals__begin(struct monitor *monitor);
/* Reads the signals that have come. */
void monitor_signals__read(struct monitor *monitor);
/* Reads signals while the reader of the report does not read. Returns whether to wait for it. */
bool monitor_signals__keep_waiting(void *context);
/* Lets the command finish untraced, after a closed pipe or a full disk. */
void monitor_signals__wait_for_command(struct monitor *monitor);

/*
 * --hold-new: processes that stand still until their new files have been looked into. load returns
 * an exit status, and has told the error; it comes before any thread is started. begin is for when
 * all that runs has been looked into. catch_up looks into the files of all that are held, and lets
 * these go on; call it often, while reports are written too. reached lets those go on whose mappings
 * from before that time have been looked at. end lets all go. Without --hold-new these do nothing.
 */
int monitor_holds__load(struct monitor *monitor);
void monitor_holds__begin(struct monitor *monitor);
void monitor_holds__catch_up(struct monitor *monitor);
void monitor_holds__reached(struct monitor *monitor, uint64_t time_ns);
void monitor_holds__end(struct monitor *monitor);

/* Handlers that tell the monitor's rooms what the kernel's records say. */
struct kernel_record_handlers monitor_records__handlers(struct monitor *monitor);
/* Handles the messages of the BPF side and of the guard. Drain the kernel's records first. */
void monitor_records__consume(struct monitor *monitor);

/* Does whatever is due once for each living address space. */
void monitor_living__look(struct monitor *monitor);

/* Reports the address spaces that have ended, except those that still wait for something. */
void monitor_ends__report(struct monitor *monitor);
/* Ends the record of a living space whose end was missed, as if the end had been seen now. */
void monitor_ends__add_missed(struct monitor *monitor, struct space *space);
/* The same for all spaces whose processes are gone although no hook has said so. */
void monitor_ends__find_missed(struct monitor *monitor);
/* Whether all followed processes have ended and were reported. */
bool monitor_ends__are_complete(struct monitor *monitor);
/* Counts, as losses, the ends that still wait for a report when there is no time left for it. */
void monitor_ends__count_unreported(struct monitor *monitor);

/* Looks into files that somebody has just written. */
void monitor_upkeep__look_at_written(struct monitor *monitor);
/* Looks again at files that could not be opened because their file system did not answer. */
void monitor_upkeep__retry_files(struct monitor *monitor);
/* Makes room in the maps and forgets unneeded processes and files, as often as that is due. */
void monitor_upkeep__run(struct monitor *monitor);

#endif
