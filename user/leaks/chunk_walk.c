// SPDX-License-Identifier: GPL-2.0
/*
 * The walk over the chunks of one heap after another. Segments come from arena_heaps.c, the words
 * of memory from the process, and both can be wrong. What was walked and the chunks that nobody
 * knows go to chunk_caches.c and glibc_arenas.c.
 *
 * A piece that ends where it should, at the top or at a fencepost, is taken. So is a long piece
 * that breaks off; the walk then looks for the next place from where it gets on. A wrong place does
 * no harm: what seems to be in use there is noted as such, and a chunk is free only where the next
 * one's two words say so.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "leaks/chunk_walk.h"
#include "leaks/range_list.h"

/* 200 MB. Also the count of steps bounds how long a process is held. */
#define MAX_UNKNOWN_CHUNKS ((size_t)8 << 20)
#define MAX_STEPS ((uint64_t)64 << 20)
/* Places where a walk may begin: 16 MiB of them. */
#define MAX_STARTS ((uint64_t)1 << 20)

/* So many chunks that fit one to the next are no chance. */
#define MIN_SURE_CHUNKS 32

#define PAGE_BYTES 4096U

#define CHUNKS_IN_GROUP ((size_t)64)

struct chunk_header {
	uint64_t previous_bytes, size, link;
};

enum piece_end {
	PIECE_BROKEN,
	PIECE_AT_TOP,
	PIECE_AT_FENCE,
};

/* Chunks that were walked, side by side. */
struct piece {
	enum piece_end ended;
	uint64_t start, end;
	uint64_t nr_chunks;
};

/* What the walk knew before it tried a piece. */
struct walk_mark {
	size_t nr, next_known;
	uint64_t free_bytes, free_chunks;
};

int chunk_walk__open(struct chunk_walk *walk, const struct memory_reader *memory,
		     const struct leak_block *known, size_t nr_known)
{
	*walk = (struct chunk_walk){
		.known = known,
		.nr_known = nr_known,
		.nr_steps_left = MAX_STEPS,
		.nr_starts_left = MAX_STARTS,
	};
	return memory_window__open(&walk->window, memory);
}

void chunk_walk__close(struct chunk_walk *walk)
{
	memory_window__close(&walk->window);
	range_list__free(&walk->segments);
	range_list__free(&walk->walked);
	free(walk->chunks);
	free(walk->group_starts);
	*walk = (struct chunk_walk){ 0 };
}

static struct walk_mark mark_walk(const struct chunk_walk *walk)
{
	return (struct walk_mark){ walk->nr, walk->next_known, walk->free_bytes,
				   walk->free_chunks };
}

static void rewind_walk(struct chunk_walk *walk, const struct walk_mark *mark)
{
	walk->nr = mark->nr;
	walk->next_known = mark->next_known;
	walk->free_bytes = mark->free_bytes;
	walk->free_chunks = mark->free_chunks;
}

static uint64_t block_end(const struct leak_block *block)
{
	uint64_t end = block->address + block->size_bytes;

	return end < block->address ? UINT64_MAX : end;
}

/* Notes [start, end), less the bytes that are no whole word, in which no pointer fits. */
static int note_unknown(struct chunk_walk *walk, uint64_t start, uint64_t end, uint64_t link,
			bool is_part)
{
	int err;

	if (start >= end || end - start < 8)
		return 0;
	start = (start + 7) & ~7ULL;
	end &= ~7ULL;
	if (start == end)
		return 0;
	if (walk->nr == MAX_UNKNOWN_CHUNKS)
		return -E2BIG;
	err = array__reserve(&walk->chunks, &walk->capacity, walk->nr + 1);
	if (err)
		return err;
	walk->chunks[walk->nr++] = (struct unknown_chunk){
		.address = start,
		.link = link,
		.bytes = end - start,
		.is_part = is_part,
	};
	return 0;
}

