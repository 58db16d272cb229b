// SPDX-License-Identifier: GPL-2.0
/*
 * reach.h: small graphs by hand, random ones against a slow and plain account of Valgrind's rules,
 * and long ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "leaks/reach.h"

#define ROOT REACH_ROOT
#define MAX_BLOCKS 41
#define MAX_EDGES 160
#define NR_GRAPHS 40000

static uint64_t random_state = 88172645463325252ull;

/* xorshift64: the same numbers in every run. */
static uint32_t below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % limit);
}

struct graph {
	uint32_t nr_blocks;
	size_t nr_edges;
	struct reach_edge edges[MAX_EDGES];
};

struct account {
	enum leak_kind kinds[MAX_BLOCKS];
	uint32_t leaders[MAX_BLOCKS];
};

/* Until nothing changes: all that exact pointers lead to from roots, or all that any lead to. */
static void mark_from_roots(const struct graph *graph, struct account *account, bool exact)
{
	bool marked[MAX_BLOCKS] = { false }, changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < graph->nr_edges; i++) {
			const struct reach_edge *edge = &graph->edges[i];

			if (edge->from != ROOT && !marked[edge->from])
				continue;
			if (marked[edge->to] || (exact && !edge->exact))
				continue;
			marked[edge->to] = changed = true;
		}
	}
	for (uint32_t i = 0; i < graph->nr_blocks; i++)
		if (marked[i])
			account->kinds[i] = exact ? LEAK_REACHABLE : LEAK_POSSIBLE;
}

/* A block joins; all that it led before come with it. */
static void join(const struct graph *graph, struct account *account, uint32_t block,
		 uint32_t leader)
{
	for (uint32_t i = 0; i < graph->nr_blocks; i++)
		if (account->kinds[i] == LEAK_INDIRECT && account->leaders[i] == block)
			account->leaders[i] = leader;
	account->kinds[block] = LEAK_INDIRECT;
	account->leaders[block] = leader;
}

/* Only who joins now is looked at, until nobody does. */
static void gather_clique(const struct graph *graph, struct account *account, uint32_t leader)
{
	bool joined[MAX_BLOCKS] = { false }, changed = true;

	joined[leader] = true;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < graph->nr_edges; i++) {
			uint32_t from = graph->edges[i].from, to = graph->edges[i].to;

			if (from == ROOT || !joined[from] || to == leader ||
			    account->kinds[to] != LEAK_DEFINITE)
				continue;
			join(graph, account, to, leader);
			joined[to] = changed = true;
		}
	}
}

static struct account give_account(const struct graph *graph)
{
	struct account account;

	for (uint32_t i = 0; i < graph->nr_blocks; i++)
		account.kinds[i] = LEAK_DEFINITE;
	mark_from_roots(graph, &account, false);
	mark_from_roots(graph, &account, true);
	for (uint32_t i = 0; i < graph->nr_blocks; i++)
		if (account.kinds[i] == LEAK_DEFINITE)
			gather_clique(graph, &account, i);
	return account;
}

/* Classifies edges that a test keeps as they are. */
static struct reach_result classify(uint32_t nr_blocks, const struct reach_edge *edges,
				    size_t nr_edges)
{
	struct reach_edge *copy = malloc((nr_edges + 1) * sizeof(*copy));
	struct reach_result result;

	assert_non_null(copy);
	if (nr_edges)
		memcpy(copy, edges, nr_edges * sizeof(*copy));
	assert_int_equal(reach__classify(&result, nr_blocks, copy, nr_edges), 0);
	free(copy);
	return result;
}

static void check_graph(const struct graph *graph)
{
	struct account account = give_account(graph);
	struct reach_result result = classify(graph->nr_blocks, graph->edges, graph->nr_edges);

	for (uint32_t i = 0; i < graph->nr_blocks; i++) {
		assert_int_equal(result.kinds[i], account.kinds[i]);
		if (account.kinds[i] != LEAK_INDIRECT)
			continue;
		assert_int_equal(result.leaders[i], account.leaders[i]);
		assert_int_equal(result.kinds[result.leaders[i]], LEAK_DEFINITE);
	}
	reach__free(&result);
}

