/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counts and bounds memory whose size others decide: libdw and libelf allocate as much as a file
 * makes them, and take no limit. So the allocator itself counts, and refuses, while a thread works
 * for such a heap. Without glibc, or under a sanitizer, nothing is counted.
 */
#ifndef COUNTED_HEAP_H
#define COUNTED_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct counted_heap {
	int64_t bytes; /* allocated less freed, by threads that worked for it */
	bool full; /* set by has_room: long work should end soon */
	bool refused; /* an allocation was refused, or has_room let it through without room */
	/* Is there room for more? May free memory of other heaps. NULL: there always is room. */
	bool (*has_room)(struct counted_heap *heap, uint64_t bytes);
};

/* From now on this thread works for that heap; NULL: for none. Returns the previous one. */
struct counted_heap *counted_heap__work_for(struct counted_heap *heap);

/*
 * libdw crashes when it gets no memory. From now on this thread calls leave instead of refusing an
 * allocation; leave leaves by longjmp. NULL: no longer.
 */
void counted_heap__leave_by(void (*leave)(void));

bool counted_heap__is_full(void);

/* Is there room for so many bytes more? A no counts as a refusal. */
bool counted_heap__has_room(uint64_t bytes);

/* Counts memory from mmap, if there is room; false: there is none. unmap takes it off again. */
bool counted_heap__map(uint64_t bytes);
void counted_heap__unmap(uint64_t bytes);

#endif
