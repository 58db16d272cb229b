// SPDX-License-Identifier: GPL-2.0
/*
 * See guarded_process.h. Each breakpoint that the kernel writes into a translator is taken out
 * before the translator translates that code. A translator needs some hundred microseconds
 * (qemu-user) to tens of milliseconds (Valgrind) to get there. The kernel records a mapping while
 * it holds the lock on the address space, and writes the breakpoints before it unlocks. A reader of
 * that memory waits for the lock, so we can't be too early.
 */
#include "probes/guard/guarded_process.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/guard/process_view.h"

/* Enough for the functions of some dozen libraries. */
#define MAX_PLACES 1024

/*
 * A known function in the process's memory. The address of an entry changes only to 0, when the
 * function has left.
 */
struct code_place {
	size_t breakpoint; /* index into the list of breakpoints */
	uint64_t address; /* atomic */
	/*
	 * The range of the mappings in which it was seen. Atomic, written under the lock; the range
	 * only grows.
	 */
	uint64_t start, end;
};

struct guarded_process {
	pid_t tgid;
	enum translator_kind kind;
	const struct guard_orders *orders;
	struct guard_share share;
	unsigned int nr_refs; /* atomic */
	int pidfd;
	unsigned int wanted; /* atomic */
	unsigned int round; /* atomic */
	bool busy, over; /* atomic */
	/* Under the lock. */
	pthread_mutex_t lock;
	struct map_records records;
	bool shown; /* a mapping has confirmed the kind */
	size_t nr_seen; /* mappings of files in the current look */
	/* Written under the lock, read without it. */
	int mem_fd;
	struct code_place places[MAX_PLACES];
	size_t nr_places; /* atomic */
	bool reported, failed; /* atomic */
};

/* Reports only once, since each of the mappings can fail. */
static void report_failure(struct guarded_process *process, int error)
{
	if (process_view__is_alive(process->tgid) &&
	    !__atomic_exchange_n(&process->failed, true, __ATOMIC_RELAXED))
		process->orders->failed(process->tgid, error, process->orders->context);
}

struct finding {
	struct guarded_process *process;
	const struct mapping *map;
};

static void note_place(size_t index, uint64_t address, void *context)
{
	const struct finding *finding = context;
	struct guarded_process *process = finding->process;
	uint64_t start = finding->map->start, end = finding->map->end;
	size_t nr = process->nr_places;

	for (size_t i = 0; i < nr; i++) {
		struct code_place *place = &process->places[i];

		if (place->address != address || place->breakpoint != index)
			continue;
		if (start < place->start)
			__atomic_store_n(&place->start, start, __ATOMIC_RELAXED);
		if (end > place->end)
			__atomic_store_n(&place->end, end, __ATOMIC_RELAXED);
		return;
	}
	if (nr == MAX_PLACES) {
		report_failure(process, -ENOSPC);
		return;
	}
	process->places[nr] = (struct code_place){ index, address, start, end };
	__atomic_store_n(&process->nr_places, nr + 1, __ATOMIC_RELEASE);
}

static void look_at_mapping(const struct mapping *map, void *context)
{
	struct guarded_process *process = context;
	struct finding finding = { process, map };

	process->nr_seen++;
	process->shown |= translator_kind__shows_in(process->kind, map);
	breakpoints__find(process->orders->breakpoints, process->mem_fd, map, note_place, &finding);
}

/*
 * Can the kernel have written to the place when map was mapped? It writes to adjacent mappings too.
 * map NULL: yes.
 */
static bool touches(const struct code_place *place, const struct mapping *map)
{
	return !map || (__atomic_load_n(&place->start, __ATOMIC_RELAXED) <= map->end &&
			__atomic_load_n(&place->end, __ATOMIC_RELAXED) >= map->start);
}

