/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory whose size others decide, counted and bounded: libdw and libelf allocate as a file makes
 * them, and offer no way to say how much is enough. So the allocator itself counts, and refuses,
 * while a thread works for such a heap. Without glibc, or under a sanitizer, nothing is counted.
 */
#ifndef COUNTED_HEAP_H
#define COUNTED_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct counted_heap {
	int64_t bytes; /* allocated less freed, while it was worked for */
	bool full; /* as has_room says: what goes on for long is to end soon */
	bool refused; /* something was not allocated, or there was no room for it */
	/* Whether there is room for more; it may free what is others'. NULL: there always is. */
	bool (*has_room)(struct counted_heap *heap, uint64_t bytes);
};

/* From now on this thread works for that heap, or NULL: for none. Returns the one before. */
struct counted_heap *counted_heap__work_for(struct counted_heap *heap);

/*
 * libdw does not expect that it gets no memory, and crashes of that. From now on this thread calls
 * that function where something would be refused, which leaves by longjmp; NULL: no longer.
 */
void counted_heap__leave_by(void (*leave)(void));

bool counted_heap__is_full(void);

/* Whether there would be room. */
bool counted_heap__has_room(uint64_t bytes);

/* Memory that comes from mmap: whether there is room, and then it counts; and that it has gone. */
bool counted_heap__map(uint64_t bytes);
void counted_heap__unmap(uint64_t bytes);

#endif
