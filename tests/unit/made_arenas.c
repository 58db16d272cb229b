// SPDX-License-Identifier: GPL-2.0
/* Bytes for tests of glibc_arenas.h: what malloc would have left in a process. */
#include <stdlib.h>
#include <string.h>

#include "made_arenas.h"

#define PREVIOUS_IN_USE 1U
#define NOT_MAIN 4U
#define NR_BINS 127

void made_memory__add(struct made_memory *memory, uint64_t start, size_t size, enum area_kind kind)
{
	memory->areas[memory->nr] = (struct area){
		.start = start,
		.end = start + size,
		.kind = kind,
		.readable = true,
		.writable = true,
	};
	memory->bytes[memory->nr] = calloc(1, size);
	if (!memory->bytes[memory->nr++])
		abort();
}

void made_memory__free(struct made_memory *memory)
{
	for (size_t i = 0; i < memory->nr; i++)
		free(memory->bytes[i]);
	*memory = (struct made_memory){ 0 };
}

static uint8_t *bytes_at(const struct made_memory *memory, uint64_t address, size_t *size)
{
	const struct process_areas areas = { .list = (struct area *)memory->areas,
					     .nr = memory->nr };
	const struct area *area = process_areas__find(&areas, address);

	if (!area) {
		*size = 0;
		return NULL;
	}
	if (*size > area->end - address)
		*size = area->end - address;
	return memory->bytes[area - areas.list] + (address - area->start);
}

static bool is_device(const struct made_memory *memory, uint64_t address)
{
	const struct process_areas areas = { .list = (struct area *)memory->areas,
					     .nr = memory->nr };
	const struct area *area = process_areas__find(&areas, address);

	return area && area->kind == AREA_DEVICE;
}

/* Like the kernel, it reads on into a neighbour. */
static size_t read_made(void *context, uint64_t address, void *buffer, size_t size)
{
	struct made_memory *memory = context;
	size_t nr_read = 0;

	memory->nr_reads++;
	while (nr_read < size) {
		size_t part = size - nr_read;
		const uint8_t *bytes = bytes_at(memory, address + nr_read, &part);

		if (!bytes)
			break;
		memory->nr_device_reads += is_device(memory, address + nr_read);
		memcpy((uint8_t *)buffer + nr_read, bytes, part);
		nr_read += part;
	}
	return nr_read;
}

struct memory_reader made_memory__reader(struct made_memory *memory)
{
	return (struct memory_reader){ .read = read_made, .context = memory };
}

struct process_areas made_memory__areas(struct made_memory *memory)
{
	return (struct process_areas){ .list = memory->areas, .nr = memory->nr };
}

uint64_t made_memory__word(const struct made_memory *memory, uint64_t address)
{
	uint64_t word = 0;
	size_t size = sizeof(word);
	const uint8_t *bytes = bytes_at(memory, address, &size);

	if (size != sizeof(word))
		abort();
	memcpy(&word, bytes, sizeof(word));
	return word;
}

void made_memory__set(struct made_memory *memory, uint64_t address, uint64_t word)
{
	size_t size = sizeof(word);
	uint8_t *bytes = bytes_at(memory, address, &size);

	if (size != sizeof(word))
		abort();
	memcpy(bytes, &word, sizeof(word));
}

void made_memory__add_usual(struct made_memory *memory)
{
	made_memory__add(memory, MADE_HEAP, MADE_HEAP_BYTES, AREA_HEAP);
	made_memory__add(memory, MADE_ARENA_HEAP, MADE_ARENA_HEAP_BYTES, AREA_ANONYMOUS);
	made_memory__add(memory, MADE_MORE_HEAP, MADE_ARENA_HEAP_BYTES, AREA_ANONYMOUS);
	made_memory__add(memory, MADE_MAPPINGS, MADE_MAPPINGS_BYTES, AREA_ANONYMOUS);
	made_memory__add(memory, MADE_DATA, MADE_DATA_BYTES, AREA_FILE);
}

void made_memory__clear(struct made_memory *memory)
{
	for (size_t i = 0; i < memory->nr; i++)
		memset(memory->bytes[i], 0, memory->areas[i].end - memory->areas[i].start);
}

int made_memory__find_arenas(struct made_memory *memory, struct glibc_arenas *arenas,
			     const struct leak_block *known, size_t nr_known)
{
	struct memory_reader reader = made_memory__reader(memory);
	struct process_areas areas = made_memory__areas(memory);

	return glibc_arenas__read(arenas, &reader, &areas, known, nr_known);
}

bool made_ranges__cover(const struct range_list *ranges, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < ranges->nr; i++)
		if (ranges->list[i].start <= start && end <= ranges->list[i].end)
			return true;
	return false;
}

bool made_ranges__touch(const struct range_list *ranges, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < ranges->nr; i++)
		if (ranges->list[i].start < end && start < ranges->list[i].end)
			return true;
	return false;
}

/* glibc's malloc/malloc.c: two ints, since 2.27 another with four bytes of padding. */
static uint64_t fast_bins_of(const struct made_heap *heap)
{
	return heap->arena + (heap->version == MADE_2_26 ? 8 : 16);
}

uint64_t made_arena__fast_bin(const struct made_heap *heap, size_t bin)
{
	return fast_bins_of(heap) + 8 * bin;
}