/* Clears the places that a mapping (NULL: any) touches. Any thread may call this at any time. */
static void clear(struct guarded_process *process, const struct mapping *map)
{
	size_t nr_places = __atomic_load_n(&process->nr_places, __ATOMIC_ACQUIRE);
	int nr = 0;

	for (size_t i = 0; i < nr_places; i++) {
		struct code_place *place = &process->places[i];
		uint64_t address = __atomic_load_n(&place->address, __ATOMIC_RELAXED);
		int taken;

		if (!address || !touches(place, map))
			continue;
		taken = breakpoint__take_out(&process->orders->breakpoints->list[place->breakpoint],
					     process->mem_fd, address);
		if (taken == -ENOENT)
			__atomic_compare_exchange_n(&place->address, &address, 0, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		else if (taken < 0)
			report_failure(process, taken);
		else
			nr += taken;
	}
	if (nr && !__atomic_exchange_n(&process->reported, true, __ATOMIC_RELAXED))
		process->orders->guarded(process->tgid, process->orders->context);
}

/*
 * Follow the process before looking at it, so that no mapping is missed. Open its memory first: the
 * descriptor stays with this program, whatever the process does then.
 */
static int open_process(struct guarded_process *process)
{
	process->mem_fd = process_view__open_memory(process->tgid);
	if (process->mem_fd < 0)
		return process->mem_fd;
	return process_watch__follow(process->orders->watch, process->tgid, &process->records);
}

static void end(struct guarded_process *process)
{
	map_records__close(&process->records);
	__atomic_store_n(&process->nr_places, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&process->over, true, __ATOMIC_RELEASE);
}

static void look_at_all(struct guarded_process *process)
{
	unsigned int round = __atomic_load_n(&process->orders->round, __ATOMIC_ACQUIRE);
	int err = process->records.nr_fds ? 0 : open_process(process);

	if (err) {
		report_failure(process, err);
		end(process);
		return;
	}
	clear(process, NULL);
	process->nr_seen = 0;
	process_view__each_mapping(process->tgid, look_at_mapping, process);
	if (process->nr_seen && !process->shown)
		end(process); /* only its name suggests a translator */
	else
		clear(process, NULL);
	__atomic_store_n(&process->round, round, __ATOMIC_RELEASE);
}

static bool begin_work(struct guarded_process *process)
{
	if (pthread_mutex_trylock(&process->lock))
		return false;
	__atomic_store_n(&process->busy, true, __ATOMIC_SEQ_CST);
	return true;
}

static void end_work(struct guarded_process *process)
{
	__atomic_store_n(&process->busy, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&process->lock);
}

void guarded_process__attend(struct guarded_process *process)
{
	unsigned int work;

	/* Check again: work that came while we held the lock was left to us. */
	while (__atomic_load_n(&process->wanted, __ATOMIC_SEQ_CST) && begin_work(process)) {
		while ((work = __atomic_exchange_n(&process->wanted, 0, __ATOMIC_SEQ_CST))) {
			if (process->over)
				continue;
			if (work & GUARD_LOOK)
				look_at_all(process);
			else
				clear(process, NULL);
		}
		end_work(process);
	}
}

/*
 * The kernel may have split or merged the mappings next to it, and then it writes all breakpoints
 * there again. The part that needs no lock comes first: nothing may delay it.
 */
void guarded_process__mapped(struct guarded_process *process, const struct mapping *map)
{
	clear(process, map);
	if (!map->file.inode)
		return;
	if (begin_work(process)) {
		if (process->shown && !process->over) {
			look_at_mapping(map, process);
			clear(process, map);
		} else {
			guarded_process__want(process, GUARD_LOOK);
		}
		end_work(process);
	} else {
		guarded_process__want(process, GUARD_LOOK);
	}
	guarded_process__attend(process);
}

void guarded_process__want(struct guarded_process *process, enum guard_work work)
{
	if (!guarded_process__is_over(process) &&
	    (work != GUARD_CLEAR || __atomic_load_n(&process->nr_places, __ATOMIC_RELAXED)))
		__atomic_fetch_or(&process->wanted, (unsigned int)work, __ATOMIC_SEQ_CST);
}

bool guarded_process__has_work(const struct guarded_process *process)
{
	return __atomic_load_n(&process->wanted, __ATOMIC_SEQ_CST) &&
	       !__atomic_load_n(&process->busy, __ATOMIC_SEQ_CST);
}

void guarded_process__clear(struct guarded_process *process)
{
	clear(process, NULL);
}

struct guarded_process *guarded_process__new(pid_t tgid, enum translator_kind kind,
					     const struct guard_orders *orders)
{
	struct guarded_process *process = calloc(1, sizeof(*process));
	int err;

	if (!process)
		return NULL;
	process->tgid = tgid;
	process->kind = kind;
	process->orders = orders;
	process->nr_refs = 1;
	process->wanted = GUARD_LOOK;
	process->round = orders->round - 1;
	process->mem_fd = -1;
	process->pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (process->pidfd < 0) {
		err = errno;
		free(process);
		errno = err;
		return NULL;
	}
	pthread_mutex_init(&process->lock, NULL);
	return process;
}

struct guarded_process *guarded_process__ref(struct guarded_process *process)
{
	__atomic_fetch_add(&process->nr_refs, 1, __ATOMIC_RELAXED);
	return process;
}

void guarded_process__unref(struct guarded_process *process)
{
	if (__atomic_sub_fetch(&process->nr_refs, 1, __ATOMIC_ACQ_REL))
		return;
	map_records__close(&process->records);
	if (process->mem_fd >= 0)
		close(process->mem_fd);
	close(process->pidfd);
	pthread_mutex_destroy(&process->lock);
	free(process);
}

pid_t guarded_process__tgid(const struct guarded_process *process)
{
	return process->tgid;
}

int guarded_process__pidfd(const struct guarded_process *process)
{
	return process->pidfd;
}

struct guard_share *guarded_process__share(struct guarded_process *process)
{
	return &process->share;
}

bool guarded_process__is_over(const struct guarded_process *process)
{
	return __atomic_load_n(&process->over, __ATOMIC_ACQUIRE);
}

unsigned int guarded_process__round(const struct guarded_process *process)
{
	return __atomic_load_n(&process->round, __ATOMIC_ACQUIRE);
}
