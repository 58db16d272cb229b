// SPDX-License-Identifier: GPL-2.0
/*
 * See reporter.h. Called by the monitor. reported_process.c, reported_system.c and run_total.c fill
 * reports in; this file decides when they are written.
 */
#include "reporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "processes/process_name.h"
#include "reported_leaks.h"
#include "reported_process.h"
#include "reported_system.h"
#include "run_total.h"

/*
 * The most blocks that one walk of the block map gathers, and that are kept until they are
 * reported.
 */
#define MAX_GATHERED_BLOCKS (1U << 20)

/* Walks for ages take one of so many seconds. */
#define WALK_SHARE 10

struct reporter {
	struct report_sources sources;
	struct outputs *outputs;
	struct ranking *ranking;
	struct growth *growth; /* from report to report, at intervals */
	struct births *births; /* of what this report tells; NULL: ages are unknown */
	uint64_t walk_ns, walked_ns; /* how long the last walk for these took, and when it ended */
	struct run_total total;
	struct broken_rules broken;
	struct snapshot_blocks *gathered; /* of the processes that are reported next; or NULL */
	uint64_t ready_ns; /* CLOCK_MONOTONIC, when all that is traced from the start was probed */
};

static int begin_documents(const struct options *options, struct outputs *outputs)
{
	bool system_wide = options->mode == MODE_SYSTEM;
	struct output_settings settings = {
		.verbose = options->verbose,
		.suppressions = options->gen_suppressions,
		.tree_percent = options->tree_percent,
		.leaks_only = system_wide && options->leak_check && !options->verbose,
		.system_wide = system_wide,
	};

	return outputs__begin(outputs, &settings,
			      options->tree_percent > 0 ? UINT64_MAX : options__nr_shown(options));
}

struct reporter *reporter__new(const struct report_sources *sources, struct outputs *outputs)
{
	struct reporter *reporter = calloc(1, sizeof(*reporter));

	if (!reporter)
		return NULL;
	reporter->sources = *sources;
	reporter->sources.all_stacks = outputs__has_pictures(outputs);
	reporter->outputs = outputs;
	reporter->ranking = ranking__new();
	reporter->growth = growth__new();
	if (reporter->ranking && reporter->growth && !begin_documents(sources->options, outputs))
		return reporter;
	reporter__free(reporter);
	return NULL;
}

void reporter__free(struct reporter *reporter)
{
	if (!reporter)
		return;
	reporter__free_gathered(reporter);
	ranking__free(reporter->ranking);
	growth__free(reporter->growth);
	births__free(reporter->births);
	free(reporter);
}

void reporter__flush(struct reporter *reporter)
{
	outputs__flush(reporter->outputs);
}

void reporter__end(struct reporter *reporter)
{
	outputs__end(reporter->outputs);
}

/* The wall-clock time of a CLOCK_MONOTONIC time; 0 stands for now. */
static struct timespec wall_time(uint64_t monotonic_ns)
{
	return clock__timespec(monotonic_ns ? clock__wall_of_monotonic_ns(monotonic_ns) :
					      clock__wall_ns());
}

/* Collects what is known of the process that has, or had, that space. */
static struct reported_process find_process(const struct reporter *reporter,
					    const struct space *space)
{
	return (struct reported_process){
		.space = space,
		.image = processes__image(reporter->sources.processes, (pid_t)space->tgid,
					  space->seen_ns),
		.blocks = reporter->gathered,
		.ready_ns = reporter->ready_ns,
		.now_ns = clock__monotonic_ns(),
	};
}

/*
 * On a whole system, people are shown stacks below the row of an end only when -T asked for them;
 * with leak checks it asks for those of lost blocks. An end by the OOM killer always has them:
 * there, a reader wants them.
 */
static bool shows_stacks(const struct options *options, const struct process_report *report)
{
	return options->mode != MODE_SYSTEM || (options->top && !options->leak_check) ||
	       report->end.kind == END_OOM;
}

