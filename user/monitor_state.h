/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one run holds; shared by its set-up (monitor_setup.c, monitor_targets.c) and its loop
 * (monitor.c, monitor_living.c) alone.
 */
#ifndef MONITOR_STATE_H
#define MONITOR_STATE_H

#include <signal.h>
#include <stdbool.h>

#include "code_files.h"
#include "processes/command.h"
#include "processes/descendants.h"
#include "books/ended_spaces.h"
#include "processes/kernel_records.h"
#include "processes/followed.h"
#include "monitor.h"
#include "probes/probe_paths.h"
#include "output/report_file.h"
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
	int signal_fd, interval_fd, epoll_fd;
	uint64_t nr_intervals;
	unsigned int nr_terminal_interrupts;
	bool had_terminal; /* when it began */
	bool stop_asked; /* by a signal, while a reader of the report was waited for */
	bool stopping; /* somebody said so */
	bool reopen_asked; /* of the report file */
	bool finished; /* all intervals were shown */
	struct ended_spaces ended;
	uint64_t looked_at_living_ns, forgot_ns, swept_stacks_ns, swept_dead_ns,
		made_room_ns; /* CLOCK_MONOTONIC */
	uint64_t swept_lost_ends; /* so many were lost by then */
	uint64_t dead_blocks; /* blocks of ended spaces that still take room */
	struct handled_space *handled; /* by serial */
	size_t nr_handled;
};

/*
 * Sets up a run: everything is attached, and the command runs, when it returns STATUS_OK. Else the
 * error has been told and the exit status is returned. *monitor must be freed either way.
 */
int monitor_setup__new(struct monitor **monitor, const struct options *options);

/*
 * Who is traced. These return an exit status, and an error has been told then. begin lets the
 * command run, or attaches to what runs already, and writes the start of the report.
 */
int monitor_targets__check_pids(const struct options *options);
int monitor_targets__prepare_command(struct monitor *monitor, char **executable);
int monitor_targets__begin(struct monitor *monitor, const char *executable);

/* Has the process at that index of `followed` ended? */
bool monitor_targets__ended(struct monitor *monitor, size_t index);

/* Reads the signals that have come. They set stop_asked, stopping and reopen_asked. */
void monitor_signals__read(struct monitor *monitor);
/* The same while the reader of the report does not read. Returns whether to wait for it. */
bool monitor_signals__keep_waiting(void *context);

/* What is to be done once about each address space that lives. */
void monitor_living__look(struct monitor *monitor);
/* Ends the records of those whose processes are gone although no hook has said so. */
void monitor_living__give_up_missed(struct monitor *monitor);

/* Takes all probes away; some may still be going then, by themselves. */
void monitor_setup__detach(struct monitor *monitor);
void monitor_setup__free(struct monitor *monitor);

#endif
