// SPDX-License-Identifier: GPL-2.0
/*
 * Follows the lists of glibc's fast bins and thread caches through the chunks that chunk_walk.c
 * noted. A list counts only if it is sound up to its end: to take a chunk that is in use for a free
 * one would make leaks of the blocks that it alone points to.
 *
 * The layouts are those of tcache_perthread_struct in glibc's malloc/malloc.c. A thread's cache is
 * itself a chunk, which no symbol and no list leads to, so each chunk of its size is tried. Since
 * 2.32 the links of lists are mangled with the address that they lie at (PROTECT_PTR).
 */
#include "base/search.h"
#include "leaks/chunk_caches.h"

#define MAX_CACHE_BINS 76
#define SMALL_CACHE_BINS 64
#define USUAL_CACHE_COUNT 7 /* of a bin's members, unless a tunable says otherwise */

struct cache_layout {
	uint64_t chunk_bytes; /* of the cache */
	size_t nr_bins, count_bytes;
	bool counts_room; /* not the members, but how many more there may be */
};

static const struct cache_layout layouts[] = {
	{ .chunk_bytes = 0x250, .nr_bins = SMALL_CACHE_BINS, .count_bytes = 1 }, /* 2.26 */
	{ .chunk_bytes = 0x290, .nr_bins = SMALL_CACHE_BINS, .count_bytes = 2 }, /* 2.30 */
	{ .chunk_bytes = 0x300, .nr_bins = MAX_CACHE_BINS, .count_bytes = 2, .counts_room = true },
};

/* One thread's cache, as it was read. */
struct cache {
	const struct cache_layout *layout;
	uint64_t nr_members[MAX_CACHE_BINS];
	uint64_t firsts[MAX_CACHE_BINS]; /* user addresses, 0: none */
	size_t nr_bins_used;
};

struct list_form {
	uint64_t min_bytes, max_bytes; /* of its members' chunks */
	unsigned int to_user; /* from an address in a link to that of the user's part */
	bool is_mangled;
};

struct marking {
	struct chunk_walk *walk;
	uint64_t nr_steps_left; /* through lists, some of which may be none */
	bool is_mangled; /* the last sound list was */
};

/*
 * A chunk where blocks are still known was freed after the blocks were read, or is what became of
 * theirs. They stay known, and the words come from the process. So do those of a chunk that the
 * walk passed over, since a thread was just changing its neighbour.
 */
static bool read_unnoted(struct marking *marking, uint64_t user, uint64_t *bytes, uint64_t *link)
{
	const struct chunk_walk *walk = marking->walk;
	const struct range_list *segments = &walk->segments;
	size_t i = search__nr_before(segments->nr, at, segments->list[at].end <= user);
	uint64_t words[2];

	if (user % CHUNK_ALIGNMENT || i == segments->nr ||
	    user < segments->list[i].start + CHUNK_HEADER_BYTES ||
	    !memory_reader__all(walk->window.memory, user - 8, words, sizeof(words)))
		return false;
	*bytes = words[0] & ~(uint64_t)CHUNK_FLAGS;
	*link = words[1];
	return true;
}

static uint64_t next_member(const struct list_form *form, uint64_t user, uint64_t link)
{
	if (form->is_mangled)
		link ^= user >> 12;
	return link ? link + form->to_user : 0;
}

/* Marks a member, if such a list can have one there. Its own mark also tells of a ring. */
static bool take_member(struct marking *marking, const struct list_form *form, uint64_t user,
			uint64_t *next)
{
	struct chunk_walk *walk = marking->walk;
	struct unknown_chunk *chunk;
	uint64_t bytes, link;

	if (!marking->nr_steps_left)
		return false;
	marking->nr_steps_left--;
	chunk = chunk_walk__find(walk, user);
	if (chunk && !chunk->is_part && !chunk->is_spare) {
		bytes = chunk->bytes + CHUNK_OVERHEAD_BYTES;
		link = chunk->link;
	} else if ((chunk && chunk->is_spare) || !read_unnoted(marking, user, &bytes, &link)) {
		return false;
	} else {
		chunk = NULL; /* a part of it, which stays one */
	}
	if (bytes < form->min_bytes || bytes > form->max_bytes)
		return false;
	*next = next_member(form, user, link);
	if (!chunk)
		return true;
	chunk->is_spare = 1;
	walk->free_bytes += bytes;
	walk->free_chunks++;
	return true;
}

