// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. --hold-new: what BPF tells of held processes (probes/holds.h) is put in
 * order with the kernel's records of their mappings, noted for reports, and answered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "monitor_state.h"

/* Of a loop of new holds: the rest waits for the next turn. */
#define MAX_ROUNDS 16

int monitor_holds__load(struct monitor *monitor)
{
	const char *kernel = monitor->features.system.release;
	const struct options *options = monitor->options;

	if (!options->hold_new)
		return STATUS_OK;
	monitor->holds = holds__new(options->btf_path,
				    options->mode == MODE_SYSTEM ? -1 : monitor->maps->targets);
	if (monitor->holds)
		return STATUS_OK;
	if (errno == EOPNOTSUPP)
		log__error(
			"--hold-new is not possible: kernel %s has no bpf_find_vma (Linux 5.17, x86-64)",
			kernel);
	else
		log__error("--hold-new is not possible on kernel %s: %s; -v shows why", kernel,
			   strerror(errno));
	return errno == EPERM ? STATUS_PRIVILEGE : STATUS_KERNEL;
}

void monitor_holds__begin(struct monitor *monitor)
{
	if (monitor->holds)
		holds__begin(monitor->holds);
}

static void queue_event(const struct hold_event *event, void *context)
{
	struct hold_queue *queue = context;

	/* Without memory the hold ends by its bound. */
	if (array__reserve(&queue->events, &queue->capacity, queue->nr + 1))
		return;
	queue->events[queue->nr++] = *event;
}

static uint64_t time_of(const struct hold_event *event)
{
	return event->type == HOLD_EVENT_HELD ? event->from_ns : event->until_ns;
}

/* Returns 0, or -EAGAIN when the event must be handled again. */
static int handle(struct monitor *monitor, const struct hold_event *event)
{
	struct image_holds *holds =
		processes__holds(monitor->processes, (pid_t)event->tgid, event->from_ns);

	if (event->type == HOLD_EVENT_RELEASED) {
		if (holds)
			image_holds__end(holds, event->from_ns, event->until_ns);
		return 0;
	}
	if (holds && !image_holds__has(holds, event->from_ns))
		image_holds__add(holds, event->from_ns, event->address);
	return holds__answer(monitor->holds, event);
}

void monitor_holds__reached(struct monitor *monitor, uint64_t time_ns)
{
	struct hold_queue *queue = &monitor->hold_queue;
	size_t nr_left = 0;

	for (size_t i = 0; i < queue->nr; i++) {
		struct hold_event event = queue->events[i];

		if (time_of(&event) >= time_ns || handle(monitor, &event))
			queue->events[nr_left++] = event;
	}
	queue->nr = nr_left;
}

void monitor_holds__catch_up(struct monitor *monitor)
{
	struct hold_queue *queue = &monitor->hold_queue;

	if (!monitor->holds)
		return;
	for (int i = 0; i < MAX_ROUNDS; i++) {
		uint64_t now_ns;

		holds__beat(monitor->holds);
		holds__take(monitor->holds, queue_event, queue);
		if (!queue->nr)
			break;
		/* The kernel recorded the mappings of a held process before BPF held it. */
		now_ns = clock__monotonic_ns();
		kernel_records__drain(monitor->records);
		monitor_holds__reached(monitor, now_ns);
	}
}

void monitor_holds__end(struct monitor *monitor)
{
	probed_files__set_holds(monitor->probed, NULL);
	monitor->files.holds = NULL;
	holds__free(monitor->holds);
	monitor->holds = NULL;
	free(monitor->hold_queue.events);
	monitor->hold_queue = (struct hold_queue){ 0 };
}