/* From graphs almost without pointers to such where all hangs together. Some come twice. */
static void test_random_graphs(void **state)
{
	static struct graph graph;

	(void)state;
	for (int round = 0; round < NR_GRAPHS; round++) {
		uint32_t root_part = 2 + below(40), exact_part = 1 + below(6);

		graph.nr_blocks = 1 + below(MAX_BLOCKS - 1);
		graph.nr_edges = below(1 + below(4 * graph.nr_blocks));
		for (size_t i = 0; i < graph.nr_edges; i++) {
			struct reach_edge *edge = &graph.edges[i];

			if (i > 0 && below(10) == 0) {
				*edge = graph.edges[below((uint32_t)i)];
				continue;
			}
			edge->from = below(root_part) ? below(graph.nr_blocks) : ROOT;
			edge->to = below(graph.nr_blocks);
			edge->exact = below(exact_part) == 0;
		}
		check_graph(&graph);
	}
}

/* R: reachable, P: possible, D: definite; a digit: indirect, with that leader. */
static void check_kinds(const char *expected, const struct reach_edge *edges, size_t nr_edges)
{
	uint32_t nr = (uint32_t)strlen(expected);
	struct reach_result result = classify(nr, edges, nr_edges);
	char found[16] = "";

	for (uint32_t i = 0; i < nr; i++) {
		found[i] = "?D.PR"[result.kinds[i]];
		if (result.kinds[i] == LEAK_INDIRECT)
			found[i] = (char)('0' + result.leaders[i]);
	}
	assert_string_equal(found, expected);
	reach__free(&result);
}

#define CHECK(expected, ...)                                              \
	check_kinds(expected, (const struct reach_edge[]){ __VA_ARGS__ }, \
		    sizeof((const struct reach_edge[]){ __VA_ARGS__ }) /  \
			    sizeof(struct reach_edge))

static void test_nothing(void **state)
{
	struct reach_result result = classify(0, NULL, 0);

	(void)state;
	reach__free(&result);
	reach__free(&result);
	check_kinds("D", NULL, 0);
	check_kinds("DDD", NULL, 0);
}

static void test_from_roots(void **state)
{
	(void)state;
	CHECK("R", { ROOT, 0, true, 0 });
	CHECK("P", { ROOT, 0, false, 0 });
	CHECK("R", { ROOT, 0, false, 0 }, { ROOT, 0, true, 0 });
	/* A chain is as good as its weakest pointer. */
	CHECK("RRR", { ROOT, 0, true, 0 }, { 0, 1, true, 0 }, { 1, 2, true, 0 });
	CHECK("RPP", { ROOT, 0, true, 0 }, { 0, 1, false, 0 }, { 1, 2, true, 0 });
	CHECK("PPP", { ROOT, 0, false, 0 }, { 0, 1, true, 0 }, { 1, 2, true, 0 });
	/* Possible at first; a later pointer makes it and what follows reachable. */
	CHECK("PRRR", { ROOT, 0, false, 0 }, { 0, 1, true, 0 }, { 1, 2, true, 0 },
	      { ROOT, 3, true, 0 }, { 3, 1, true, 0 });
	/* Pointers to itself, or of lost blocks, make a block no more reachable. */
	CHECK("PD", { ROOT, 0, false, 0 }, { 0, 0, true, 0 }, { 1, 0, true, 0 });
}

static void test_cycles(void **state)
{
	(void)state;
	CHECK("D", { 0, 0, true, 0 });
	CHECK("D0", { 0, 1, true, 0 }, { 1, 0, true, 0 });
	CHECK("D00", { 0, 1, true, 0 }, { 1, 2, true, 0 }, { 2, 0, true, 0 });
	CHECK("D00", { 2, 1, true, 0 }, { 1, 0, false, 0 }, { 0, 2, false, 0 });
	CHECK("RRR", { 0, 1, true, 0 }, { 1, 2, true, 0 }, { 2, 0, true, 0 }, { ROOT, 1, true, 0 });
}

static void test_cliques(void **state)
{
	(void)state;
	CHECK("D00", { 0, 1, true, 0 }, { 1, 2, false, 0 });
	/* The first leads 1; then 2 leads both. */
	CHECK("22D", { 0, 1, true, 0 }, { 2, 0, true, 0 });
	/* Twice: what counted for a former leader counts for the last one. */
	CHECK("4444D4", { 0, 1, true, 0 }, { 2, 3, true, 0 }, { 2, 0, true, 0 }, { 4, 2, true, 0 },
	      { 4, 5, true, 0 }, { 5, 4, true, 0 });
	/* A block stays with the first leader that finds it. */
	CHECK("D0D", { 0, 1, true, 0 }, { 2, 1, true, 0 });
	/* So it doesn't tell the second about the first, to which it points. */
	CHECK("D0D", { 0, 1, true, 0 }, { 1, 0, true, 0 }, { 2, 1, true, 0 });
	/* What others reach is not lost with a leader. */
	CHECK("DRP0", { 0, 1, true, 0 }, { 0, 2, true, 0 }, { 0, 3, true, 0 }, { ROOT, 1, true, 0 },
	      { 1, 2, false, 0 });
}

