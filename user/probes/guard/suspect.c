// SPDX-License-Identifier: GPL-2.0
/*
 * See suspect.h. Whatever breakpoint the kernel wrote into a translator is taken out before the
 * translator comes to translate it, for which it needs from some hundred microseconds (qemu-user)
 * to tens of milliseconds (Valgrind). The kernel tells of a mapping while it still holds the lock
 * on the address space, and writes the breakpoints before it lets go; whoever reads that memory
 * waits for the lock, so we can't be too early.
 */
#include "probes/guard/suspect.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/guard/process_view.h"

/* The functions of some dozen libraries. */
#define MAX_PLACES 1024

/* A known function in its memory. Once there, the address changes only to 0: it left. */
struct code_place {
	size_t breakpoint; /* index */
	uint64_t address; /* atomic */
	/* Of the mappings in which it was seen. Atomic, written under the lock; they only grow. */
	uint64_t start, end;
};

struct suspect {
	pid_t tgid;
	enum translator_kind kind;
	const struct suspect_orders *orders;
	struct guard_share share;
	unsigned int nr_refs; /* atomic */
	int pidfd;
	unsigned int wanted; /* atomic */
	unsigned int round; /* atomic */
	bool busy, over; /* atomic */
	/* Under the lock. */
	pthread_mutex_t lock;
	struct map_records records;
	bool shown; /* by a mapping, that it is what its name says */
	size_t nr_seen; /* mappings of files, in one look */
	/* Written under the lock, read without. */
	int mem_fd;
	struct code_place places[MAX_PLACES];
	size_t nr_places; /* atomic */
	bool reported, failed; /* atomic */
};

/* Once: it can happen at each of its mappings. */
static void report_failure(struct suspect *suspect, int error)
{
	if (process_view__is_alive(suspect->tgid) &&
	    !__atomic_exchange_n(&suspect->failed, true, __ATOMIC_RELAXED))
		suspect->orders->failed(suspect->tgid, error, suspect->orders->context);
}

struct finding {
	struct suspect *suspect;
	const struct mapping *map;
};

static void note_place(size_t index, uint64_t address, void *context)
{
	const struct finding *finding = context;
	struct suspect *suspect = finding->suspect;
	uint64_t start = finding->map->start, end = finding->map->end;
	size_t nr = suspect->nr_places;

	for (size_t i = 0; i < nr; i++) {
		struct code_place *place = &suspect->places[i];

		if (place->address != address || place->breakpoint != index)
			continue;
		if (start < place->start)
			__atomic_store_n(&place->start, start, __ATOMIC_RELAXED);
		if (end > place->end)
			__atomic_store_n(&place->end, end, __ATOMIC_RELAXED);
		return;
	}
	if (nr == MAX_PLACES) {
		report_failure(suspect, -ENOSPC);
		return;
	}
	suspect->places[nr] = (struct code_place){ index, address, start, end };
	__atomic_store_n(&suspect->nr_places, nr + 1, __ATOMIC_RELEASE);
}

static void look_at_mapping(const struct mapping *map, void *context)
{
	struct suspect *suspect = context;
	struct finding finding = { suspect, map };

	suspect->nr_seen++;
	suspect->shown |= translator_kind__shows_in(suspect->kind, map);
	breakpoints__find(suspect->orders->breakpoints, suspect->mem_fd, map, note_place, &finding);
}

/* What the kernel can have written to when something was mapped there: beside it, too. */
static bool touches(const struct code_place *place, const struct mapping *map)
{
	return !map || (__atomic_load_n(&place->start, __ATOMIC_RELAXED) <= map->end &&
			__atomic_load_n(&place->end, __ATOMIC_RELAXED) >= map->start);
}

