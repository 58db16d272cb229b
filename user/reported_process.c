// SPDX-License-Identifier: GPL-2.0
/* See reported_process.h. Used by reporter.c. */
#include "reported_process.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "processes/overlooked.h"
#include "report/losses.h"
#include "report/reclaim.h"
#include "report/unexplained.h"

/*
 * Whether its memory, or an ancestor's that it is a copy of, began before everything was probed:
 * calls from that time are missing.
 */
static bool began_early(const struct report_sources *sources,
			const struct reported_process *process)
{
	const struct space *space = process->space;
	uint64_t first = space->serial;

	for (size_t i = 0; i < WIRE_MAX_ANCESTORS && space->ancestors[i]; i++)
		first = space->ancestors[i];
	return space->flags & SPACE_LATE || (sources->options->mode == MODE_SYSTEM &&
					     first >> WIRE_SERIAL_CPU_BITS < process->ready_ns);
}

static bool was_translated(const struct report_sources *sources, const struct space *space)
{
	return sources->translators &&
	       translators__guarded(sources->translators, (pid_t)space->tgid, space->seen_ns,
				    space->after_ns ? space->after_ns : UINT64_MAX);
}

static void fill_program(const struct report_sources *sources,
			 const struct reported_process *process, struct process_report *report)
{
	const struct image *image = process->image;
	uint64_t since_ns;

	if (!image)
		return;
	since_ns = probed_files__covers_since(sources->probed, image);
	report->exe = image->exe;
	report->cgroup = image->cgroup;
	report->has_allocator = since_ns;
	report->late_attach |= since_ns > process->space->seen_ns;
	report->held_back_s =
		(double)image_holds__sum_ns(&image->holds, image->since_ns, process->end_ns) /
		(double)NS_PER_S;
}

static void fill_identity(const struct report_sources *sources,
			  const struct reported_process *process, struct process_report *report)
{
	const struct space *space = process->space;
	bool translated = was_translated(sources, space);

	report->pid = (pid_t)space->tgid;
	report->ppid = (pid_t)space->ppid;
	if (space->tgid_in_namespace != space->tgid)
		report->pid_in_namespace = (pid_t)space->tgid_in_namespace;
	report->uid = space->uid;
	report->comm = space->comm;
	report->fork_copy = space->flags & SPACE_COPY;
	report->late_attach = began_early(sources, process);
	fill_program(sources, process, report);
	/* A translator's guest allocates unseen, which differs from having no allocator. */
	if (translated)
		report->has_allocator = false;
	/* Calls were seen: a file that is not mapped any more may have been an allocator. */
	if (space->allocated_blocks || space->freed_blocks || space->unknown_frees)
		report->has_allocator = true;
	if (!report->has_allocator)
		report->not_looked_at =
			translated ?
				"it runs in a program that translates code" :
				overlooked__why(process->image ? process->image->mappings : NULL);
}

static void fill_counters(const struct report_sources *sources, const struct space *space,
			  struct process_report *report)
{
	const struct options *options = sources->options;

	report->filtered = options->min_size_bytes || options->max_size_bytes != UINT64_MAX;
	report->min_age_s = options->min_age_s;
	report->held_bytes = space->held_bytes;
	report->held_blocks = space->held_blocks;
	report->inherited_from = (pid_t)space->parent_tgid;
	report->inherited_bytes = (figure)space->inherited_bytes;
	report->inherited_blocks = space->inherited_blocks;
	report->inherited_freed_bytes = (figure)space->inherited_freed_bytes;
	report->inherited_freed_blocks = space->inherited_freed_blocks;
	report->allocated_bytes = space->allocated_bytes;
	report->allocated_blocks = space->allocated_blocks;
	report->freed_bytes = space->freed_bytes;
	report->freed_blocks = space->freed_blocks;
	report->failed = space->failed;
	report->unknown_frees = space->unknown_frees;
	report->peak_bytes = FIGURE_UNKNOWN;
	losses__add_space(&report->lost, space);
}

/* How long the program ran: since its exec when that was seen, else since the process began. */
static double run_time_s(const struct reported_process *process)
{
	const struct space *space = process->space;
	uint64_t start_ns = space->flags & SPACE_LATE ? space->process_start_ns : space->seen_ns;

	return process->end_ns > start_ns ?
		       (double)(process->end_ns - start_ns) / (double)NS_PER_S :
		       -1;
}

/* A process that has made no call yet has no serial: its PID takes the place. */
static void fill_growth(const struct reported_process *process, struct process_report *report)
{
	const struct space *space = process->space;
	const struct growth_subject subject = {
		.serial = space->serial ? space->serial : ~(uint64_t)space->tgid,
		.began_ns = space->seen_ns,
	};
	figure anon_bytes = FIGURE_UNKNOWN;

	report->resident = resident__read((pid_t)space->tgid);
	report->has_resident = report->resident.anon_bytes != FIGURE_UNKNOWN;
	if (report->has_resident && report->resident.swap_bytes != FIGURE_UNKNOWN)
		anon_bytes = report->resident.anon_bytes + report->resident.swap_bytes;
	report->growth = growth__note_process(process->growth, &subject, report->held_bytes,
					      report->held_blocks, anon_bytes);
	report->growth_s = growth__since_s(process->growth);
}

