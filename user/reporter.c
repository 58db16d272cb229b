// SPDX-License-Identifier: GPL-2.0
/* See reporter.h. Called by monitor.c. */
#include "reporter.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/aggregate.h"
#include "base/log.h"
#include "report/losses.h"
#include "base/meminfo.h"
#include "processes/overlooked.h"
#include "report/reclaim.h"
#include "output/text_wrap.h"

#define NS_PER_S 1000000000ULL
#define DEFAULT_TOP 10
/* As many as are read by one walk of the block map, and kept while they are reported. */
#define MAX_GATHERED_BLOCKS (1U << 20)

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The wall-clock time of a CLOCK_MONOTONIC time; 0 stands for now. */
static struct timespec wall_time(uint64_t monotonic_ns)
{
	uint64_t real = clock_ns(CLOCK_REALTIME);

	if (monotonic_ns)
		real -= clock_ns(CLOCK_MONOTONIC) - monotonic_ns;
	return (struct timespec){ .tv_sec = (time_t)(real / NS_PER_S),
				  .tv_nsec = (long)(real % NS_PER_S) };
}

/* Its memory, or what it is a copy of, began before all was probed: calls of that time are missing.
 */
static bool began_early(const struct reporter *reporter, const struct space *space)
{
	uint64_t first = space->serial;

	for (size_t i = 0; i < WIRE_MAX_ANCESTORS && space->ancestors[i]; i++)
		first = space->ancestors[i];
	return space->flags & SPACE_LATE || (reporter->options->mode == MODE_SYSTEM &&
					     first >> WIRE_SERIAL_CPU_BITS < reporter->ready_ns);
}

/*
 * Where a report is written: to a terminal by way of a stream that breaks long lines. Its width is
 * asked for each time, as it may change between two reports. end_report closes what this opens.
 */
static FILE *begin_report(const struct reporter *reporter, unsigned int *terminal_columns)
{
	unsigned int columns = report_file__terminal_columns(reporter->file);
	FILE *out = columns && reporter->format->for_people ?
			    text_wrap__open(reporter->out, columns) :
			    NULL;

	if (terminal_columns)
		*terminal_columns = columns;
	return out ? out : reporter->out;
}

static void end_report(const struct reporter *reporter, FILE *out)
{
	if (out != reporter->out)
		fclose(out);
}

static void fill_identity(const struct reporter *reporter, const struct space *space,
			  struct process_report *report)
{
	pid_t tgid = (pid_t)space->tgid;
	const struct image *image = processes__image(reporter->processes, tgid, space->seen_ns);
	bool translated = reporter->translators &&
			  translators__guarded(reporter->translators, tgid, space->seen_ns,
					       space->after_ns ? space->after_ns : UINT64_MAX);

	report->pid = tgid;
	report->ppid = (pid_t)space->ppid;
	if (space->tgid_in_namespace != space->tgid)
		report->pid_in_namespace = (pid_t)space->tgid_in_namespace;
	report->uid = space->uid;
	report->comm = space->comm;
	report->fork_copy = space->flags & SPACE_COPY;
	report->late_attach = began_early(reporter, space);
	if (image) {
		uint64_t since_ns = probed_files__covers_since(reporter->probed, image->mappings);

		report->exe = image->exe;
		report->cgroup = image->cgroup;
		report->has_allocator = since_ns;
		report->late_attach |= since_ns > space->seen_ns;
	}
	/* What a translator's guest allocates is not seen, which is not the same as nothing. */
	if (translated)
		report->has_allocator = false;
	/* A file that came and went may have been one. */
	if (space->allocated_blocks || space->freed_blocks || space->unknown_frees)
		report->has_allocator = true;
	if (!report->has_allocator)
		report->not_looked_at = translated ?
						"it runs in a program that translates code" :
						overlooked__why(image ? image->mappings : NULL);
}