int reporter__gather(struct reporter *reporter, const struct space *spaces, size_t *nr)
{
	uint64_t nr_blocks = 0;
	size_t nr_taken = 0;

	reporter__free_gathered(reporter);
	if (!report_sources__need_blocks(&reporter->sources))
		return 0;
	while (nr_taken < *nr &&
	       (!nr_taken || nr_blocks + spaces[nr_taken].held_blocks <= MAX_GATHERED_BLOCKS))
		nr_blocks += spaces[nr_taken++].held_blocks;
	reporter->gathered = snapshot__gather(reporter->sources.maps, spaces, nr_taken);
	*nr = nr_taken;
	return reporter->gathered ? 0 : -errno;
}

void reporter__free_gathered(struct reporter *reporter)
{
	snapshot__free_blocks(reporter->gathered);
	reporter->gathered = NULL;
}

static int count_birth(const struct block_key *key, const struct block *block, void *context)
{
	if (key->address & WIRE_GHOST)
		return 0;
	return births__add(context, key->serial, block->stack_id, block->size_bytes,
			   block->time_ns);
}

/*
 * Finds out when what is held was allocated. A walk takes at most a tenth of the time: where there
 * are many blocks, or many reports a second, some reports have no ages. One that fails, or is
 * stopped, leaves none.
 */
static struct births *count_births(struct reporter *reporter, uint64_t now_ns)
{
	const uint64_t *times_ns;
	size_t nr = growth__times(reporter->growth, &times_ns);
	struct births *births;

	if (!nr || now_ns - reporter->walked_ns < WALK_SHARE * reporter->walk_ns)
		return NULL;
	births = births__new(times_ns, nr, now_ns);
	if (births && snapshot__walk_blocks(reporter->sources.maps, count_birth, births)) {
		births__free(births);
		births = NULL;
	}
	reporter->walked_ns = clock__monotonic_ns();
	reporter->walk_ns = reporter->walked_ns - now_ns;
	return births;
}

static int64_t growth_of(const struct growth *growth, const struct space *space)
{
	return (int64_t)(space->held_bytes - growth__held_before(growth, space->serial));
}

static int by_growth(const void *a, const void *b, void *context)
{
	const struct space *left = a, *right = b;
	int64_t left_bytes = growth_of(context, left), right_bytes = growth_of(context, right);

	if (left_bytes != right_bytes)
		return left_bytes > right_bytes ? -1 : 1;
	return left->serial < right->serial ? -1 : left->serial > right->serial;
}

void reporter__begin_interval(struct reporter *reporter)
{
	uint64_t now_ns = clock__monotonic_ns();

	growth__begin(reporter->growth, now_ns);
	reporter->births = count_births(reporter, now_ns);
}

void reporter__sort_by_growth(const struct reporter *reporter, struct space *spaces, size_t nr)
{
	if (nr)
		qsort_r(spaces, nr, sizeof(*spaces), by_growth, reporter->growth);
}

void reporter__end_interval(struct reporter *reporter)
{
	births__free(reporter->births);
	reporter->births = NULL;
}

static void write_outstanding(struct reporter *reporter, const struct process_report *report)
{
	outputs__write(reporter->outputs,
		       &(struct report){ .kind = REPORT_OUTSTANDING, .process = report });
}

/* Memory that was not reclaimed is never hidden. */
static bool is_shown(const struct options *options, const struct process_report *report)
{
	return report->verified == VERDICT_FALSE ||
	       (!options->no_ends && end_filter__shows(&options->only, report));
}

/* A step of starting a program is for programs that read reports. */
static bool is_for_people(const struct options *options, const struct process_report *report)
{
	return options->verbose || !run_total__is_mere_copy(report) ||
	       report->verified == VERDICT_FALSE;
}

static void write_exit(struct reporter *reporter, const struct reported_process *process,
		       struct process_report *report)
{
	const struct report_sources *sources = &reporter->sources;
	struct report item = { .kind = REPORT_EXIT, .process = report };
	struct reported_leaks leaks;