/*
 * A chunk in use. Mostly it is one known block, or none. Where known blocks lie elsewhere in it, an
 * allocator of the program's own deals it out, and may keep pointers between them: these gaps are
 * noted. So is the end of a chunk that is much too large for its block, which can have changed
 * since the blocks were read. All this can only hide a leak.
 */
static int note_in_use(struct chunk_walk *walk, uint64_t chunk, uint64_t bytes, uint64_t link)
{
	uint64_t user = chunk + CHUNK_HEADER_BYTES, end = chunk + bytes + CHUNK_OVERHEAD_BYTES;
	const struct leak_block *known = walk->known;
	uint64_t position = user;
	size_t first;
	int err;

	while (walk->next_known < walk->nr_known && known[walk->next_known].address < user)
		walk->next_known++;
	first = walk->next_known;
	if (first && block_end(&known[first - 1]) > position)
		position = block_end(&known[first - 1]);
	for (; walk->next_known < walk->nr_known; walk->next_known++) {
		const struct leak_block *block = &known[walk->next_known];

		if (block->address >= end)
			break;
		err = note_unknown(walk, position, block->address, 0, true);
		if (err)
			return err;
		position = block_end(block);
	}
	if (walk->next_known == first + 1 && known[first].address == user && position < end &&
	    end - position < CHUNK_MAX_SLACK_BYTES)
		return 0;
	return note_unknown(walk, position, end, link,
			    position != user || walk->next_known > first);
}

static void note_free(struct chunk_walk *walk, uint64_t bytes)
{
	walk->free_bytes += bytes;
	walk->free_chunks++;
}

static bool read_header(struct chunk_walk *walk, const struct chunk_segment *segment, uint64_t at,
			struct chunk_header *header)
{
	/* At the very end of a heap there is a header, but no first word. */
	bool has_link = segment->end - at > CHUNK_HEADER_BYTES;
	size_t size = has_link ? sizeof(*header) : CHUNK_HEADER_BYTES;
	const uint8_t *bytes = memory_window__at(&walk->window, at, size);

	header->link = 0;
	if (bytes)
		memcpy(header, bytes, size);
	return bytes;
}

/* sysmalloc() asserts that a top ends where a page does. */
static bool is_top(const struct chunk_segment *segment, uint64_t at, uint64_t size)
{
	uint64_t bytes = size & ~(uint64_t)CHUNK_FLAGS;

	return (size & CHUNK_FLAGS) == CHUNK_PREVIOUS_IN_USE && bytes >= CHUNK_HEADER_BYTES &&
	       bytes <= segment->end - at && (at + bytes) % PAGE_BYTES == 0;
}

/* Whether a chunk of that size can lie there, with the header of another one after it. */
static bool fits(const struct chunk_segment *segment, uint64_t at, uint64_t size)
{
	uint64_t bytes = size & ~(uint64_t)CHUNK_FLAGS;
	unsigned int wrong_flags = CHUNK_IS_MMAPPED;

	if (segment->of_main_arena)
		wrong_flags |= CHUNK_NOT_MAIN_ARENA;
	return !(size & wrong_flags) && bytes >= CHUNK_HEADER_BYTES &&
	       bytes % CHUNK_ALIGNMENT == 0 && bytes <= segment->end - at - CHUNK_HEADER_BYTES &&
	       !(segment->top > at && segment->top - at < bytes);
}

/*
 * Chunks that sysmalloc() put at the end of memory that it had to leave, so that nothing grows over
 * it. In the main arena these are two of 16 bytes. In others it is one of 16 or 32 bytes, and then
 * the header of one of no size, which can be up to 15 bytes away from the heap's end. Returns
 * where they end, or 0.
 */
