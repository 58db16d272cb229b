// SPDX-License-Identifier: GPL-2.0
/*
 * A list of holders, the one used last at its end. counted_heap.c asks for room for each allocation
 * made for a holder; symbolize.c says for which holder work begins.
 */
#include "names/name_budget.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory_share.h"

/*
 * A 32nd of the machine's memory, at least enough for a C library's lines, at most what goes
 * unnoticed.
 */
#define MEMORY_PARTS 32
#define MIN_BYTES (48ull << 20)
#define MAX_BYTES (192ull << 20)
/* The strings get one part in this many. */
#define STRING_PARTS 6
/*
 * Few callers in libraries expect to be refused a small allocation. So allocations below
 * SMALL_BYTES may exceed the budget by SMALL_MAX_BYTES, while the one who does the work learns that
 * it has to end.
 */
#define SMALL_BYTES (64 << 10)
#define SMALL_MAX_BYTES (16ull << 20)
/* Less is not worth the time in which malloc_trim looks for memory to return to the kernel. */
#define TRIM_BYTES (4 << 20)

/*
 * A report begins with REPORT_NS of processor time and gains REPORT_LOOKUP_NS by each look-up. All
 * reports together begin with ALL_NS and gain one part in ALL_PARTS of the time that passes.
 */
#define REPORT_NS 1000000000ull
#define REPORT_LOOKUP_NS 500000ull
#define ALL_NS 30000000000ull
#define ALL_PARTS 4

struct name_budget {
	uint64_t max_bytes; /* for holders */
	uint64_t others_bytes; /* held by all holders but the current one */
	struct name_holder *oldest, *newest;
	struct name_holder *current;
	uint64_t begun_ns; /* CLOCK_MONOTONIC: when the count of all_ns began */
	uint64_t all_ns, report_ns, report_allowed_ns; /* processor time */
	uint64_t current_ns; /* when the current work began */
	bool told_memory, told_time, told_letting_go;
};

struct name_budget *name_budget__new(uint64_t max_bytes)
{
	struct name_budget *budget = calloc(1, sizeof(*budget));

	if (!budget)
		return NULL;
	budget->max_bytes = max_bytes;
	if (!max_bytes) {
		budget->max_bytes = memory_share(MEMORY_PARTS, MAX_BYTES);
		if (budget->max_bytes < MIN_BYTES)
			budget->max_bytes = MIN_BYTES;
	}
	budget->max_bytes -= name_budget__max_string_bytes(budget);
	budget->begun_ns = clock__monotonic_ns();
	name_budget__begin_report(budget);
	return budget;
}

void name_budget__free(struct name_budget *budget)
{
	while (budget && budget->oldest)
		name_budget__leave(budget->oldest);
	free(budget);
}

uint64_t name_budget__max_string_bytes(const struct name_budget *budget)
{
	return budget->max_bytes / STRING_PARTS;
}

void name_budget__begin_report(struct name_budget *budget)
{
	budget->report_ns = 0;
	budget->report_allowed_ns = REPORT_NS;
}

static void unlink_holder(struct name_budget *budget, struct name_holder *holder)
{
	*(holder->older ? &holder->older->newer : &budget->oldest) = holder->newer;
	*(holder->newer ? &holder->newer->older : &budget->newest) = holder->older;
	holder->older = holder->newer = NULL;
}

static void append(struct name_budget *budget, struct name_holder *holder)
{
	holder->budget = budget;
	holder->older = budget->newest;
	*(budget->newest ? &budget->newest->newer : &budget->oldest) = holder;
	budget->newest = holder;
}

static uint64_t held_bytes(const struct name_holder *holder)
{
	return holder->heap.bytes > 0 ? (uint64_t)holder->heap.bytes : 0;
}

static void evict(struct name_budget *budget, struct name_holder *holder)
{
	struct counted_heap *before = counted_heap__work_for(&holder->heap);
	uint64_t bytes = held_bytes(holder);

	holder->evict(holder);
	counted_heap__work_for(before);
	holder->heap.bytes = 0;
	budget->others_bytes -= bytes;
	if (bytes >= TRIM_BYTES)
		malloc_trim(0);
	if (!budget->told_letting_go)
		log__detail(
			"names fill their share of %llu MiB: the symbols and lines used least recently are dropped, and read again when needed",
			(unsigned long long)budget->max_bytes >> 20);
	budget->told_letting_go = true;
}

void name_budget__tell_refusal(struct name_budget *budget)
{
	if (!budget->told_memory)
		log__warning("symbols and lines need more than the %llu MiB that names may take "
			     "here: some frames lack a name or a line; -v names the files",
			     (unsigned long long)budget->max_bytes >> 20);
	budget->told_memory = true;
}

static bool has_room(struct counted_heap *heap, uint64_t bytes)
{
	struct name_holder *holder =
		(struct name_holder *)((char *)heap - offsetof(struct name_holder, heap));
	struct name_budget *budget = holder->budget;
	uint64_t own = held_bytes(holder);

	/* No holder is evicted for an allocation that can never fit. After this, no sum can wrap. */
	if (bytes > budget->max_bytes || (bytes >= SMALL_BYTES && own + bytes > budget->max_bytes))
		return false;
	for (struct name_holder *other = budget->oldest; other; other = other->newer) {
		if (own + bytes + budget->others_bytes <= budget->max_bytes)
			return true;
		if (other != holder && held_bytes(other))
			evict(budget, other);
	}
	if (own + bytes + budget->others_bytes <= budget->max_bytes)
		return true;
	heap->full = heap->refused = true;
	return bytes < SMALL_BYTES &&
	       own + bytes + budget->others_bytes <= budget->max_bytes + SMALL_MAX_BYTES;
}

static bool has_time(const struct name_budget *budget)
{
	uint64_t age_ns = clock__monotonic_ns() - budget->begun_ns;

	return budget->report_ns <= budget->report_allowed_ns &&
	       budget->all_ns <= ALL_NS + age_ns / ALL_PARTS;
}

bool name_budget__begin(struct name_budget *budget, struct name_holder *holder)
{
	budget->report_allowed_ns += REPORT_LOOKUP_NS;
	if (!has_time(budget)) {
		if (!budget->told_time)
			log__warning("names take more time than a report can wait for: some frames "
				     "are shown as file and offset");
		budget->told_time = true;
		return false;
	}
	if (holder->budget)
		unlink_holder(budget, holder);
	append(budget, holder);
	budget->others_bytes -= held_bytes(holder);
	budget->current = holder;
	budget->current_ns = clock__thread_cpu_ns();
	holder->heap.has_room = has_room;
	holder->heap.full = holder->heap.refused = false;
	counted_heap__work_for(&holder->heap);
	return true;
}

bool name_budget__end(struct name_budget *budget)
{
	struct name_holder *holder = budget->current;
	uint64_t spent_ns = clock__thread_cpu_ns() - budget->current_ns;

	counted_heap__work_for(NULL);
	budget->current = NULL;
	budget->others_bytes += held_bytes(holder);
	budget->report_ns += spent_ns;
	budget->all_ns += spent_ns;
	if (holder->heap.refused)
		name_budget__tell_refusal(budget);
	return holder->heap.refused;
}

void name_budget__leave(struct name_holder *holder)
{
	if (!holder->budget)
		return;
	holder->budget->others_bytes -= held_bytes(holder);
	unlink_holder(holder->budget, holder);
	holder->budget = NULL;
	holder->heap.bytes = 0;
}