static void fill_counters(const struct reporter *reporter, const struct space *space,
			  struct process_report *report)
{
	const struct options *options = reporter->options;

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

static int read_stack(uint64_t stack_id, struct stack *stack, void *context)
{
	return snapshot__read_stack(context, stack_id, stack);
}

static uint64_t nr_shown(const struct options *options)
{
	return options->top ? options->top : DEFAULT_TOP;
}

/*
 * A row for each end of the system has stacks below it only when they were asked for; what the OOM
 * killer ended has them always, as whoever looks for it asks just that.
 */
static bool shows_stacks(const struct options *options, const struct process_report *report)
{
	return options->mode != MODE_SYSTEM || options->json || options->top ||
	       report->end.kind == END_OOM;
}

static struct snapshot_request request_of(const struct options *options, uint64_t now_ns)
{
	uint64_t min_age_ns = (uint64_t)(options->min_age_s * (double)NS_PER_S);

	return (struct snapshot_request){
		.with_blocks = options->show_allocations,
		.allocated_before_ns = min_age_ns ? now_ns - min_age_ns : 0,
	};
}

static bool needs_blocks(const struct options *options)
{
	return options->show_allocations || options->min_age_s > 0;
}

int reporter__gather(struct reporter *reporter, const struct space *spaces, size_t *nr)
{
	uint64_t nr_blocks = 0;
	size_t nr_taken = 0;

	reporter__forget_gathered(reporter);
	if (!needs_blocks(reporter->options))
		return 0;
	while (nr_taken < *nr &&
	       (!nr_taken || nr_blocks + spaces[nr_taken].held_blocks <= MAX_GATHERED_BLOCKS))
		nr_blocks += spaces[nr_taken++].held_blocks;
	reporter->gathered = snapshot__gather(reporter->maps, spaces, nr_taken);
	*nr = nr_taken;
	return reporter->gathered ? 0 : -errno;
}

void reporter__forget_gathered(struct reporter *reporter)
{
	snapshot__free_blocks(reporter->gathered);
	reporter->gathered = NULL;
}

static void fill_stacks(const struct reporter *reporter, const struct space *space,
			struct process_report *report)
{
	const struct options *options = reporter->options;
	const struct image *image =
		processes__image(reporter->processes, (pid_t)space->tgid, space->seen_ns);
	/* Ages count up to the end of a process, up to now while it runs. */
	uint64_t now_ns = space->after_ns ? space->after_ns : clock_ns(CLOCK_MONOTONIC);
	struct snapshot_request request = request_of(options, now_ns);
	struct aggregate_source source = {
		.read_stack = read_stack,
		.tables = reporter->tables,
		.context = (void *)reporter->maps,
		.mappings = image ? image->mappings : NULL,
		.code = image ? image->code : NULL,
		.symbolizer = reporter->symbolizer,
		.now_ns = now_ns,
	};
	struct snapshot snapshot;
	int err;

	request.blocks = reporter->gathered;
	err = needs_blocks(options) && !request.blocks ? -ENODATA : 0;
	if (!err)
		err = snapshot__read(&snapshot, reporter->maps, space, &request);
	if (!err) {
		err = aggregate__fill(report, &snapshot, nr_shown(options),
				      request.allocated_before_ns != 0, &source);
		snapshot__free(&snapshot);
	}
	if (err)
		log__warning("cannot read what PID %u holds by stack: %s", space->tgid,
			     strerror(-err));
}

static void fill_end(const struct reporter *reporter, const struct space *space, bool memory_gone,
		     struct process_report *report)
{
	struct report_end *end = &report->end;
	int status = (int)space->exit_code;
	const struct image *next;