static uint64_t fence_end(const struct chunk_segment *segment, uint64_t at,
			  const struct chunk_header *header, const struct chunk_header *next)
{
	uint64_t bytes = header->size & ~(uint64_t)CHUNK_FLAGS;

	if (segment->of_main_arena) {
		if (bytes != CHUNK_HEADER_BYTES ||
		    next->size != (CHUNK_HEADER_BYTES | CHUNK_PREVIOUS_IN_USE) ||
		    segment->end - at < 2 * CHUNK_HEADER_BYTES)
			return 0;
		return at + 2 * CHUNK_HEADER_BYTES;
	}
	if (bytes > CHUNK_MIN_BYTES || next->size != CHUNK_PREVIOUS_IN_USE ||
	    segment->end - at - bytes >= 2 * CHUNK_HEADER_BYTES)
		return 0;
	return segment->end;
}

/* Takes one chunk, whose neighbour is next. Returns 0, -EINVAL when they don't fit, or an error. */
static int take_chunk(struct chunk_walk *walk, uint64_t at, const struct chunk_header *header,
		      const struct chunk_header *next)
{
	uint64_t bytes = header->size & ~(uint64_t)CHUNK_FLAGS;

	if (bytes < CHUNK_MIN_BYTES)
		return -EINVAL;
	if (next->size & CHUNK_PREVIOUS_IN_USE)
		return note_in_use(walk, at, bytes, header->link);
	if (next->previous_bytes != bytes)
		return -EINVAL;
	note_free(walk, bytes);
	return 0;
}

/* Walks from there to the top, a fencepost, or a chunk that can't be. Returns 0 or -ENOMEM. */
static int walk_piece(struct chunk_walk *walk, const struct chunk_segment *segment, uint64_t start,
		      struct piece *piece)
{
	struct chunk_header header, next;

	*piece = (struct piece){ .start = start, .end = start };
	walk->next_known = search__nr_before(walk->nr_known, at, walk->known[at].address < start);
	if (!read_header(walk, segment, start, &header))
		return 0;
	for (; walk->nr_steps_left; walk->nr_steps_left--) {
		uint64_t at = piece->end, bytes = header.size & ~(uint64_t)CHUNK_FLAGS, fence;
		size_t nr = walk->nr;
		int err;

		if (at == segment->top) {
			if (is_top(segment, at, header.size)) {
				note_free(walk, bytes);
				piece->ended = PIECE_AT_TOP;
				piece->end = at + bytes;
			}
			return 0;
		}
		if (!fits(segment, at, header.size) ||
		    !read_header(walk, segment, at + bytes, &next))
			return 0;
		fence = fence_end(segment, at, &header, &next);
		if (fence) {
			piece->ended = PIECE_AT_FENCE;
			piece->end = fence;
			return 0;
		}
		err = take_chunk(walk, at, &header, &next);
		if (err)
			walk->nr = nr;
		if (err == -E2BIG)
			walk->nr_steps_left = 0;
		if (err)
			return err == -ENOMEM ? err : 0;
		piece->nr_chunks++;
		piece->end = at + bytes;
		header = next;
	}
	return 0;
}

static bool is_credible(const struct chunk_segment *segment, const struct piece *piece)
{
	return piece->ended != PIECE_BROKEN ||
	       (!segment->whole_only && piece->nr_chunks >= MIN_SURE_CHUNKS);
}

/* As walk_piece, but a piece that is not credible leaves no trace. */
static int try_piece(struct chunk_walk *walk, const struct chunk_segment *segment, uint64_t start,
		     struct piece *piece)
{
	struct walk_mark mark = mark_walk(walk);
	int err = walk_piece(walk, segment, start, piece);

	if (!err && !is_credible(segment, piece))
		rewind_walk(walk, &mark);
	return err;
}

/* Of two places to begin, the one that leads to the end is the right one. */
static int walk_first_piece(struct chunk_walk *walk, const struct chunk_segment *segment,
			    struct piece *piece)
{
	struct walk_mark mark = mark_walk(walk);
	struct piece other;
	int err = try_piece(walk, segment, segment->first, piece);

	if (err || piece->ended != PIECE_BROKEN || !segment->other_first)
		return err;
	rewind_walk(walk, &mark);
	err = try_piece(walk, segment, segment->other_first, &other);
	if (!err && (other.ended != PIECE_BROKEN || other.nr_chunks > piece->nr_chunks)) {
		*piece = other;
		return 0;
	}
	rewind_walk(walk, &mark);
	return err ? err : try_piece(walk, segment, segment->first, piece);
}

