// SPDX-License-Identifier: GPL-2.0
/*
 * From noted pointers to kinds of leaks: which block each pointer is in, which one it points into,
 * and whether it counts as one to the start. Nothing here needs the process to stand still; only
 * the heuristics read it again.
 */
#include "leaks/leak_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "leaks/inner_pointers.h"
#include "leaks/leak_nodes.h"
#include "leaks/old_chunks.h"
#include "leaks/reach.h"
#include "leaks/root_ranges.h"
#include "leaks/scan_state.h"

/* What roots were found to do while pointers are resolved. */
#define FOUND_EXACTLY 1 /* one points to the node's start */
#define FOUND_INSIDE 2 /* one points into its middle */

/* How many pointers pass between two looks at the clock. */
#define PROGRESS_NOTES (1 << 20)
#define NOTES_AT_ONCE 64

/*
 * Edges take the place of the notes that they are made from: these are the larger part of the
 * tracer's memory.
 */
_Static_assert(sizeof(struct reach_edge) <= sizeof(struct pointer_note), "edges fit over notes");

struct classifier {
	struct leak_scan *scan;
	struct leak_nodes nodes;
	struct block_index *index;
	struct old_chunks old; /* their numbers follow those of the nodes */
	struct reach_edge *old_edges; /* those that come after all others */
	size_t nr_old_edges, max_old_edges;
	bool old_incomplete; /* not all pointers to them found room */
	uint8_t *found; /* of each node and old chunk */
	uint32_t source_node; /* where the last source was */
	struct reach_edge *edges;
	size_t nr_edges;
	unsigned int heuristics; /* allowed ones */
	struct reach_result reach;
	bool has_reach;
};

/* A root, unless it is an old chunk. */
static uint32_t find_old_source(const struct classifier *classifier, uint64_t source)
{
	uint32_t chunk = old_chunks__find(&classifier->old, source);

	return chunk == BLOCK_NONE ? REACH_ROOT : (uint32_t)classifier->nodes.nr + chunk;
}

/* How many bytes of the node lie at the address and after it; 0 also if it is no node. */
static uint64_t bytes_from(const struct classifier *classifier, uint32_t node, uint64_t address)
{
	const struct leak_block *block;

	if (node >= classifier->nodes.nr)
		return 0;
	block = &classifier->nodes.list[node];
	return address - block->address < block->size_bytes ?
		       block->size_bytes - (address - block->address) :
		       0;
}

/* Notes are in the order of addresses, so mostly the node is that of the last source, or the next. */
static uint32_t find_source(struct classifier *classifier, uint64_t source)
{
	uint32_t node = classifier->source_node;
	uint64_t bytes;

	if (source == POINTER_IN_REGISTER)
		return REACH_ROOT;
	bytes = bytes_from(classifier, node, source);
	if (!bytes && node != BLOCK_NONE)
		bytes = bytes_from(classifier, ++node, source);
	if (!bytes) {
		node = block_index__find(classifier->index, source);
		bytes = bytes_from(classifier, node, source);
	}
	classifier->source_node = node;
	if (node == BLOCK_NONE)
		return find_old_source(classifier, source);
	/* Not all of the word is the block's. */
	return bytes < sizeof(uint64_t) ? REACH_ROOT : node;
}

/* Pointers of one block, or of roots, to where the last one pointed say nothing new. */
static void add_edge(struct classifier *classifier, const struct reach_edge *edge)
{
	if (classifier->nr_edges) {
		const struct reach_edge *last = &classifier->edges[classifier->nr_edges - 1];

		if (last->from == edge->from && last->to == edge->to &&
		    last->exact == edge->exact && last->note == edge->note)
			return;
	}
	classifier->edges[classifier->nr_edges++] = *edge;
}

/* Nor do more pointers from roots to where one points already. */
static bool is_repeated(struct classifier *classifier, const struct reach_edge *edge)
{
	uint8_t before = classifier->found[edge->to];

	classifier->found[edge->to] |= edge->exact ? FOUND_EXACTLY : FOUND_INSIDE;
	return before & FOUND_EXACTLY || (!edge->exact && !edge->note && before & FOUND_INSIDE);
}