	end->memory_gone = memory_gone;
	if (space->flags & SPACE_EXEC) {
		next = processes__next_image(reporter->processes, (pid_t)space->tgid,
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

/* How long the program ran: since its exec when that was seen, else since the process began. */
static double run_time_s(const struct space *space, uint64_t end_ns)
{
	uint64_t start_ns = space->flags & SPACE_LATE ? space->process_start_ns : space->seen_ns;

	return end_ns > start_ns ? (double)(end_ns - start_ns) / (double)NS_PER_S : -1;
}

static void judge(const struct reporter *reporter, const struct space *space, bool memory_gone,
		  struct process_report *report)
{
	const struct image *image =
		processes__image(reporter->processes, (pid_t)space->tgid, space->seen_ns);
	/* Known from /proc alone, of a process that ran before us. */
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
	};

	if (!memory_gone) {
		input.after_read = false;
		input.missed = "something else still uses the memory";
	}
	reclaim__judge(&input, report);
}

/* A fork's copy that only went on by exec: a step of starting a program. */
static bool is_mere_copy(const struct process_report *report)
{
	return report->fork_copy && report->end.kind == END_EXEC;
}

static void count_exit(struct total_report *total, const struct space *space,
		       const struct process_report *report)
{
	uint64_t *const verdicts[] = {
		[VERDICT_UNKNOWN] = &total->unverified,
		[VERDICT_TRUE] = &total->verified,
		[VERDICT_FALSE] = &total->not_reclaimed,
	};

	total->processes++;
	total->fork_copies += is_mere_copy(report);
	++*verdicts[report->verified];
	total->held_bytes += space->held_bytes;
	if (report->reclaimed.freed_page_bytes != FIGURE_UNKNOWN)
		total->reclaimed_bytes += (uint64_t)report->reclaimed.freed_page_bytes;
	losses__add_space(&total->lost, space);
}

/* What shared memory outlives it, by name. */
static void fill_kept(const struct reporter *reporter, const struct space *space,
		      struct process_report *report)
{
	const struct image *image =
		processes__image(reporter->processes, (pid_t)space->tgid, space->seen_ns);
	struct shm_user user = {
		.tgid = (pid_t)space->tgid,
		.lives_on = space->flags & SPACE_EXEC,
		.began_ns = space->flags & SPACE_LATE ? space->process_start_ns : space->seen_ns,
		.watched_ns = space->seen_ns,
		.ended_ns = space->after_ns,
		.mapped = image ? image->shared : NULL,
	};

	shm_survivors__tell(reporter->survivors, &user, &report->stays);
}

static void write_exit(struct reporter *reporter, struct process_report *report)
{
	FILE *out = begin_report(reporter, &report->terminal_columns);

	report->new_width = report->terminal_columns != reporter->heads_columns;
	reporter->heads_columns = report->terminal_columns;
	reporter->format->process_exit(out, report);
	end_report(reporter, out);
}

static void write_outstanding(struct reporter *reporter, struct process_report *report)
{
	FILE *out = begin_report(reporter, &report->terminal_columns);

	reporter->format->outstanding(out, report);
	end_report(reporter, out);
}

void reporter__exit(struct reporter *reporter, const struct space *space, bool memory_gone)
{
	const struct options *options = reporter->options;
	uint64_t end_ns = space->process_end_ns ? space->process_end_ns : space->after_ns;
	struct process_report report = { .time = wall_time(space->after_ns ? space->after_ns :
									     end_ns) };

	fill_identity(reporter, space, &report);
	fill_counters(reporter, space, &report);
	fill_end(reporter, space, memory_gone, &report);
	judge(reporter, space, memory_gone, &report);
	if (memory_gone)
		fill_kept(reporter, space, &report);
	report.run_s = run_time_s(space, end_ns);
	/* Memory that was not reclaimed is never hidden. */
	if (options->json || options->verbose || !is_mere_copy(&report) ||
	    report.verified == VERDICT_FALSE) {
		if (report.has_allocator && shows_stacks(options, &report))
			fill_stacks(reporter, space, &report);
		write_exit(reporter, &report);
		aggregate__free(&report);
	}
	if (memory_gone) /* else it will be counted when it goes */
		count_exit(&reporter->total, space, &report);
	shm_survivors__free_stays(&report.stays);
}

void reporter__outstanding(struct reporter *reporter, const struct space *space)
{
	struct process_report report = { .time = wall_time(0) };

	fill_identity(reporter, space, &report);
	fill_counters(reporter, space, &report);
	if (report.has_allocator)
		fill_stacks(reporter, space, &report);
	report.run_s = run_time_s(space, clock_ns(CLOCK_MONOTONIC));
	write_outstanding(reporter, &report);
	aggregate__free(&report);
}

static int fill_ranking(struct reporter *reporter, const struct space *spaces, size_t nr_spaces,
			struct aggregate_process *processes, struct ranking_report *report)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct snapshot_request request = request_of(reporter->options, now_ns);
	struct aggregate_source source = {
		.read_stack = read_stack,
		.tables = reporter->tables,
		.context = (void *)reporter->maps,
		.symbolizer = reporter->symbolizer,
		.now_ns = now_ns,
	};
	struct snapshot_blocks *blocks = NULL;
	size_t nr = 0;
	int err = 0;

	if (needs_blocks(reporter->options)) {
		blocks = snapshot__gather(reporter->maps, spaces, nr_spaces);
		request.blocks = blocks;
		err = blocks ? 0 : -errno;
	}
	for (size_t i = 0; i < nr_spaces && !err; i++) {
		const struct space *space = &spaces[i];
		const struct image *image =
			processes__image(reporter->processes, (pid_t)space->tgid, space->seen_ns);
		struct report_lost lost = { 0 };

		if (!space->held_blocks)
			continue;
		processes[nr].mappings = image ? image->mappings : NULL;
		processes[nr].code = image ? image->code : NULL;
		processes[nr].held_bytes = space->held_bytes;
		processes[nr].held_blocks = space->held_blocks;
		losses__add_space(&lost, space);
		processes[nr].lost_stacks = losses__sum(&lost, LOSS_OF_STACKS) &&
					    !request.allocated_before_ns;
		err = snapshot__read(&processes[nr].snapshot, reporter->maps, space, &request);
		nr += !err;
	}
	snapshot__free_blocks(blocks);
	if (!err)
		err = ranking__fill(reporter->ranking, report, spaces, nr_spaces,
				    nr_shown(reporter->options));
	if (!err)
		err = aggregate__fill_ranking(report, processes, nr, nr_shown(reporter->options),
					      &source);
	for (size_t i = 0; i < nr; i++)
		snapshot__free(&processes[i].snapshot);
	return err;
}

void reporter__ranking(struct reporter *reporter, const struct space *spaces, size_t nr_spaces)
{
	struct ranking_report report = { .time = wall_time(0) };
	FILE *out;
	struct aggregate_process *processes = calloc(nr_spaces + 1, sizeof(*processes));
	int err = processes ? fill_ranking(reporter, spaces, nr_spaces, processes, &report) :
			      -ENOMEM;

	free(processes);
	if (err) {
		if (err != -EINTR)
			log__warning("cannot rank what processes hold: %s", strerror(-err));
		return;
	}
	out = begin_report(reporter, &report.terminal_columns);
	reporter->format->ranking(out, &report);
	end_report(reporter, out);
	aggregate__free_ranking(&report);
}

/* comm ends at the newline; a comm can hold anything else. */
static void read_comm(pid_t tgid, char *comm, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tgid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(comm, (int)size, file))
		comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
}

void reporter__nothing_yet(struct reporter *reporter, pid_t tgid)
{
	struct space space = {
		.tgid = (uint32_t)tgid,
		.tgid_in_namespace = (uint32_t)tgid,
		.flags = SPACE_LATE,
		.seen_ns = clock_ns(CLOCK_MONOTONIC),
	};
	struct process_report report = { .time = wall_time(0), .run_s = -1 };

	read_comm(tgid, space.comm, sizeof(space.comm));
	fill_identity(reporter, &space, &report);
	fill_counters(reporter, &space, &report);
	write_outstanding(reporter, &report);
}

void reporter__trace(struct reporter *reporter, const struct event *event)
{
	static const char *const names[NR_ALLOCATOR_FUNCTIONS] = {
		[FUNCTION_MALLOC] = "malloc",	  [FUNCTION_CALLOC] = "calloc",
		[FUNCTION_REALLOC] = "realloc",	  [FUNCTION_REALLOCARRAY] = "reallocarray",
		[FUNCTION_MEMALIGN] = "memalign", [FUNCTION_POSIX_MEMALIGN] = "posix_memalign",
		[FUNCTION_FREE] = "free",
	};
	char comm[sizeof(event->comm) + 1];
	FILE *out;
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
	out = begin_report(reporter, NULL);
	reporter->format->trace(out, &report);
	end_report(reporter, out);
}

void reporter__start(struct reporter *reporter, const struct features *features,
		     const struct probe_paths *paths, unsigned int nr_processes)
{
	static const char *const modes[] = {
		[MODE_SYSTEM] = "system",
		[MODE_PID] = "pid",
		[MODE_COMMAND] = "command",
	};
	struct start_report start = {
		.version = MEMLEAK_VERSION,
		.kernel = features->system.release,
		.mode = modes[reporter->options->mode],
		.allocator_functions = probed_files__nr_functions(reporter->probed),
		.allocator_files = probed_files__nr_files(reporter->probed),
		.exit_before = probe_paths__exit_before_name(paths->exit_before),
		.exit_after = probe_paths__exit_after_name(paths->exit_after),
		.uprobe = probe_paths__call_probes_name(paths->call_probes),
		.processes = nr_processes,
	};
	FILE *out;

	for (unsigned int n = 0; n + 1 < START_MAX_DEGRADED; n++)
		start.degraded[n] = probe_paths__degraded(features, paths, n);
	out = begin_report(reporter, &start.terminal_columns);
	reporter->heads_columns = start.terminal_columns;
	reporter->format->start(out, &start);
	end_report(reporter, out);
}

static bool read_memory(struct memory_report *memory)
{
	FILE *file = fopen("/proc/meminfo", "re");
	bool known = file && !meminfo__read(file, memory);

	if (file)
		fclose(file);
	file = fopen("/proc/zoneinfo", "re");
	if (!known || !file)
		return known;
	memory->per_cpu_lists_bytes =
		meminfo__read_per_cpu_lists(file, (size_t)sysconf(_SC_PAGESIZE));
	fclose(file);
	return known;
}

void reporter__note_before(struct reporter *reporter)
{
	reporter->total.has_memory = read_memory(&reporter->total.before);
}

void reporter__note_after(struct reporter *reporter)
{
	reporter->after_known = read_memory(&reporter->total.after);
}

/* 0: unknown. (getrusage would count what our parent had resident when it forked us.) */
static uint64_t peak_bytes(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[256];

	if (!status)
		return 0;
	while (!kib && fgets(line, sizeof(line), status))
		sscanf(line, "VmHWM: %llu kB", &kib);
	fclose(status);
	return kib * 1024;
}

/* What the tracer itself has used so far. */
static void fill_cost(struct total_report *total)
{
	struct rusage usage;

	total->tracer_cpu_s = -1;
	if (getrusage(RUSAGE_SELF, &usage))
		return;
	total->tracer_cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	total->tracer_peak_bytes = peak_bytes();
}

void reporter__total(struct reporter *reporter)
{
	struct total_report total;
	FILE *out;

	if (!reporter->after_known)
		reporter__note_after(reporter);
	total = reporter->total;
	total.has_memory = total.has_memory && reporter->after_known;
	for (int i = NR_SPACE_LOSSES; i < NR_LOSSES; i++)
		total.lost.by_cause[i] += snapshot__read_loss(reporter->maps, i);
	total.system_wide = reporter->options->mode == MODE_SYSTEM;
	fill_cost(&total);
	out = begin_report(reporter, NULL);
	reporter->format->total(out, &total);
	end_report(reporter, out);
}