	item.only_for_programs = !is_for_people(sources->options, report);
	if (item.only_for_programs && !outputs__has_whole_ends(reporter->outputs))
		return;
	if (!reported_leaks__fill(&leaks, sources, process, true, report) &&
	    report->has_allocator) {
		item.stacks_only_for_programs = !shows_stacks(sources->options, report);
		if (!item.stacks_only_for_programs || outputs__has_whole_ends(reporter->outputs))
			reported_process__fill_stacks(sources, process, report);
	}
	outputs__write(reporter->outputs, &item);
	aggregate__free(&report->stacks);
	reported_leaks__free(&leaks);
}

void reporter__exit(struct reporter *reporter, const struct space *space, bool memory_gone)
{
	const struct report_sources *sources = &reporter->sources;
	struct reported_process process = find_process(reporter, space);
	struct process_report report = { 0 };

	process.end_ns = space->process_end_ns ? space->process_end_ns : space->after_ns;
	report.time = wall_time(space->after_ns ? space->after_ns : process.end_ns);
	reported_process__fill(sources, &process, &report);
	reported_process__fill_end(sources, &process, memory_gone, &report);
	if (is_shown(sources->options, &report))
		write_exit(reporter, &process, &report);
	if (memory_gone) { /* else it will be counted when it goes */
		run_total__add(&reporter->total, space, &report);
		broken_rules__add_end(&reporter->broken, &sources->options->fail_on, &report);
	}
	shm_survivors__free_stays(&report.stays);
}

void reporter__outstanding(struct reporter *reporter, const struct space *space)
{
	struct reported_process process = find_process(reporter, space);
	struct process_report report = { .time = wall_time(0) };
	struct reported_leaks leaks;

	process.end_ns = process.now_ns;
	/* A leak check tells its own growth: of what is lost. */
	if (reporter->sources.options->leak_check == LEAK_CHECK_NO)
		process.growth = reporter->growth;
	process.births = reporter->births;
	reported_process__fill(&reporter->sources, &process, &report);
	if (!reported_leaks__fill(&leaks, &reporter->sources, &process, false, &report) &&
	    report.has_allocator)
		reported_process__fill_stacks(&reporter->sources, &process, &report);
	write_outstanding(reporter, &report);
	aggregate__free(&report.stacks);
	reported_leaks__free(&leaks);
}

void reporter__nothing_yet(struct reporter *reporter, pid_t tgid)
{
	struct space space = {
		.tgid = (uint32_t)tgid,
		.tgid_in_namespace = (uint32_t)tgid,
		.flags = SPACE_LATE,
		.seen_ns = clock__monotonic_ns(),
	};
	struct process_report report = { .time = wall_time(0) };
	struct reported_process process;
	struct reported_leaks leaks;

	process_name__read(tgid, space.comm, sizeof(space.comm));
	process = find_process(reporter, &space);
	if (reporter->sources.options->leak_check == LEAK_CHECK_NO)
		process.growth = reporter->growth;
	reported_process__fill(&reporter->sources, &process, &report);
	reported_leaks__fill(&leaks, &reporter->sources, &process, false, &report);
	write_outstanding(reporter, &report);
	reported_leaks__free(&leaks);
}

void reporter__ranking(struct reporter *reporter, const struct space *spaces, size_t nr_spaces)
{
	struct ranking_report report = { .time = wall_time(0) };
	const struct system_history history = { reporter->ranking, reporter->growth,
						reporter->births };
	int err = reported_system__fill(&reporter->sources, &history, spaces, nr_spaces,
					clock__monotonic_ns(), &report);

	if (err) {
		if (err != -EINTR)
			log__warning("cannot rank what processes hold: %s", strerror(-err));
		return;
	}
	outputs__write(reporter->outputs,
		       &(struct report){ .kind = REPORT_RANKING, .ranking = &report });
	aggregate__free(&report.stacks);
}

