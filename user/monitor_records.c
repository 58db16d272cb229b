// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. Hands messages of the kernel's records and of the BPF side on to the rooms
 * that keep them.
 */
#include "books/stacks.h"
#include "monitor_state.h"

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

static void on_shared_mapped(pid_t tgid, uint64_t time_ns, const struct mapping *map, void *context)
{
	struct monitor *monitor = context;
	struct shared_memory *shared = processes__shared(monitor->processes, tgid);

	(void)time_ns;
	if (shared)
		shm_survivors__note(monitor->survivors, shared, tgid, map);
}

static void on_reached(uint64_t time_ns, void *context)
{
	monitor_holds__reached(context, time_ns);
}

static void on_shared_lost(uint64_t time_ns, void *context)
{
	struct monitor *monitor = context;

	shm_survivors__lost(monitor->survivors, time_ns);
}

static struct shared_memory *find_shared(pid_t tgid, void *context)
{
	const struct monitor *monitor = context;

	return processes__shared(monitor->processes, tgid);
}

static void handle_trace(const struct event *event, void *context)
{
	struct monitor *monitor = context;

	reporter__trace(monitor->reporter, event);
}

static void handle_unwind_request(const struct unwind_request *request, void *context)
{
	const struct monitor *monitor = context;

	code_files__requested(&monitor->files, request);
}

/* Draining makes the process's mappings at that time known: the kernel recorded them before. */
static void handle_unfinished_walk(const struct unfinished_walk *unfinished, void *context)
{
	const struct monitor *monitor = context;
	const struct tracer_maps *maps = monitor->maps;
	const struct image *image;
	struct stack stack;

	kernel_records__drain(monitor->records);
	image = processes__image(monitor->processes, (pid_t)unfinished->tgid, unfinished->time_ns);
	if (!image || stacks__read(maps, unfinished->stack_id, &stack))
		return;
	code_files__finish_walk(&monitor->files, unfinished, image->mappings, &stack);
	stacks__replace(maps, unfinished->stack_id, &stack);
}

struct kernel_record_handlers monitor_records__handlers(struct monitor *monitor)
{
	return (struct kernel_record_handlers){
		.mapped = on_mapped,
		.execed = on_execed,
		.forked = on_forked,
		.shared_mapped = on_shared_mapped,
		.shared_lost = on_shared_lost,
		.reached = monitor->options->hold_new ? on_reached : NULL,
		.context = monitor,
	};
}

void monitor_records__consume(struct monitor *monitor)
{
	const struct tracer_handlers handlers = {
		.event = handle_trace,
		.unwind_request = handle_unwind_request,
		.unfinished_walk = handle_unfinished_walk,
		.context = monitor,
	};

	shm_survivors__catch_up(monitor->survivors, find_shared, monitor);
	tracer__consume(monitor->tracer, &handlers);
	if (monitor->translators)
		translators__consume(monitor->translators);
}
