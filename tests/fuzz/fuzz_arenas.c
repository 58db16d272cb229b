// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over hostile memory: sound arenas are made up, and the input overwrites words of them.
 * What is found must be in order, and inside of the process's areas. Built and run by make fuzz.
 */
#include <stdlib.h>
#include <string.h>

#include "leaks/glibc_arenas.h"
#include "tests/unit/made_arenas.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

#define HEAP 0x555500000000ULL
#define ARENA_HEAP 0x7e0000000000ULL
#define MORE_HEAP (ARENA_HEAP + MADE_HEAP_ALIGNMENT)
#define MAPPINGS 0x7f0000000000ULL
#define DATA 0x7f0010000000ULL
#define HEAP_BYTES 0x4000
#define MAX_KNOWN 64

/* The input is made of these. */
struct change {
	uint8_t kind, area;
	uint16_t word;
	uint64_t value;
} __attribute__((packed));

static struct made_memory memory;
static struct leak_block known[MAX_KNOWN];
static size_t nr_known;

static void make_cache(uint64_t cache, const uint64_t *users, size_t nr, size_t bin)
{
	made_memory__set(&memory, cache + 128 + 8 * bin,
			 made_list__link(&memory, users, nr, true, false));
	made_memory__set(&memory, cache + 2 * bin / 8 * 8, nr << 2 * bin % 8 * 8);
}

static void fill(struct made_heap *heap, uint64_t *users, size_t nr, size_t bytes)
{
	for (size_t i = 0; i < nr; i++)
		users[i] = made_heap__chunk(heap, bytes + 16 * (i % 4), i % 7 != 3);
	made_heap__chunk(heap, 0x400, true);
}

static void make_process(enum made_version version)
{
	struct made_heap heap, first, more;
	uint64_t users[60], others[40], cache;

	made_memory__add(&memory, HEAP, HEAP_BYTES, AREA_HEAP);
	made_memory__add(&memory, ARENA_HEAP, HEAP_BYTES, AREA_ANONYMOUS);
	made_memory__add(&memory, MORE_HEAP, HEAP_BYTES, AREA_ANONYMOUS);
	made_memory__add(&memory, MAPPINGS, HEAP_BYTES, AREA_ANONYMOUS);
	made_memory__add(&memory, DATA, 0x2000, AREA_FILE);
	heap = made_heap__main(&memory, version, DATA + 0x4c0, HEAP, HEAP + HEAP_BYTES);
	cache = made_heap__chunk(&heap, 0x290, true);
	fill(&heap, users, 60, 0x20);
	made_heap__gap(&heap, heap.at + 0x500);
	made_heap__chunk(&heap, 0x20, true);
	made_heap__top(&heap);
	make_cache(cache, (uint64_t[]){ users[4], users[12], users[0] }, 3, 0);
	made_memory__set(&memory, made_arena__fast_bin(&heap, 1),
			 made_list__link(&memory, (uint64_t[]){ users[5], users[1] }, 2, true,
					 true));
	first = made_heap__first(&heap, ARENA_HEAP, HEAP_BYTES);
	fill(&first, others, 40, 0x40);
	made_heap__fence(&first);
	more = made_heap__more(&first, MORE_HEAP, HEAP_BYTES);
	made_heap__chunk(&more, 0x60, true);
	made_heap__top(&more);
	made_memory__set(&memory, MAPPINGS + 8, 0x2002);
	known[0] = (struct leak_block){ .address = others[2], .size_bytes = 0x50 };
	known[1] = (struct leak_block){ .address = MAPPINGS + 16, .size_bytes = 0x1800 };
	nr_known = 2;
}

/* Keeps the blocks as block_index__sort leaves them: by address, none in another. */
static void add_known(uint64_t address, uint64_t size)
{
	uint64_t end = address + (size ? size : 1);
	size_t at = 0;

	while (at < nr_known && known[at].address < address)
		at++;
	if (nr_known == MAX_KNOWN || end < address || (at < nr_known && known[at].address < end) ||
	    (at && known[at - 1].address + known[at - 1].size_bytes > address))
		return;
	memmove(&known[at + 1], &known[at], (nr_known - at) * sizeof(*known));
	known[at] = (struct leak_block){ .address = address, .size_bytes = size };
	nr_known++;
}

static void apply(const struct change *change)
{
	const struct area *area = &memory.areas[change->area % memory.nr];
	uint64_t address = area->start + 8ULL * change->word % (area->end - area->start);
	const struct area *other = &memory.areas[change->value % memory.nr];
	uint64_t old = made_memory__word(&memory, address);

	switch (change->kind % 6) {
	case 0:
		made_memory__set(&memory, address, change->value);
		break;
	case 1:
		made_memory__set(&memory, address,
				 other->start + (change->value >> 8) % (other->end - other->start));
		break;
	case 2:
		made_memory__set(&memory, address, old ^ 1ULL << change->value % 64);
		break;
	case 3:
		made_memory__set(&memory, address, old + (int8_t)change->value * 8);
		break;
	case 4:
		add_known(address, change->value);
		break;
	case 5:
		memory.areas[change->area % memory.nr].kind = change->value % (AREA_KERNEL + 1);
		break;
	}
}

static void check_ranges(const struct range_list *ranges, bool are_owned)
{
	for (size_t i = 0; i < ranges->nr; i++) {
		const struct address_range *range = &ranges->list[i];
		uint64_t covered = range->start;

		if (range->start >= range->end || (i && range[-1].end > range->start))
			abort();
		for (size_t k = 0; k < memory.nr; k++)
			if (memory.areas[k].start <= covered && covered < memory.areas[k].end)
				covered = memory.areas[k].end;
		if (covered < range->end)
			abort();
		for (size_t k = 0; !are_owned && k < nr_known; k++)
			if (known[k].address < range->end &&
			    known[k].address + known[k].size_bytes > range->start &&
			    known[k].size_bytes)
				abort();
	}
}

static void check(const struct glibc_arenas *arenas)
{
	uint64_t owned_bytes = 0, unknown_bytes = 0;

	check_ranges(&arenas->owned, true);
	check_ranges(&arenas->unknown, false);
	for (size_t i = 0; i < arenas->owned.nr; i++)
		owned_bytes += arenas->owned.list[i].end - arenas->owned.list[i].start;
	for (size_t i = 0; i < arenas->unknown.nr; i++)
		unknown_bytes += arenas->unknown.list[i].end - arenas->unknown.list[i].start;
	/* The user's part of a chunk ends in the first word of the next, which may be another's. */
	if (unknown_bytes != arenas->unknown_bytes ||
	    arenas->free_bytes + unknown_bytes > owned_bytes + 8 * arenas->unknown.nr ||
	    (arenas->state == ARENAS_NONE && owned_bytes + unknown_bytes))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	struct memory_reader reader = made_memory__reader(&memory);
	struct process_areas areas;
	struct glibc_arenas arenas;

	make_process(nr_bytes ? bytes[0] % (MADE_2_35 + 1) : MADE_2_35);
	for (size_t at = 1; at + sizeof(struct change) <= nr_bytes; at += sizeof(struct change)) {
		struct change change;

		memcpy(&change, bytes + at, sizeof(change));
		apply(&change);
	}
	areas = made_memory__areas(&memory);
	if (glibc_arenas__read(&arenas, &reader, &areas, known, nr_known))
		abort();
	if (nr_bytes < 1 + sizeof(struct change) && arenas.state != ARENAS_WALKED)
		abort();
	check(&arenas);
	glibc_arenas__free(&arenas);
	made_memory__free(&memory);
	return 0;
}
