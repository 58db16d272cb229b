// SPDX-License-Identifier: GPL-2.0
/* See watched_threads.h. A hash table by thread number, and a list for each process. */
#include "leaks/watched_threads.h"

#include <stdlib.h>

#include "leaks/watch_messages.h"

struct watched_process *watched_threads__find_process(const struct watched_threads *watched,
						      pid_t tgid)
{
	struct watched_process *process = watched->processes;

	while (process && process->tgid != tgid)
		process = process->next;
	return process;
}

struct watched_process *watched_threads__add_process(struct watched_threads *watched, pid_t tgid)
{
	struct watched_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->tgid = tgid;
	process->call_ns = UINT64_MAX;
	process->next = watched->processes;
	watched->processes = process;
	return process;
}

void watched_threads__forget_process(struct watched_threads *watched,
				     struct watched_process *process)
{
	struct watched_process **link = &watched->processes;

	for (struct watched_thread *thread = process->threads, *next; thread; thread = next) {
		next = thread->next;
		watched_threads__forget(watched, thread);
	}
	while (*link != process)
		link = &(*link)->next;
	*link = process->next;
	free(process);
}

static struct watched_thread **bucket_of(const struct watched_threads *watched, pid_t tid)
{
	return (struct watched_thread **)&watched->buckets[(size_t)tid % WATCHED_BUCKETS];
}

struct watched_thread *watched_threads__find(const struct watched_threads *watched, pid_t tid)
{
	struct watched_thread *thread = *bucket_of(watched, tid);

	/* The number of one that has left may belong to another thread by now. */
	while (thread && (thread->tid != tid || thread->state == THREAD_LEFT))
		thread = thread->next_of_number;
	return thread;
}

struct watched_thread *watched_threads__add(struct watched_threads *watched,
					    struct watched_process *process, pid_t tid)
{
	struct watched_thread **bucket = bucket_of(watched, tid), *thread;

	if (process->nr_threads >= WATCH_MAX_THREADS)
		return NULL;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->tid = tid;
	thread->process = process;
	thread->next_of_number = *bucket;
	*bucket = thread;
	thread->next = process->threads;
	if (thread->next)
		thread->next->link = &thread->next;
	thread->link = &process->threads;
	process->threads = thread;
	process->nr_threads++;
	process->nr_in[thread->state]++;
	return thread;
}

void watched_threads__forget(struct watched_threads *watched, struct watched_thread *thread)
{
	struct watched_thread **link = bucket_of(watched, thread->tid);

	while (*link != thread)
		link = &(*link)->next_of_number;
	*link = thread->next_of_number;
	*thread->link = thread->next;
	if (thread->next)
		thread->next->link = thread->link;
	thread->process->nr_threads--;
	thread->process->nr_in[thread->state]--;
	free(thread->registers);
	free(thread);
}

void watched_threads__set_state(struct watched_thread *thread, enum thread_state state)
{
	thread->process->nr_in[thread->state]--;
	thread->state = state;
	thread->process->nr_in[state]++;
}