/* Takes back what take_member did, for the first nr members. */
static void return_members(struct marking *marking, const struct list_form *form, uint64_t user,
			   uint64_t nr)
{
	struct chunk_walk *walk = marking->walk;

	for (; nr; nr--) {
		struct unknown_chunk *chunk = chunk_walk__find(walk, user);
		uint64_t bytes, link;

		if (chunk && !chunk->is_part) {
			link = chunk->link;
			chunk->is_spare = 0;
			walk->free_bytes -= chunk->bytes + CHUNK_OVERHEAD_BYTES;
			walk->free_chunks--;
		} else if (!read_unnoted(marking, user, &bytes, &link)) {
			return;
		}
		user = next_member(form, user, link);
	}
}

/* Marks all members, if the list is sound and ends after at most max of them; otherwise none. */
static bool take_members(struct marking *marking, const struct list_form *form, uint64_t first,
			 uint64_t max, uint64_t *nr)
{
	uint64_t user = first;

	for (*nr = 0; user && *nr < max; ++*nr)
		if (!take_member(marking, form, user, &user))
			break;
	if (user)
		return_members(marking, form, first, *nr);
	return !user;
}

static void mark_fast_bin(struct marking *marking, uint64_t chunk, uint64_t chunk_bytes)
{
	struct list_form form = {
		.min_bytes = chunk_bytes,
		.max_bytes = chunk_bytes,
		.to_user = CHUNK_HEADER_BYTES,
		.is_mangled = marking->is_mangled,
	};
	uint64_t user = chunk + CHUNK_HEADER_BYTES, nr;

	if (take_members(marking, &form, user, UINT64_MAX, &nr))
		return;
	form.is_mangled = !form.is_mangled;
	if (take_members(marking, &form, user, UINT64_MAX, &nr))
		marking->is_mangled = form.is_mangled;
	else /* Its members count as in use. */
		marking->walk->incomplete = true;
}

/* A bin of small chunks is for one size. The large ones came with 2.42, and are not told apart. */
static struct list_form form_of_bin(size_t bin, bool is_mangled)
{
	uint64_t bytes = CHUNK_MIN_BYTES + bin * CHUNK_ALIGNMENT;

	return (struct list_form){
		.min_bytes = bytes,
		.max_bytes = bin < SMALL_CACHE_BINS ? bytes : UINT64_MAX,
		.is_mangled = is_mangled,
	};
}

static uint64_t read_count(const uint8_t *bytes, const struct cache_layout *layout, size_t bin)
{
	uint16_t count;

	if (layout->count_bytes == 1)
		return bytes[bin];
	memcpy(&count, bytes + bin * sizeof(count), sizeof(count));
	return count;
}

/* Where the counts give the room that is left, the largest one is that of an empty bin. */
static void read_counts(const uint8_t *bytes, struct cache *cache)
{
	const struct cache_layout *layout = cache->layout;
	uint64_t room = 0;

	for (size_t i = 0; i < layout->nr_bins; i++) {
		cache->nr_members[i] = read_count(bytes, layout, i);
		if (room < cache->nr_members[i])
			room = cache->nr_members[i];
	}
	for (size_t i = 0; i < layout->nr_bins && layout->counts_room; i++)
		cache->nr_members[i] = room - cache->nr_members[i];
}

/*
 * Whether that could be a thread's cache, before its lists are looked at. In one whose thread
 * stands in the midst of malloc() the counts don't agree with the lists in one bin.
 */
static bool read_cache(struct marking *marking, const struct unknown_chunk *chunk,
		       struct cache *cache)
{
	const struct cache_layout *layout = cache->layout;
	size_t size = layout->nr_bins * (layout->count_bytes + 8);
	const uint8_t *bytes =
		memory_window__at(&marking->walk->window, chunk->address, (size_t)chunk->bytes);

	if (!bytes)
		return false;
	read_counts(bytes, cache);
	cache->nr_bins_used = 0;
	for (size_t i = 0; i < layout->nr_bins; i++) {
		cache->firsts[i] =
			memory_window__word(bytes, layout->nr_bins * layout->count_bytes + 8 * i);
		if (cache->firsts[i] % CHUNK_ALIGNMENT)
			return false;
		cache->nr_bins_used += cache->firsts[i] != 0;
	}
	/* One without members is not taken for a cache if there is anything after it. */
	for (size_t i = size; !cache->nr_bins_used && i < chunk->bytes; i++)
		if (bytes[i])
			return false;
	return true;
}

