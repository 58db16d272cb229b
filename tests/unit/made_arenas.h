/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up process's memory: arenas and heaps as glibc's malloc lays them out, written chunk by
 * chunk, for tests and the fuzzer of glibc_arenas.h.
 */
#ifndef MADE_ARENAS_H
#define MADE_ARENAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/glibc_arenas.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"

#define MADE_MAX_AREAS 16
#define MADE_HEAP_ALIGNMENT ((uint64_t)64 << 20)

struct made_memory {
	struct area areas[MADE_MAX_AREAS]; /* by address */
	uint8_t *bytes[MADE_MAX_AREAS];
	size_t nr;
	uint64_t nr_reads, nr_device_reads;
};

/* Areas are added in the order of their addresses, filled with zeros. */
void made_memory__add(struct made_memory *memory, uint64_t start, size_t size, enum area_kind kind);
void made_memory__free(struct made_memory *memory);
struct memory_reader made_memory__reader(struct made_memory *memory);
struct process_areas made_memory__areas(struct made_memory *memory);
uint64_t made_memory__word(const struct made_memory *memory, uint64_t address);
void made_memory__set(struct made_memory *memory, uint64_t address, uint64_t word);

/* A process with memory for a heap by brk, two other heaps, mappings, and libc's data. */
#define MADE_HEAP 0x555500000000ULL
#define MADE_HEAP_BYTES 0x8000
#define MADE_ARENA_HEAP 0x7e0000000000ULL
#define MADE_MORE_HEAP (MADE_ARENA_HEAP + 3 * MADE_HEAP_ALIGNMENT)
#define MADE_ARENA_HEAP_BYTES 0x3000
#define MADE_MAPPINGS 0x7f0000000000ULL
#define MADE_MAPPINGS_BYTES 0x40000
#define MADE_DATA 0x7f0010000000ULL
#define MADE_DATA_BYTES 0x4000
#define MADE_MAIN_ARENA (MADE_DATA + 0x1c60)

void made_memory__add_usual(struct made_memory *memory);
/* Fills all areas with zeros. */
void made_memory__clear(struct made_memory *memory);
int made_memory__find_arenas(struct made_memory *memory, struct glibc_arenas *arenas,
			     const struct leak_block *known, size_t nr_known);

/* Whether one range has all of [start, end), and whether any range has a part of it. */
bool made_ranges__cover(const struct range_list *ranges, uint64_t start, uint64_t end);
bool made_ranges__touch(const struct range_list *ranges, uint64_t start, uint64_t end);

/* As in 2.26, 2.27 to 2.34, and since 2.35. */
enum made_version {
	MADE_2_26,
	MADE_2_27,
	MADE_2_35,
};

struct made_heap {
	struct made_memory *memory;
	enum made_version version;
	uint64_t arena; /* its struct malloc_state */
	bool is_main;
	uint64_t start, end; /* of the heap */
	uint64_t at; /* where the next chunk goes */
	uint64_t last_bytes; /* of the chunk before, if it is free; or 0 */
};

/* Where the fields of an arena's struct are. */
uint64_t made_arena__fast_bin(const struct made_heap *heap, size_t bin);
uint64_t made_arena__top(const struct made_heap *heap);
uint64_t made_arena__bin(const struct made_heap *heap, size_t bin);
uint64_t made_arena__next(const struct made_heap *heap);
uint64_t made_arena__system_bytes(const struct made_heap *heap);

/* A main_arena at that address, whose chunks go to [start, end). */
struct made_heap made_heap__main(struct made_memory *memory, enum made_version version,
				 uint64_t arena, uint64_t start, uint64_t end);
/* The first heap of another arena, which is put into the ring after main. */
struct made_heap made_heap__first(const struct made_heap *main_heap, uint64_t start, size_t size);
/* A further heap of that arena. */
struct made_heap made_heap__more(const struct made_heap *previous, uint64_t start, size_t size);

/* Writes a chunk of so many bytes; returns the address of its user's part. */
uint64_t made_heap__chunk(struct made_heap *heap, uint64_t bytes, bool in_use);
/* The rest of the heap becomes the arena's top. */
void made_heap__top(struct made_heap *heap);
/* The heap is full: its last 32 bytes become the fencepost. */
void made_heap__fence(struct made_heap *heap);
/* Foreign sbrk: a fencepost, then memory of others up to the address. */
void made_heap__gap(struct made_heap *heap, uint64_t to);

/* A free list of these user addresses; returns what its head holds. */
uint64_t made_list__link(struct made_memory *memory, const uint64_t *users, size_t nr,
			 bool is_mangled, bool of_chunks);

#endif