void reporter__trace(struct reporter *reporter, const struct event *event)
{
	static const char *const names[NR_ALLOCATOR_FUNCTIONS] = {
		[FUNCTION_MALLOC] = "malloc",
		[FUNCTION_CALLOC] = "calloc",
		[FUNCTION_REALLOC] = "realloc",
		[FUNCTION_REALLOCARRAY] = "reallocarray",
		[FUNCTION_XALLOCX] = "xallocx",
		[FUNCTION_MEMALIGN] = "memalign",
		[FUNCTION_POSIX_MEMALIGN] = "posix_memalign",
		[FUNCTION_FREE] = "free",
		[FUNCTION_NEW] = "operator new",
		[FUNCTION_NEW_RETURN] = "?",
		[FUNCTION_DEFINED] = "alloc",
		[FUNCTION_DEFINED_BY_RET] = "alloc",
		[FUNCTION_DEFINED_FREE] = "free",
	};
	char comm[sizeof(event->comm) + 1];
	struct trace_report report = {
		.time = wall_time(event->time_ns),
		.pid = (pid_t)event->tgid,
		.tid = (pid_t)event->tid,
		.comm = comm,
		.function = event->function < NR_ALLOCATOR_FUNCTIONS ? names[event->function] : "?",
		.address = event->address,
		.size_bytes = event->size_bytes,
		.is_free = event->type == EVENT_FREE,
	};

	memcpy(comm, event->comm, sizeof(event->comm));
	comm[sizeof(event->comm)] = '\0';
	outputs__write(reporter->outputs,
		       &(struct report){ .kind = REPORT_TRACE, .trace = &report });
}

void reporter__start(struct reporter *reporter, const struct features *features,
		     const struct probe_paths *paths, unsigned int nr_processes, pid_t command_pid,
		     uint64_t ready_ns)
{
	static const char *const modes[] = {
		[MODE_SYSTEM] = "system",
		[MODE_PID] = "pid",
		[MODE_COMMAND] = "command",
	};
	const struct report_sources *sources = &reporter->sources;
	struct start_report start = {
		.version = MEMLEAK_VERSION,
		.kernel = features->system.release,
		.mode = modes[sources->options->mode],
		.allocator_functions = probed_files__nr_functions(sources->probed),
		.allocator_files = probed_files__nr_files(sources->probed),
		.exit_before = probe_paths__exit_before_name(paths->exit_before),
		.exit_after = probe_paths__exit_after_name(paths->exit_after),
		.uprobe = probe_paths__call_probes_name(paths->call_probes),
		.processes = nr_processes,
		.command = (const char *const *)sources->options->command,
	};

	if (sources->options->leak_check && sources->options->mode == MODE_SYSTEM)
		start.leak_checked = options__nr_shown(sources->options);
	if (command_pid) {
		start.pid = command_pid;
		start.ppid = getpid();
	} else if (sources->options->nr_pids == 1) {
		start.pid = sources->options->pids[0];
	}
	reporter->ready_ns = ready_ns;
	for (unsigned int n = 0; n + 1 < START_MAX_DEGRADED; n++)
		start.degraded[n] = probe_paths__degraded(features, paths, n);
	outputs__write(reporter->outputs,
		       &(struct report){ .kind = REPORT_START, .start = &start });
}

const struct broken_rules *reporter__broken_rules(const struct reporter *reporter)
{
	return &reporter->broken;
}

void reporter__note_before(struct reporter *reporter)
{
	run_total__note_before(&reporter->total);
}

void reporter__note_after(struct reporter *reporter)
{
	run_total__note_after(&reporter->total);
}

void reporter__total(struct reporter *reporter, const struct report_lost *lost)
{
	const struct report_sources *sources = &reporter->sources;
	struct total_report total = run_total__report(&reporter->total, sources->maps, lost);

	broken_rules__add_lost(&reporter->broken, &sources->options->fail_on, &total.lost);
	total.system_wide = sources->options->mode == MODE_SYSTEM;
	outputs__write(reporter->outputs,
		       &(struct report){ .kind = REPORT_TOTAL, .total = &total });
}