/*
 * Looks for a piece that begins at the address or later. Between the pieces of the main arena lies
 * memory that others took with sbrk(), of any length. The top itself is the last chance.
 */
static int find_piece(struct chunk_walk *walk, const struct chunk_segment *segment, uint64_t from,
		      struct piece *piece)
{
	uint64_t last = segment->top ? segment->top : segment->end - CHUNK_MIN_BYTES;
	int err;

	for (uint64_t at = from; at < last; at += CHUNK_ALIGNMENT) {
		struct chunk_header header;

		if (!walk->nr_steps_left || !walk->nr_starts_left)
			break;
		walk->nr_starts_left--;
		if (!read_header(walk, segment, at, &header))
			break;
		/* A piece of no chunks would be a fencepost alone. */
		if (!fits(segment, at, header.size) ||
		    (header.size & ~(uint64_t)CHUNK_FLAGS) < CHUNK_MIN_BYTES)
			continue;
		err = try_piece(walk, segment, at, piece);
		if (err || (is_credible(segment, piece) && piece->nr_chunks))
			return err;
	}
	*piece = (struct piece){ .ended = PIECE_BROKEN };
	if (segment->top < from || !walk->nr_steps_left)
		return 0;
	walk->incomplete = true;
	return try_piece(walk, segment, segment->top, piece);
}

int chunk_walk__segment(struct chunk_walk *walk, const struct chunk_segment *segment)
{
	struct piece piece;
	int err = range_list__add(&walk->segments, segment->first, segment->end);

	memory_window__set_limit(&walk->window, segment->end);
	if (!err)
		err = walk_first_piece(walk, segment, &piece);
	while (!err) {
		uint64_t next = chunk_align(piece.end);

		if (is_credible(segment, &piece))
			err = range_list__add(&walk->walked, piece.start, piece.end);
		if (err || piece.ended == PIECE_AT_TOP)
			return err;
		/* After its fencepost another arena's heap has no more, and no top. */
		if (piece.ended == PIECE_AT_FENCE && !segment->of_main_arena && !segment->top)
			return 0;
		if (piece.ended == PIECE_BROKEN) {
			walk->incomplete = true;
			next += CHUNK_ALIGNMENT;
		}
		if (segment->whole_only || next >= segment->end ||
		    segment->end - next < CHUNK_MIN_BYTES)
			break;
		err = find_piece(walk, segment, next, &piece);
		if (!err && !piece.end)
			break;
	}
	walk->incomplete = true;
	return err;
}

static size_t nr_groups(const struct chunk_walk *walk)
{
	return (walk->nr + CHUNKS_IN_GROUP - 1) / CHUNKS_IN_GROUP;
}

int chunk_walk__index(struct chunk_walk *walk)
{
	size_t nr = nr_groups(walk);

	walk->group_starts = nr ? malloc(nr * sizeof(*walk->group_starts)) : NULL;
	if (nr && !walk->group_starts)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		walk->group_starts[i] = walk->chunks[i * CHUNKS_IN_GROUP].address;
	return 0;
}

/* In two steps: the starts of the groups fit into the processor's cache, the chunks do not. */
struct unknown_chunk *chunk_walk__find(const struct chunk_walk *walk, uint64_t address)
{
	size_t group = search__nr_before(nr_groups(walk), at, walk->group_starts[at] <= address);
	size_t first, nr, found;

	if (!group)
		return NULL;
	first = (group - 1) * CHUNKS_IN_GROUP;
	nr = walk->nr - first < CHUNKS_IN_GROUP ? walk->nr - first : CHUNKS_IN_GROUP;
	found = first + search__nr_before(nr, at, walk->chunks[first + at].address < address);
	return found < walk->nr && walk->chunks[found].address == address ? &walk->chunks[found] :
									    NULL;
}