static uint32_t number_of_old(const struct classifier *classifier, uint32_t chunk)
{
	return (uint32_t)classifier->nodes.nr + chunk;
}

/* The edge of a note, if it says something new. */
static bool make_old_edge(struct classifier *classifier, const struct pointer_note *note,
			  uint32_t chunk, struct reach_edge *edge)
{
	*edge = (struct reach_edge){ .to = number_of_old(classifier, chunk), .exact = true };
	if (classifier->found[edge->to] & FOUND_EXACTLY)
		return false;
	edge->from = find_source(classifier, note->source);
	return edge->from != edge->to &&
	       (edge->from != REACH_ROOT || !is_repeated(classifier, edge));
}

static void add_last_edge(struct classifier *classifier, const struct reach_edge *edge)
{
	if (classifier->nr_old_edges < classifier->max_old_edges)
		classifier->old_edges[classifier->nr_old_edges++] = *edge;
	else
		classifier->old_incomplete = true;
}

/*
 * A note has the room of one edge, but the word before a chunk is both in the chunk before and at
 * this one's header. So pointers to headers come after all notes.
 */
static void resolve_old_note(struct classifier *classifier, const struct pointer_note *note)
{
	uint32_t chunk = old_chunks__find(&classifier->old, note->value);
	uint32_t header = old_chunks__find_header(&classifier->old, note->value);
	struct reach_edge edge;

	if ((chunk == BLOCK_NONE && header == BLOCK_NONE) ||
	    root_ranges__contain(&classifier->scan->ended, note->source))
		return;
	if (chunk != BLOCK_NONE && make_old_edge(classifier, note, chunk, &edge))
		add_edge(classifier, &edge);
	if (header != BLOCK_NONE && make_old_edge(classifier, note, header, &edge))
		add_last_edge(classifier, &edge);
}

/* Of lists of free chunks that a thread took out, and has in its hands: no note has their links. */
static void add_links_of_old(struct classifier *classifier)
{
	struct reach_edge edge = { .exact = true };

	for (uint32_t i = 0; i < classifier->old.nr; i++) {
		uint32_t next = old_chunks__next_in_list(&classifier->old, i);

		if (next == BLOCK_NONE)
			continue;
		edge.from = number_of_old(classifier, i);
		edge.to = number_of_old(classifier, next);
		add_last_edge(classifier, &edge);
	}
}

static void resolve_note(struct classifier *classifier, const struct pointer_note *note,
			 uint32_t to)
{
	struct reach_edge edge = { .to = to };
	uint64_t offset;

	if (classifier->found[to] & FOUND_EXACTLY ||
	    root_ranges__contain(&classifier->scan->ended, note->source))
		return;
	offset = note->value - classifier->nodes.list[to].address;
	edge.from = find_source(classifier, note->source);
	edge.exact = !offset;
	edge.note = classifier->heuristics ? inner_pointers__note(offset) : 0;
	if (edge.from == to || (edge.from == REACH_ROOT && is_repeated(classifier, &edge)))
		return;
	add_edge(classifier, &edge);
}

/*
 * An edge is written where notes were read already. Pointers lead all over the heap, and nearly
 * each one waits for memory: so a part of them is looked up at once, before any is judged, and what
 * the judging will read is fetched meanwhile.
 */
