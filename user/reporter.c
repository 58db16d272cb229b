// SPDX-License-Identifier: GPL-2.0
/* See reporter.h. Called by monitor.c. */
#include "reporter.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregate.h"
#include "log.h"
#include "meminfo.h"
#include "reclaim.h"

#define NS_PER_S 1000000000ULL

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

static void fill_identity(const struct reporter *reporter, const struct space *space,
			  struct process_report *report)
{
	pid_t tgid = (pid_t)space->tgid;
	const struct image *image = processes__image(reporter->processes, tgid, space->seen_ns);

	report->pid = tgid;
	report->ppid = (pid_t)space->ppid;
	if (space->tgid_in_namespace != space->tgid)
		report->pid_in_namespace = (pid_t)space->tgid_in_namespace;
	report->uid = space->uid;
	report->comm = space->comm;
	report->cgroup = processes__cgroup(reporter->processes, tgid);
	if (image) {
		report->exe = image->exe;
		report->has_allocator = targets__covers(reporter->targets, image->mappings);
	}
	/* A file that came and went may have been one. */
	if (space->allocated_blocks || space->freed_blocks || space->unknown_frees)
		report->has_allocator = true;
}

static void fill_counters(const struct reporter *reporter, const struct space *space,
			  struct process_report *report)
{
	const struct options *options = reporter->options;

	report->late_attach = space->flags & SPACE_LATE;
	report->filtered = options->min_size_bytes || options->max_size_bytes != UINT64_MAX;
	report->min_age_s = options->min_age_s;
	report->held_bytes = space->held_bytes;
	report->held_blocks = space->held_blocks;
	report->allocated_bytes = space->allocated_bytes;
	report->allocated_blocks = space->allocated_blocks;
	report->freed_bytes = space->freed_bytes;
	report->freed_blocks = space->freed_blocks;
	report->failed = space->failed;
	report->unknown_frees = space->unknown_frees;
	report->peak_bytes = FIGURE_UNKNOWN;
	report->lost.events = space->lost_events;
	report->lost.blocks = space->lost_blocks;
	report->lost.stacks = space->lost_stacks;
}

static int read_stack(uint64_t stack_id, struct stack *stack, void *context)
{
	return snapshot__read_stack(context, stack_id, stack);
}

static void fill_stacks(const struct reporter *reporter, const struct space *space,
			struct process_report *report)
{
	const struct options *options = reporter->options;
	const struct image *image =
		processes__image(reporter->processes, (pid_t)space->tgid, space->seen_ns);
	/* Ages count up to the end of a process, up to now while it runs. */
	uint64_t now_ns = space->after_ns ? space->after_ns : clock_ns(CLOCK_MONOTONIC);
	uint64_t min_age_ns = (uint64_t)(options->min_age_s * (double)NS_PER_S);
	struct snapshot_request request = {
		.with_blocks = options->show_allocations,
		.allocated_before_ns = min_age_ns ? now_ns - min_age_ns : 0,
	};
	struct aggregate_source source = {
		.read_stack = read_stack,
		.context = (void *)reporter->maps,
		.mappings = image ? image->mappings : NULL,
		.symbolizer = reporter->symbolizer,
		.now_ns = now_ns,
	};
	struct snapshot snapshot;
	int err;

	err = snapshot__read(&snapshot, reporter->maps, space, &request);
	if (!err) {
		err = aggregate__fill(report, &snapshot, options->top, min_age_ns != 0, &source);
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

static void judge(const struct space *space, bool memory_gone, struct process_report *report)
{
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
		.has_relatives = space->flags & (SPACE_FORKED | SPACE_MERGED),
		.relative = (pid_t)space->relative_tgid,
		.nr_cpus = nr_cpus > 0 ? (unsigned int)nr_cpus : 1,
		.page_bytes = (unsigned int)sysconf(_SC_PAGESIZE),
	};

	if (!memory_gone) {
		input.after_read = false;
		input.missed = "something else still uses the memory";
	}
	reclaim__judge(&input, report);
}

void reporter__exit(struct reporter *reporter, const struct space *space, bool memory_gone)
{
	uint64_t end_ns = space->process_end_ns ? space->process_end_ns : space->after_ns;
	struct process_report report = { .time = wall_time(space->after_ns ? space->after_ns :
									     end_ns) };

	fill_identity(reporter, space, &report);
	fill_counters(reporter, space, &report);
	if (report.has_allocator)
		fill_stacks(reporter, space, &report);
	fill_end(reporter, space, memory_gone, &report);
	judge(space, memory_gone, &report);
	report.run_s = run_time_s(space, end_ns);
	reporter->format->process_exit(reporter->out, &report);
	aggregate__free(&report);
	if (!memory_gone)
		return; /* it will be counted when it goes */
	reporter->total.processes++;
	reporter->total.held_bytes += space->held_bytes;
	if (report.reclaimed.freed_page_bytes != FIGURE_UNKNOWN)
		reporter->total.reclaimed_bytes += (uint64_t)report.reclaimed.freed_page_bytes;
	reporter->total.lost.events += space->lost_events;
	reporter->total.lost.blocks += space->lost_blocks;
	reporter->total.lost.stacks += space->lost_stacks;
}

void reporter__outstanding(struct reporter *reporter, const struct space *space)
{
	struct process_report report = { .time = wall_time(0) };

	fill_identity(reporter, space, &report);
	fill_counters(reporter, space, &report);
	if (report.has_allocator)
		fill_stacks(reporter, space, &report);
	report.run_s = run_time_s(space, clock_ns(CLOCK_MONOTONIC));
	reporter->format->outstanding(reporter->out, &report);
	aggregate__free(&report);
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
	reporter->format->outstanding(reporter->out, &report);
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
	reporter->format->trace(reporter->out, &report);
}

void reporter__start(struct reporter *reporter, const struct features *features)
{
	static const char *const modes[] = {
		[MODE_SYSTEM] = "system",
		[MODE_PID] = "pid",
		[MODE_COMMAND] = "command",
	};
	struct start_report start = {
		.version = MEMLEAK_VERSION,
		.kernel = features->kernel,
		.mode = modes[reporter->options->mode],
		.allocator_functions = targets__nr_functions(reporter->targets),
		.allocator_files = targets__nr_files(reporter->targets),
		.exit_hook = features__exit_hook_name(features->exit_hook),
		.uprobe = features__uprobe_name(features->uprobe_attach),
	};

	reporter->format->start(reporter->out, &start);
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

void reporter__total(struct reporter *reporter)
{
	struct total_report total;

	if (!reporter->after_known)
		reporter__note_after(reporter);
	total = reporter->total;
	total.has_memory = total.has_memory && reporter->after_known;
	total.lost.events += snapshot__read_loss(reporter->maps, LOSS_TRACE_EVENT) +
			     snapshot__read_loss(reporter->maps, LOSS_SPACE_MAP_FULL) +
			     snapshot__read_loss(reporter->maps, LOSS_ENDED_MAP_FULL) +
			     snapshot__read_loss(reporter->maps, LOSS_REPLACED_SPACE);
	reporter->format->total(reporter->out, &total);
}