/* Numbers beyond the blocks are no way out of the arrays. */
static void test_numbers_of_no_block(void **state)
{
	(void)state;
	CHECK("DRD", { 0, 3, true, 0 }, { ROOT, ROOT, true, 0 }, { 3, 1, true, 0 },
	      { 2, UINT32_MAX, true, 0 });
	check_kinds("", (const struct reach_edge[]){ { 0, 0, true, 0 } }, 1);
}

#define LONG_NR 1000000u

/* A list through all blocks, upwards or downwards, whose first block has a root or not. */
static struct reach_result classify_list(bool downwards, bool rooted)
{
	struct reach_edge *edges = malloc(LONG_NR * sizeof(*edges));
	struct reach_result result;
	uint32_t first = downwards ? LONG_NR - 1 : 0;

	assert_non_null(edges);
	for (uint32_t i = 0; i + 1 < LONG_NR; i++)
		edges[i] = downwards ? (struct reach_edge){ i + 1, i, true, 0 } :
				       (struct reach_edge){ i, i + 1, true, 0 };
	edges[LONG_NR - 1] = (struct reach_edge){ rooted ? ROOT : first, first, true, 0 };
	assert_int_equal(reach__classify(&result, LONG_NR, edges, LONG_NR), 0);
	free(edges);
	return result;
}

static void test_long_lists(void **state)
{
	(void)state;
	for (int downwards = 0; downwards <= 1; downwards++) {
		struct reach_result rooted = classify_list(downwards, true);
		struct reach_result lost = classify_list(downwards, false);
		uint32_t first = downwards ? LONG_NR - 1 : 0;

		for (uint32_t i = 0; i < LONG_NR; i++) {
			assert_true(rooted.kinds[i] == LEAK_REACHABLE);
			assert_true(lost.kinds[i] == (i == first ? LEAK_DEFINITE : LEAK_INDIRECT));
			assert_true(i == first || lost.leaders[i] == first);
		}
		reach__free(&rooted);
		reach__free(&lost);
	}
}

/* All pointers of one block, to all others, which point back to it. */
static void test_wide_tree(void **state)
{
	struct reach_edge *edges = malloc(2 * LONG_NR * sizeof(*edges));
	const uint32_t middle = LONG_NR / 2;
	struct reach_result result;

	(void)state;
	assert_non_null(edges);
	for (uint32_t i = 0; i < LONG_NR; i++) {
		edges[2 * i] = (struct reach_edge){ middle, i, false, 0 };
		edges[2 * i + 1] = (struct reach_edge){ i, middle, true, 0 };
	}
	assert_int_equal(reach__classify(&result, LONG_NR, edges, 2 * LONG_NR), 0);
	assert_int_equal(result.kinds[0], LEAK_DEFINITE);
	for (uint32_t i = 1; i < LONG_NR; i++)
		assert_true(result.kinds[i] == LEAK_INDIRECT && result.leaders[i] == 0);
	reach__free(&result);
	free(edges);
}

static void test_no_memory(void **state)
{
	struct reach_edge edges[] = { { 1, 0, true, 0 }, { ROOT, 1, true, 0 } };
	struct reach_result result;
	long nr_allocations = 0;
	int err = -ENOMEM;

	(void)state;
	for (; err; nr_allocations++) {
		failing_alloc__after(nr_allocations);
		err = reach__classify(&result, 2, edges, 2);
		failing_alloc__never();
		if (err)
			assert_int_equal(err, -ENOMEM);
	}
	assert_true(nr_allocations > 1);
	assert_int_equal(result.kinds[0], LEAK_REACHABLE);
	assert_int_equal(result.kinds[1], LEAK_REACHABLE);
	reach__free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	      cmocka_unit_test(test_from_roots),
		cmocka_unit_test(test_cycles),	      cmocka_unit_test(test_cliques),
		cmocka_unit_test(test_random_graphs), cmocka_unit_test(test_numbers_of_no_block),
		cmocka_unit_test(test_long_lists),    cmocka_unit_test(test_wide_tree),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
