// SPDX-License-Identifier: GPL-2.0
/*
 * The search for struct malloc_state in a process's memory, without symbols. arena_heaps.c goes on
 * from what is found. The layouts are those of glibc's malloc/malloc.c, 2.26 to 2.42, 64 bits.
 *
 * The heads of the 127 bins are the mark: each is two words of a list, forward and back, and the
 * two of an empty bin hold the address 16 bytes before them. All arenas are in one ring, by their
 * `next`, and a place is main_arena only if the ring that begins there comes back to it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "leaks/arena_list.h"

#define NR_BINS 127
#define BIN_BYTES 16

/* glibc allows 8 arenas a CPU, unless told otherwise. */
#define MAX_ARENAS 4096
/* In all rings, also in those that turn out to be none. */
#define MAX_RING_STEPS (16 * MAX_ARENAS)
/* A process has a second libc after dlmopen(), or with LD_AUDIT. */
#define MAX_MAIN_ARENAS 16

/* An area that is larger is no library's data, but a mapped file. */
#define MAX_AREA_BYTES ((uint64_t)64 << 20)
#define MAX_SEARCHED_BYTES ((uint64_t)1 << 30)
/* Pairs that look like an empty bin, but belong to none. */
#define MAX_MISSES 256

#define MAX_USER_ADDRESS ((uint64_t)1 << 47)

/* An arena that is not main lies after the heap_info of its first heap. */
#define FIRST_HEAP_ALIGNMENT ((uint64_t)1 << 20)

struct arena_layout {
	size_t fast_bins, top, bins, next, system_bytes, bytes;
};

#define LAYOUT_FROM(fast_bins_at)                                                      \
	{                                                                              \
		.fast_bins = (fast_bins_at), .top = (fast_bins_at) + 80,               \
		.bins = (fast_bins_at) + 96, .next = (fast_bins_at) + 2144,            \
		.system_bytes = (fast_bins_at) + 2168, .bytes = (fast_bins_at) + 2184, \
	}
#define MAX_LAYOUT_BYTES 2200

/* have_fastchunks came with 2.27. */
static const struct arena_layout layouts[] = { LAYOUT_FROM(16), LAYOUT_FROM(8) };
#define NR_LAYOUTS (sizeof(layouts) / sizeof(*layouts))

struct search {
	const struct memory_reader *memory;
	struct memory_window window;
	struct arena_list *arenas;
	size_t nr_main, nr_misses, nr_ring_steps;
	uint64_t nr_bytes_left;
};

static bool is_chunk_address(uint64_t address)
{
	return address && address < MAX_USER_ADDRESS && address % 16 == 0;
}

/* The two words of a list's head change one after the other, so each is looked at by itself. */
static bool has_bins(const uint8_t *state, const struct arena_layout *layout, uint64_t address)
{
	for (size_t i = 0; i < NR_BINS; i++) {
		size_t at = layout->bins + i * BIN_BYTES;
		uint64_t self = address + at - BIN_BYTES;
		uint64_t forward = memory_window__word(state, at);
		uint64_t back = memory_window__word(state, at + 8);

		if ((forward != self && !is_chunk_address(forward)) ||
		    (back != self && !is_chunk_address(back)))
			return false;
	}
	return true;
}

static bool may_be_next(uint64_t next, uint64_t main_address)
{
	uint64_t offset = next % FIRST_HEAP_ALIGNMENT;

	return next == main_address ||
	       (next < MAX_USER_ADDRESS && (offset == 0x20 || offset == 0x30));
}

/* A lock's word is 0, 1 or 2, and there were never more than three flags. */
static bool has_small_fields(const uint8_t *state)
{
	uint32_t mutex, flags;

	memcpy(&mutex, state, sizeof(mutex));
	memcpy(&flags, state + sizeof(mutex), sizeof(flags));
	return mutex <= 2 && flags <= 7;
}

static bool decode(const uint8_t *state, const struct arena_layout *layout, uint64_t address,
		   uint64_t main_address, struct arena *arena)
{
	/* malloc_init_state() lets it point to the unsorted bin. */
	uint64_t initial_top = address + layout->bins - BIN_BYTES;

	*arena = (struct arena){
		.address = address,
		.end = address + layout->bytes,
		.top = memory_window__word(state, layout->top),
		.next = memory_window__word(state, layout->next),
		.system_bytes = memory_window__word(state, layout->system_bytes),
		.is_main = address == main_address,
	};
	arena->is_unused = arena->top == initial_top;
	for (size_t i = 0; i < ARENA_FAST_BINS; i++)
		arena->fast_bins[i] = memory_window__word(state, layout->fast_bins + 8 * i);
	return may_be_next(arena->next, main_address) && has_small_fields(state) &&
	       (arena->is_unused || is_chunk_address(arena->top)) &&
	       has_bins(state, layout, address);
}

static int append(struct arena_list *arenas, const struct arena *arena)
{
	int err = array__reserve(&arenas->list, &arenas->capacity, arenas->nr + 1);

	if (!err)
		arenas->list[arenas->nr++] = *arena;
	return err;
}