uint64_t made_arena__top(const struct made_heap *heap)
{
	return fast_bins_of(heap) + 80;
}

uint64_t made_arena__bin(const struct made_heap *heap, size_t bin)
{
	return fast_bins_of(heap) + 96 + 16 * bin;
}

uint64_t made_arena__next(const struct made_heap *heap)
{
	return made_arena__bin(heap, NR_BINS) + 16;
}

uint64_t made_arena__system_bytes(const struct made_heap *heap)
{
	return made_arena__next(heap) + 24;
}

static void add_system_bytes(const struct made_heap *heap, uint64_t bytes)
{
	uint64_t at = made_arena__system_bytes(heap);

	made_memory__set(heap->memory, at, made_memory__word(heap->memory, at) + bytes);
}

static void init_arena(const struct made_heap *heap)
{
	for (size_t i = 0; i < NR_BINS; i++) {
		uint64_t bin = made_arena__bin(heap, i);

		made_memory__set(heap->memory, bin, bin - 16);
		made_memory__set(heap->memory, bin + 8, bin - 16);
	}
	made_memory__set(heap->memory, made_arena__top(heap), made_arena__top(heap));
	made_memory__set(heap->memory, made_arena__next(heap) + 16, 1);
}

struct made_heap made_heap__main(struct made_memory *memory, enum made_version version,
				 uint64_t arena, uint64_t start, uint64_t end)
{
	struct made_heap heap = {
		.memory = memory,
		.version = version,
		.arena = arena,
		.is_main = true,
		.start = start,
		.end = end,
		.at = (start + 15) & ~15ULL,
	};

	init_arena(&heap);
	made_memory__set(memory, made_arena__next(&heap), arena);
	add_system_bytes(&heap, end - start);
	return heap;
}

static uint64_t info_bytes(enum made_version version)
{
	return version == MADE_2_35 ? 0x30 : 0x20;
}

static void write_info(const struct made_heap *heap, uint64_t previous)
{
	made_memory__set(heap->memory, heap->start, heap->arena);
	made_memory__set(heap->memory, heap->start + 8, previous);
	made_memory__set(heap->memory, heap->start + 16, heap->end - heap->start);
	made_memory__set(heap->memory, heap->start + 24, heap->end - heap->start);
	if (heap->version == MADE_2_35)
		made_memory__set(heap->memory, heap->start + 32, 4096);
	add_system_bytes(heap, heap->end - heap->start);
}

struct made_heap made_heap__first(const struct made_heap *main_heap, uint64_t start, size_t size)
{
	uint64_t main_next = made_arena__next(main_heap);
	struct made_heap heap = {
		.memory = main_heap->memory,
		.version = main_heap->version,
		.arena = start + info_bytes(main_heap->version),
		.start = start,
		.end = start + size,
	};

	init_arena(&heap);
	heap.at = (made_arena__system_bytes(&heap) + 16 + 15) & ~15ULL;
	write_info(&heap, 0);
	made_memory__set(heap.memory, made_arena__next(&heap),
			 made_memory__word(heap.memory, main_next));
	made_memory__set(heap.memory, main_next, heap.arena);
	return heap;
}

struct made_heap made_heap__more(const struct made_heap *previous, uint64_t start, size_t size)
{
	struct made_heap heap = *previous;

	heap.start = start;
	heap.end = start + size;
	heap.at = start + info_bytes(heap.version);
	heap.last_bytes = 0;
	write_info(&heap, previous->start);
	return heap;
}

static void write_header(struct made_heap *heap, uint64_t bytes, unsigned int flags)
{
	if (heap->last_bytes)
		made_memory__set(heap->memory, heap->at, heap->last_bytes);
	else
		flags |= PREVIOUS_IN_USE;
	made_memory__set(heap->memory, heap->at + 8, bytes | flags);
	heap->last_bytes = 0;
}

uint64_t made_heap__chunk(struct made_heap *heap, uint64_t bytes, bool in_use)
{
	uint64_t user = heap->at + 16;

	write_header(heap, bytes, heap->is_main ? 0 : NOT_MAIN);
	heap->at += bytes;
	heap->last_bytes = in_use ? 0 : bytes;
	return user;
}

void made_heap__top(struct made_heap *heap)
{
	write_header(heap, heap->end - heap->at, 0);
	made_memory__set(heap->memory, made_arena__top(heap), heap->at);
}

void made_heap__fence(struct made_heap *heap)
{
	if (heap->end - heap->at > 32)
		made_heap__chunk(heap, heap->end - heap->at - 32, false);
	write_header(heap, 16, 0);
	heap->at += 16;
	write_header(heap, 0, 0);
}

void made_heap__gap(struct made_heap *heap, uint64_t to)
{
	for (int i = 0; i < 2; i++) {
		write_header(heap, 16, 0);
		heap->at += 16;
	}
	heap->at = (to + 15) & ~15ULL;
}

uint64_t made_list__link(struct made_memory *memory, const uint64_t *users, size_t nr,
			 bool is_mangled, bool of_chunks)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t next = i + 1 < nr ? users[i + 1] - (of_chunks ? 16 : 0) : 0;

		made_memory__set(memory, users[i], next ^ (is_mangled ? users[i] >> 12 : 0));
	}
	return nr ? users[0] - (of_chunks ? 16 : 0) : 0;
}