void reported_process__fill(const struct report_sources *sources,
			    const struct reported_process *process, struct process_report *report)
{
	fill_identity(sources, process, report);
	fill_counters(sources, process->space, report);
	report->unexplained_bytes = FIGURE_UNKNOWN;
	report->run_s = run_time_s(process);
	if (process->growth)
		fill_growth(process, report);
}

void reported_process__fill_stacks(const struct report_sources *sources,
				   const struct reported_process *process,
				   struct process_report *report)
{
	const struct space *space = process->space;
	/* Ages count up to the end of a process, up to now while it runs. */
	uint64_t now_ns = space->after_ns ? space->after_ns : process->now_ns;
	struct snapshot_request request = report_sources__request(sources, now_ns);
	struct aggregate_source source = report_sources__stacks(sources, process->image, now_ns);
	struct aggregate_request shown = report_sources__shown(sources);
	struct snapshot snapshot;
	int err;

	request.blocks = process->blocks;
	shown.growth = process->growth;
	shown.births = process->births;
	shown.began_ns = space->seen_ns;
	err = report_sources__need_blocks(sources) && !request.blocks ? -ENODATA : 0;
	if (!err)
		err = snapshot__read(&snapshot, sources->maps, space, &request);
	if (!err) {
		err = aggregate__fill(report, &snapshot, space->serial, &shown, &source);
		snapshot__free(&snapshot);
	}
	if (err)
		log__warning("cannot read what PID %u holds by stack: %s", space->tgid,
			     strerror(-err));
}

static void fill_end(const struct report_sources *sources, const struct space *space,
		     bool memory_gone, struct report_end *end)
{
	int status = (int)space->exit_code;
	const struct image *next;

	end->memory_gone = memory_gone;
	if (space->flags & SPACE_EXEC) {
		next = processes__next_image(sources->processes, (pid_t)space->tgid,
					     space->seen_ns);
		end->kind = END_EXEC;
		end->exec_to = next ? (next->exe ? next->exe : next->comm) : NULL;
	} else if (!(space->flags & SPACE_PROCESS_ENDED)) {
		end->kind = END_UNKNOWN;
	} else if (WIFSIGNALED(status)) {
		end->kind = space->flags & SPACE_OOM ? END_OOM : END_SIGNALLED;
		end->signal = WTERMSIG(status);
		end->core_dumped = WCOREDUMP(status);
	} else {
		end->kind = END_EXITED;
		end->code = WEXITSTATUS(status);
	}
}

static void judge(const struct reported_process *process, bool memory_gone,
		  struct process_report *report)
{
	const struct space *space = process->space;
	const struct image *image = process->image;
	/* For a process that ran before us, a relative is known from /proc alone. */
	pid_t relative = image && space->flags & SPACE_LATE ? image->relative : 0;
	int nr_cpus = libbpf_num_possible_cpus();
	struct reclaim_input input = {
		.before_read = space->flags & SPACE_BEFORE_READ,
		.after_read = space->flags & SPACE_AFTER_READ,
		.before = space->before,
		.early = space->early,
		.after = space->after,
		.frames_measured = space->flags & SPACE_FRAMES_MEASURED,
		.freed_anon_pages = space->freed_anon_pages,
		.freed_other_pages = space->freed_other_pages,
		.reaped = space->flags & SPACE_REAPED,
		.has_relatives = relative || space->flags & (SPACE_FORKED | SPACE_MERGED),
		.relative = space->relative_tgid ? (pid_t)space->relative_tgid : relative,
		.nr_cpus = nr_cpus > 0 ? (unsigned int)nr_cpus : 1,
		.page_bytes = (unsigned int)sysconf(_SC_PAGESIZE),
		.still_in_use = !memory_gone,
	};

	reclaim__judge(&input, report);
}

/* Fills in the shared memory that outlives the process. */
static void fill_stays(const struct report_sources *sources, const struct reported_process *process,
		       struct process_report *report)
{
	const struct space *space = process->space;
	struct shm_user user = {
		.tgid = (pid_t)space->tgid,
		.lives_on = space->flags & SPACE_EXEC,
		.began_ns = space->flags & SPACE_LATE ? space->process_start_ns : space->seen_ns,
		.watched_ns = space->seen_ns,
		.ended_ns = space->after_ns,
		.mapped = process->image ? process->image->shared : NULL,
	};

	shm_survivors__tell(sources->survivors, &user, &report->stays);
}

void reported_process__fill_end(const struct report_sources *sources,
				const struct reported_process *process, bool memory_gone,
				struct process_report *report)
{
	fill_end(sources, process->space, memory_gone, &report->end);
	judge(process, memory_gone, report);
	unexplained__judge(report);
	if (memory_gone)
		fill_stays(sources, process, report);
}