/*
 * Marks the members of all bins, if these are sound; otherwise none. A thread that stands in the
 * midst of malloc() has changed one list, but not yet its count, or the other way round. One that
 * ends empties bin after bin, and leaves the counts as they are (tcache_thread_shutdown): of links
 * that are mangled some are proof enough.
 */
static bool take_bins(struct marking *marking, const struct cache *cache, bool is_mangled)
{
	bool may_be_emptied = is_mangled && cache->nr_bins_used;
	uint64_t nr_taken[MAX_CACHE_BINS];
	size_t nr_odd = 0, i;

	for (i = 0; i < cache->layout->nr_bins; i++) {
		struct list_form form = form_of_bin(i, is_mangled);
		uint64_t expected = cache->nr_members[i];

		if (!take_members(marking, &form, cache->firsts[i], expected + 1, &nr_taken[i]))
			break;
		if (may_be_emptied && nr_taken[i] <= expected && expected <= USUAL_CACHE_COUNT) {
			may_be_emptied = !nr_taken[i];
			continue;
		}
		may_be_emptied = false;
		nr_odd += nr_taken[i] != expected;
		if (nr_taken[i] + 1 < expected || nr_odd > (cache->nr_bins_used > 1 ? 1 : 0)) {
			return_members(marking, &form, cache->firsts[i], nr_taken[i]);
			break;
		}
	}
	if (i == cache->layout->nr_bins)
		return true;
	while (i--) {
		struct list_form form = form_of_bin(i, is_mangled);

		return_members(marking, &form, cache->firsts[i], nr_taken[i]);
	}
	return false;
}

static void try_cache(struct marking *marking, struct unknown_chunk *chunk,
		      const struct cache_layout *layout)
{
	struct cache cache = { .layout = layout };
	bool is_mangled = marking->is_mangled;

	if (!read_cache(marking, chunk, &cache))
		return;
	/* No cache has itself as a member. */
	chunk->is_spare = 1;
	if (take_bins(marking, &cache, is_mangled))
		return;
	if (take_bins(marking, &cache, !is_mangled))
		marking->is_mangled = !is_mangled;
	else
		chunk->is_spare = 0;
}

static const struct cache_layout *layout_for(const struct unknown_chunk *chunk)
{
	uint64_t bytes = chunk->bytes + CHUNK_OVERHEAD_BYTES;

	if (bytes < layouts[0].chunk_bytes)
		return NULL;
	/* Of a chunk that is 16 bytes larger, these are not enough to be split off. */
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (bytes == layouts[i].chunk_bytes ||
		    bytes == layouts[i].chunk_bytes + CHUNK_ALIGNMENT)
			return &layouts[i];
	return NULL;
}

static void mark_fast_bins(struct marking *marking, const struct arena *arena)
{
	for (size_t bin = 0; bin < ARENA_FAST_BINS; bin++)
		if (arena->fast_bins[bin])
			mark_fast_bin(marking, arena->fast_bins[bin],
				      CHUNK_MIN_BYTES + bin * CHUNK_ALIGNMENT);
}

static void mark_thread_caches(struct marking *marking)
{
	struct chunk_walk *walk = marking->walk;
	const struct address_range *range = walk->walked.list;
	uint64_t end = 0;

	for (size_t i = 0; i < walk->nr; i++) {
		struct unknown_chunk *chunk = &walk->chunks[i];
		const struct cache_layout *layout = layout_for(chunk);

		if (!layout || chunk->is_part || chunk->is_spare)
			continue;
		/* Each chunk lies in a range that was walked, and both are in order. */
		if (chunk->address >= end) {
			while (range->end <= chunk->address)
				range++;
			end = range->end;
			memory_window__set_limit(&walk->window, end);
		}
		try_cache(marking, chunk, layout);
	}
}

int chunk_caches__mark(struct chunk_walk *walk, const struct arena_list *arenas)
{
	struct marking marking = {
		.walk = walk,
		.nr_steps_left = 8 * (uint64_t)walk->nr + 65536,
		.is_mangled = true,
	};
	int err = chunk_walk__index(walk);

	if (err)
		return err;
	for (size_t i = 0; i < arenas->nr; i++)
		mark_fast_bins(&marking, &arenas->list[i]);
	mark_thread_caches(&marking);
	if (!marking.nr_steps_left)
		walk->incomplete = true;
	return 0;
}