/* An arena in the ring: its heap says that it is the arena's. */
static bool read_other(struct search *search, const struct arena_layout *layout, uint64_t address,
		       uint64_t main_address, struct arena *arena)
{
	uint64_t owner, heap = address - address % FIRST_HEAP_ALIGNMENT;
	uint8_t state[MAX_LAYOUT_BYTES];

	return memory_reader__all(search->memory, heap, &owner, sizeof(owner)) &&
	       owner == address &&
	       memory_reader__all(search->memory, address, state, layout->bytes) &&
	       decode(state, layout, address, main_address, arena);
}

/* Adds all arenas of the ring. Returns 0, -ENOMEM, or -EINVAL when it is no ring. */
static int follow_ring(struct search *search, const struct arena_layout *layout,
		       const struct arena *main_arena)
{
	struct arena_list *arenas = search->arenas;
	struct arena arena = *main_arena;
	size_t nr_before = arenas->nr;
	int err = append(arenas, main_arena);

	while (!err && arena.next != main_arena->address) {
		if (arenas->nr - nr_before == MAX_ARENAS ||
		    search->nr_ring_steps++ >= MAX_RING_STEPS ||
		    !read_other(search, layout, arena.next, main_arena->address, &arena))
			err = -EINVAL;
		else
			err = append(arenas, &arena);
	}
	if (err)
		arenas->nr = nr_before;
	return err;
}

/* Whether a main_arena begins there. Returns 0, -ENOMEM or -EINVAL. */
static int take_main(struct search *search, const struct arena_layout *layout, uint64_t address,
		     uint64_t *end)
{
	const uint8_t *state = memory_window__at(&search->window, address, layout->bytes);
	struct arena arena;
	int err;

	if (!state || !decode(state, layout, address, address, &arena))
		return -EINVAL;
	err = follow_ring(search, layout, &arena);
	*end = arena.end;
	return err;
}

/* The pair at that address may be any of the bins. Returns as take_main. */
static int take_main_around(struct search *search, const struct area *area, uint64_t pair,
			    uint64_t *end)
{
	for (size_t k = 0; k < NR_LAYOUTS; k++) {
		const struct arena_layout *layout = &layouts[k];

		for (size_t i = 0; i < NR_BINS; i++) {
			uint64_t before = layout->bins + i * BIN_BYTES;
			int err;

			if (pair - area->start < before)
				break;
			err = take_main(search, layout, pair - before, end);
			if (err != -EINVAL)
				return err;
		}
	}
	return -EINVAL;
}

/* How many bytes come before the first two equal words that could be an empty bin. */
static size_t bytes_before_pair(const uint8_t *bytes, size_t nr_bytes, uint64_t address)
{
	size_t at = 0;

	for (; nr_bytes - at >= BIN_BYTES; at += 8)
		if (memory_window__word(bytes, at) == address + at - BIN_BYTES &&
		    memory_window__word(bytes, at + 8) == address + at - BIN_BYTES)
			break;
	return at;
}

static int search_area(struct search *search, const struct area *area)
{
	uint64_t at = area->start;

	memory_window__set_limit(&search->window, area->end);
	while (area->end - at >= BIN_BYTES && search->nr_main < MAX_MAIN_ARENAS) {
		const uint8_t *bytes = memory_window__at(&search->window, at, BIN_BYTES);
		struct memory_window *window = &search->window;
		size_t nr_bytes, nr_before;
		int err;

		if (!bytes)
			break;
		nr_bytes = (size_t)(window->start + window->nr_bytes - at);
		nr_before = bytes_before_pair(bytes, nr_bytes, at);
		at += nr_before;
		if (nr_bytes - nr_before < BIN_BYTES)
			continue;
		err = take_main_around(search, area, at, &at);
		if (err == -ENOMEM)
			return err;
		if (!err) {
			search->nr_main++;
			continue;
		}
		at += BIN_BYTES;
		if (++search->nr_misses == MAX_MISSES)
			break;
	}
	return 0;
}

static bool may_hold_main_arena(const struct area *area)
{
	return area->kind == AREA_FILE && area->readable && area->writable && !area->shared &&
	       area->end - area->start <= MAX_AREA_BYTES;
}

int arena_list__read(struct arena_list *arenas, const struct memory_reader *memory,
		     const struct process_areas *areas)
{
	struct search search = {
		.memory = memory,
		.arenas = arenas,
		.nr_bytes_left = MAX_SEARCHED_BYTES,
	};
	int err = memory_window__open(&search.window, memory);

	*arenas = (struct arena_list){ 0 };
	for (size_t i = 0; i < areas->nr && !err; i++) {
		const struct area *area = &areas->list[i];

		if (!may_hold_main_arena(area))
			continue;
		if (area->end - area->start > search.nr_bytes_left ||
		    search.nr_misses == MAX_MISSES || search.nr_main == MAX_MAIN_ARENAS) {
			arenas->incomplete = true;
			break;
		}
		search.nr_bytes_left -= area->end - area->start;
		err = search_area(&search, area);
	}
	if (search.nr_misses == MAX_MISSES || search.nr_main == MAX_MAIN_ARENAS)
		arenas->incomplete = true;
	memory_window__close(&search.window);
	if (err)
		arena_list__free(arenas);
	return err;
}

void arena_list__free(struct arena_list *arenas)
{
	free(arenas->list);
	*arenas = (struct arena_list){ 0 };
}