static void resolve_notes(struct classifier *classifier)
{
	const struct pointer_log *log = &classifier->scan->log;
	struct pointer_note notes[NOTES_AT_ONCE];
	uint32_t to[NOTES_AT_ONCE];

	progress__phase("resolving pointers");
	classifier->edges = (struct reach_edge *)log->list;
	classifier->old_edges = (struct reach_edge *)(log->list + log->nr);
	classifier->max_old_edges = log->max - log->nr;
	for (size_t done = 0, nr; done < log->nr; done += nr) {
		if (done % PROGRESS_NOTES == 0)
			progress__show(done, log->nr);
		nr = log->nr - done < NOTES_AT_ONCE ? log->nr - done : NOTES_AT_ONCE;
		memcpy(notes, &log->list[done], nr * sizeof(*notes));
		for (size_t i = 0; i < nr; i++) {
			to[i] = block_index__find(classifier->index, notes[i].value);
			if (to[i] == BLOCK_NONE)
				continue;
			__builtin_prefetch(&classifier->found[to[i]]);
			__builtin_prefetch(&classifier->nodes.list[to[i]]);
		}
		for (size_t i = 0; i < nr; i++)
			if (to[i] != BLOCK_NONE)
				resolve_note(classifier, &notes[i], to[i]);
			else
				resolve_old_note(classifier, &notes[i]);
	}
	add_links_of_old(classifier);
	memmove(classifier->edges + classifier->nr_edges, classifier->old_edges,
		classifier->nr_old_edges * sizeof(*classifier->edges));
	classifier->nr_edges += classifier->nr_old_edges;
}

static int reach_nodes(struct classifier *classifier)
{
	int err;

	progress__phase("following pointers");
	if (classifier->has_reach)
		reach__free(&classifier->reach);
	err = reach__classify(&classifier->reach, (uint32_t)classifier->nodes.nr, classifier->edges,
			      classifier->nr_edges);
	classifier->has_reach = !err;
	return err;
}

static int judge_inner_pointers(struct classifier *classifier)
{
	struct leak_scan *scan = classifier->scan;
	const struct memory_reader memory = memory_reader__of_thread(&scan->tid);
	const struct inner_pointers inner = {
		.edges = classifier->edges,
		.nr_edges = classifier->nr_edges,
		.blocks = classifier->nodes.list,
		.nr_blocks = (uint32_t)classifier->nodes.nr,
		.heuristics = classifier->heuristics,
		.memory = &memory,
		.areas = &scan->areas,
		.found_by = classifier->found,
	};
	ssize_t nr;
	int err;

	memset(classifier->found, 0, classifier->nodes.nr);
	nr = inner_pointers__judge(&inner, classifier->reach.kinds);
	if (nr <= 0)
		return (int)nr;
	err = reach_nodes(classifier);
	if (!err)
		inner_pointers__keep_needed(&inner, classifier->reach.kinds);
	return err;
}

static int classify_nodes(struct classifier *classifier)
{
	int err = reach_nodes(classifier);

	if (!err)
		err = judge_inner_pointers(classifier);
	return err;
}

/*
 * Which old chunks are lost, when they count as blocks. For the blocks themselves they are roots. A
 * figure less is better than none at all, so a lack of memory is no error.
 */
static void judge_old(struct classifier *classifier, struct leak_result *result)
{
	const struct old_chunks *old = &classifier->old;
	const struct memory_reader memory = memory_reader__of_thread(&classifier->scan->tid);
	uint32_t nr_nodes = (uint32_t)classifier->nodes.nr;
	struct reach_result reach;

	if (!classifier->scan->old_chunks.nr || classifier->old_incomplete ||
	    reach__classify(&reach, nr_nodes + (uint32_t)old->nr, classifier->edges,
			    classifier->nr_edges))
		return;
	result->has_old_lost = true;
	/* Without those that were allocated after the blocks had been read. */
	result->unknown_bytes = 0;
	result->unknown_chunks = old->nr;
	for (size_t i = 0; i < old->nr; i++) {
		enum leak_kind kind = reach.kinds[nr_nodes + i];

		result->unknown_bytes += old->list[i].size_bytes;
		if ((kind != LEAK_DEFINITE && kind != LEAK_INDIRECT) ||
		    !old_chunks__is_unchanged(old, i, &memory))
			continue;
		result->old_lost_bytes += old->list[i].size_bytes;
		result->old_lost_chunks++;
	}
	reach__free(&reach);
}

/*
 * What a step needed is freed before the next one allocates: each of these takes as much as a third
 * of what the blocks take.
 */
static int resolve_and_classify(struct classifier *classifier, struct leak_result *result)
{
	int err;

	resolve_notes(classifier);
	block_index__free(classifier->index);
	classifier->index = NULL;
	err = classify_nodes(classifier);
	if (!err)
		judge_old(classifier, result);
	pointer_log__free(&classifier->scan->log);
	return err;
}