/* The places that a mapping (NULL: any) touches. By any thread, at any time. */
static void clear(struct suspect *suspect, const struct mapping *map)
{
	size_t nr_places = __atomic_load_n(&suspect->nr_places, __ATOMIC_ACQUIRE);
	int nr = 0;

	for (size_t i = 0; i < nr_places; i++) {
		struct code_place *place = &suspect->places[i];
		uint64_t address = __atomic_load_n(&place->address, __ATOMIC_RELAXED);
		int taken;

		if (!address || !touches(place, map))
			continue;
		taken = breakpoint__take_out(&suspect->orders->breakpoints->list[place->breakpoint],
					     suspect->mem_fd, address);
		if (taken == -ENOENT)
			__atomic_compare_exchange_n(&place->address, &address, 0, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		else if (taken < 0)
			report_failure(suspect, taken);
		else
			nr += taken;
	}
	if (nr && !__atomic_exchange_n(&suspect->reported, true, __ATOMIC_RELAXED))
		suspect->orders->guarded(suspect->tgid, suspect->orders->context);
}

/*
 * It is followed before it is looked at, so that nothing is missed. Memory first: it stays that of
 * this program, whatever the process does then.
 */
static int open_process(struct suspect *suspect)
{
	suspect->mem_fd = process_view__open_memory(suspect->tgid);
	if (suspect->mem_fd < 0)
		return suspect->mem_fd;
	return process_watch__follow(suspect->orders->watch, suspect->tgid, &suspect->records);
}

static void end(struct suspect *suspect)
{
	map_records__close(&suspect->records);
	__atomic_store_n(&suspect->nr_places, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&suspect->over, true, __ATOMIC_RELEASE);
}

static void look_at_all(struct suspect *suspect)
{
	unsigned int round = __atomic_load_n(&suspect->orders->round, __ATOMIC_ACQUIRE);
	int err = suspect->records.nr_fds ? 0 : open_process(suspect);

	if (err) {
		report_failure(suspect, err);
		end(suspect);
		return;
	}
	clear(suspect, NULL);
	suspect->nr_seen = 0;
	process_view__each_mapping(suspect->tgid, look_at_mapping, suspect);
	if (suspect->nr_seen && !suspect->shown)
		end(suspect); /* its name says so, and nothing else does */
	else
		clear(suspect, NULL);
	__atomic_store_n(&suspect->round, round, __ATOMIC_RELEASE);
}

static bool begin_work(struct suspect *suspect)
{
	if (pthread_mutex_trylock(&suspect->lock))
		return false;
	__atomic_store_n(&suspect->busy, true, __ATOMIC_SEQ_CST);
	return true;
}

static void end_work(struct suspect *suspect)
{
	__atomic_store_n(&suspect->busy, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&suspect->lock);
}

void suspect__attend(struct suspect *suspect)
{
	unsigned int work;

	/* Again: what was wanted while we held the lock was left to us. */
	while (__atomic_load_n(&suspect->wanted, __ATOMIC_SEQ_CST) && begin_work(suspect)) {
		while ((work = __atomic_exchange_n(&suspect->wanted, 0, __ATOMIC_SEQ_CST))) {
			if (suspect->over)
				continue;
			if (work & SUSPECT_LOOK)
				look_at_all(suspect);
			else
				clear(suspect, NULL);
		}
		end_work(suspect);
	}
}

/*
 * The kernel may have split or joined the mappings next to it, and then it writes all breakpoints
 * there again. First comes what needs no lock: nobody may hold us up now.
 */
void suspect__mapped(struct suspect *suspect, const struct mapping *map)
{
	clear(suspect, map);
	if (!map->inode)
		return;
	if (begin_work(suspect)) {
		if (suspect->shown && !suspect->over) {
			look_at_mapping(map, suspect);
			clear(suspect, map);
		} else {
			suspect__want(suspect, SUSPECT_LOOK);
		}
		end_work(suspect);
	} else {
		suspect__want(suspect, SUSPECT_LOOK);
	}
	suspect__attend(suspect);
}

void suspect__want(struct suspect *suspect, enum suspect_work work)
{
	if (!suspect__is_over(suspect) &&
	    (work != SUSPECT_CLEAR || __atomic_load_n(&suspect->nr_places, __ATOMIC_RELAXED)))
		__atomic_fetch_or(&suspect->wanted, (unsigned int)work, __ATOMIC_SEQ_CST);
}

bool suspect__has_work(const struct suspect *suspect)
{
	return __atomic_load_n(&suspect->wanted, __ATOMIC_SEQ_CST) &&
	       !__atomic_load_n(&suspect->busy, __ATOMIC_SEQ_CST);
}

void suspect__clear(struct suspect *suspect)
{
	clear(suspect, NULL);
}

struct suspect *suspect__new(pid_t tgid, enum translator_kind kind,
			     const struct suspect_orders *orders)
{
	struct suspect *suspect = calloc(1, sizeof(*suspect));
	int err;

	if (!suspect)
		return NULL;
	suspect->tgid = tgid;
	suspect->kind = kind;
	suspect->orders = orders;
	suspect->nr_refs = 1;
	suspect->wanted = SUSPECT_LOOK;
	suspect->round = orders->round - 1;
	suspect->mem_fd = -1;
	suspect->pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (suspect->pidfd < 0) {
		err = errno;
		free(suspect);
		errno = err;
		return NULL;
	}
	pthread_mutex_init(&suspect->lock, NULL);
	return suspect;
}

struct suspect *suspect__ref(struct suspect *suspect)
{
	__atomic_fetch_add(&suspect->nr_refs, 1, __ATOMIC_RELAXED);
	return suspect;
}

void suspect__unref(struct suspect *suspect)
{
	if (__atomic_sub_fetch(&suspect->nr_refs, 1, __ATOMIC_ACQ_REL))
		return;
	map_records__close(&suspect->records);
	if (suspect->mem_fd >= 0)
		close(suspect->mem_fd);
	close(suspect->pidfd);
	pthread_mutex_destroy(&suspect->lock);
	free(suspect);
}

pid_t suspect__tgid(const struct suspect *suspect)
{
	return suspect->tgid;
}

int suspect__pidfd(const struct suspect *suspect)
{
	return suspect->pidfd;
}

struct guard_share *suspect__share(struct suspect *suspect)
{
	return &suspect->share;
}

bool suspect__is_over(const struct suspect *suspect)
{
	return __atomic_load_n(&suspect->over, __ATOMIC_ACQUIRE);
}

unsigned int suspect__round(const struct suspect *suspect)
{
	return __atomic_load_n(&suspect->round, __ATOMIC_ACQUIRE);
}
