/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one run holds, and the parts that share it: the loop (monitor.c) and the monitor_ .c, each
 * of one duty. Nobody else includes this.
 */
#ifndef MONITOR_STATE_H
#define MONITOR_STATE_H

#include <signal.h>
#include <stdbool.h>

#include "books/ended_spaces.h"
#include "code_files.h"
#include "monitor.h"
#include "output/report_file.h"
#include "probes/probe_paths.h"
#include "processes/command.h"
#include "processes/descendants.h"
#include "processes/followed.h"
#include "processes/kernel_records.h"
#include "reporter.h"

/* The maps are looked at that often even when no doorbell rang. */
#define TICK_MS 100

/* What was done about a living address space, so that it is done once. */
enum handled_deed {
	HANDLED_OUTLIVED = 1 << 0, /* its process is gone, and that was said */
	HANDLED_NEW_LEADER = 1 << 1, /* attached anew */
	HANDLED_LEADER_LEFT = 1 << 2, /* its breakpoints were put everywhere */
};

struct handled_space {
	uint64_t serial;
	unsigned int deeds; /* enum handled_deed */
};

/* monitor_living.c's. */
struct living {
	struct handled_space *handled; /* by serial */
	size_t nr_handled;
	uint64_t looked_ns; /* CLOCK_MONOTONIC */
};

/* monitor_upkeep.c's, but for dead_blocks, which monitor_ends.c adds to. Times: CLOCK_MONOTONIC. */
struct upkeep {
	uint64_t forgot_ns, swept_stacks_ns, swept_dead_ns, made_room_ns;
	uint64_t swept_lost_ends; /* so many were lost by then */
	uint64_t dead_blocks; /* blocks of ended spaces that still take room */
};

/* monitor_signals.c's; the loop does what they ask. */
struct signals {
	int fd;
	unsigned int nr_terminal_interrupts;
	bool had_terminal; /* when it began */
	bool stop_asked; /* by a signal, while a reader of the report was waited for */
	bool stopping; /* somebody said so */
	bool reopen_asked; /* of the report file */
};

struct monitor {
	const struct options *options;
	struct features features;
	struct probe_paths paths;
	struct translators *translators; /* NULL: they can't be guarded here */
	struct tracer *tracer;
	const struct tracer_maps *maps; /* of the tracer */
	struct kernel_records *records;
	struct processes *processes;
	struct probed_files *probed;
	struct code_files files;
	struct symbolizer *symbolizer;
	struct shm_survivors *survivors;
	struct reporter *reporter;
	struct report_file *report_file; /* where the reporter writes */
	struct command command; /* pid 0: there is none */
	struct descendants descendants; /* of the command, without -f */
	const char *output_name;
	struct followed followed;
	size_t nr_at_start; /* of the whole system */
	uint64_t ready_ns; /* CLOCK_MONOTONIC, when all that is traced from the start was probed */
	struct report_lost lost; /* what could not be recorded or reported, and no map counts */
	struct command_request request; /* what the command is to get of us */
	int interval_fd, epoll_fd;
	uint64_t nr_intervals;
	bool finished; /* all intervals were shown */
	struct signals signals;
	struct ended_spaces ended;
	struct living living;
	struct upkeep upkeep;
};

/*
 * Sets up a run: everything is attached, and the command runs, when it returns STATUS_OK. Else the
 * error has been told and the exit status is returned. *monitor must be freed either way.
 */
int monitor_setup__new(struct monitor **monitor, const struct options *options);
/* Takes all probes away; some may still be going then, by themselves. */
void monitor_setup__detach(struct monitor *monitor);
void monitor_setup__free(struct monitor *monitor);

/*
 * Finds out what the kernel offers, loads the tracer, and makes the rooms around it. Exit status.
 */
int monitor_load__load(struct monitor *monitor);

/*
 * Who is traced. These return an exit status, and an error has been told then. begin lets the
 * command run, or attaches to what runs already, and writes the start of the report.
 */
int monitor_targets__check_pids(const struct options *options);
int monitor_targets__begin(struct monitor *monitor, const char *executable);
/* Has the process at that index of `followed` ended? */
bool monitor_targets__ended(struct monitor *monitor, size_t index);

/* The same for a command: it is found and forked, and later let run. */
int monitor_command__prepare(struct monitor *monitor, char **executable);
int monitor_command__start(struct monitor *monitor, const char *executable);

/* From here on the signals of a run wait to be read; the command gets them as they were. */
void monitor_signals__begin(struct monitor *monitor);
/* Reads the signals that have come. */
void monitor_signals__read(struct monitor *monitor);
/* The same while the reader of the report does not read. Returns whether to wait for it. */
bool monitor_signals__keep_waiting(void *context);
/* After a closed pipe or a full disk the command still gets to finish, untraced. */
void monitor_signals__wait_for_command(struct monitor *monitor);

/* Handlers that tell the monitor's rooms what the kernel's records say. */
struct kernel_record_handlers monitor_records__handlers(struct monitor *monitor);
/* Takes what the BPF side and the guard have to tell. The kernel's records were drained before. */
void monitor_records__consume(struct monitor *monitor);

/* Does what is to be done once about each address space that lives. */
void monitor_living__look(struct monitor *monitor);

/* Reports the address spaces that have ended, but those that still wait for something. */
void monitor_ends__report(struct monitor *monitor);
/* Ends the record of a space that lives as if its end had been seen now: it was missed. */
void monitor_ends__give_up(struct monitor *monitor, struct space *space);
/* The same for all whose processes are gone although no hook has said so. */
void monitor_ends__give_up_missed(struct monitor *monitor);
/* Have all that were followed ended, and were they reported? */
bool monitor_ends__are_complete(struct monitor *monitor);
/* Counts what waits for its report when there is no time for it. */
void monitor_ends__count_unreported(struct monitor *monitor);

/* Looks again at files that could not be opened because their file system did not answer. */
void monitor_upkeep__retry_files(struct monitor *monitor);
/* Makes room and lets go of what nobody needs any more, as often as that is due. */
void monitor_upkeep__run(struct monitor *monitor);

#endif