static void add_heuristic(const struct classifier *classifier, struct leak_result *result,
			  size_t node)
{
	unsigned int heuristic = classifier->found[node];

	if (!heuristic)
		return;
	result->heuristic_bytes[heuristic - 1] += classifier->nodes.list[node].size_bytes;
	result->heuristic_blocks[heuristic - 1]++;
}

static void fill_result(const struct classifier *classifier, struct leak_result *result)
{
	const struct leak_nodes *nodes = &classifier->nodes;

	for (size_t i = 0; i < nodes->nr; i++) {
		enum leak_kind kind = classifier->reach.kinds[i];
		uint32_t number = leak_nodes__reported(nodes, i), leader;

		result->kinds[number] = kind;
		add_heuristic(classifier, result, i);
		if (kind != LEAK_INDIRECT)
			continue;
		leader = leak_nodes__reported(nodes, classifier->reach.leaders[i]);
		result->indirect_bytes[leader] += nodes->list[i].size_bytes;
		result->indirect_blocks[leader]++;
	}
}

static int prepare(struct classifier *classifier, const struct leak_block *blocks, size_t nr_blocks)
{
	const struct leak_scan *scan = classifier->scan;
	int err = leak_nodes__choose(&classifier->nodes, blocks, nr_blocks, scan->paused_ns,
				     &scan->log);

	if (err)
		return err;
	classifier->source_node = BLOCK_NONE;
	err = old_chunks__init(&classifier->old, &scan->old_chunks, blocks, nr_blocks);
	if (err)
		return err;
	if (classifier->nodes.nr + classifier->old.nr >= REACH_ROOT)
		return -E2BIG;
	classifier->found =
		calloc(classifier->nodes.nr + classifier->old.nr + 1, sizeof(*classifier->found));
	if (!classifier->found)
		return -ENOMEM;
	classifier->index = block_index__new(classifier->nodes.list, classifier->nodes.nr);
	return classifier->index ? 0 : -errno;
}

static int allocate_kinds(struct leak_result *result, size_t nr)
{
	size_t room = nr ? nr : 1;

	result->kinds = calloc(room, sizeof(*result->kinds));
	result->indirect_bytes = calloc(room, sizeof(*result->indirect_bytes));
	result->indirect_blocks = calloc(room, sizeof(*result->indirect_blocks));
	return result->kinds && result->indirect_bytes && result->indirect_blocks ? 0 : -ENOMEM;
}

static void take_figures(struct leak_result *result, const struct leak_scan *scan)
{
	*result = (struct leak_result){
		.limits = scan->limits,
		.scanned_bytes = scan->scanned_bytes,
		.has_arenas = scan->has_arenas,
		.unknown_bytes = scan->unknown_bytes,
		.unknown_chunks = scan->unknown_chunks,
		.free_bytes = scan->free_bytes,
	};
}

int leak_scan__classify(struct leak_scan *scan, const struct leak_block *blocks, size_t nr_blocks,
			unsigned int heuristics, struct leak_result *result)
{
	struct classifier classifier = { .scan = scan, .heuristics = heuristics };
	int err;

	*result = (struct leak_result){ 0 };
	if (scan->classified)
		return -EINVAL;
	scan->classified = true;
	take_figures(result, scan);
	err = prepare(&classifier, blocks, nr_blocks);
	if (!err)
		err = resolve_and_classify(&classifier, result);
	if (!err)
		err = allocate_kinds(result, nr_blocks);
	if (!err)
		fill_result(&classifier, result);
	if (classifier.has_reach)
		reach__free(&classifier.reach);
	block_index__free(classifier.index);
	leak_nodes__free(&classifier.nodes);
	old_chunks__free(&classifier.old);
	free(classifier.found);
	if (err)
		leak_result__free(result);
	return err;
}

void leak_result__free(struct leak_result *result)
{
	free(result->kinds);
	free(result->indirect_bytes);
	free(result->indirect_blocks);
	*result = (struct leak_result){ 0 };
}
