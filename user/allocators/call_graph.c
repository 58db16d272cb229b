// SPDX-License-Identifier: GPL-2.0
/* See call_graph.h. Built by stripped_glibc.c around the code of glibc's malloc. */
#include "allocators/call_graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

/* glibc has 200 functions in a stretch of 64 KB. */
#define FUNCTIONS_MAX 4096
#define BRANCHES_MAX (64 << 10)

/* The function whose code is being decoded. */
struct builder {
	const struct elf_image *image;
	const char *const *texts;
	size_t nr_texts;
	struct call_graph *graph;
	size_t capacity; /* of the graph's branches */
	struct graph_function *function;
};

/* The function that has the address among its bytes; NULL. */
static struct graph_function *function_at(const struct call_graph *graph, uint64_t address)
{
	size_t nr = search__nr_before(graph->nr_functions, at,
				      graph->functions[at].range.address <= address);
	struct graph_function *last = nr ? &graph->functions[nr - 1] : NULL;

	return last && address - last->range.address < last->range.nr_bytes ? last : NULL;
}

static int add_branch(struct builder *builder, uint64_t address, bool is_call)
{
	struct call_graph *graph = builder->graph;
	struct graph_function *to = function_at(graph, address);
	int err;

	if (!to || to == builder->function)
		return 0;
	if (to->range.address != address) {
		to->has_inner_entry = true;
		return 0;
	}
	if (graph->nr_branches == BRANCHES_MAX)
		return -E2BIG;
	err = array__reserve(&graph->branches, &builder->capacity, graph->nr_branches + 1);
	if (err)
		return err;
	graph->branches[graph->nr_branches++] = (struct graph_branch){
		.function = (uint32_t)(to - graph->functions),
		.is_call = is_call,
	};
	builder->function->nr_branches++;
	return 0;
}

/* What can't be read is no text. */
static void note_text(struct builder *builder, uint64_t address)
{
	char text[CALL_GRAPH_TEXT_BYTES];
	uint64_t offset;

	if (elf_image__offset_of(builder->image, address, false, &offset) ||
	    elf_image__read(builder->image, offset, text, sizeof(text)))
		return;
	for (size_t i = 0; i < builder->nr_texts; i++)
		if (!strncmp(text, builder->texts[i], sizeof(text)))
			builder->function->texts |= 1U << i;
}

static int note_fact(enum code_fact fact, uint64_t address, void *context)
{
	struct builder *builder = context;

	switch (fact) {
	case CODE_CALLS:
	case CODE_JUMPS:
		return add_branch(builder, address, fact == CODE_CALLS);
	case CODE_REFERS:
		note_text(builder, address);
		return 0;
	case CODE_MULTIPLIES:
		builder->function->multiplies = true;
		return 0;
	}
	return 0;
}

static int read_code(const struct elf_image *image, uint64_t address, size_t nr_bytes,
		     struct call_graph *graph)
{
	uint64_t offset;
	int err = elf_image__offset_of(image, address, true, &offset);

	if (err)
		return err;
	graph->bytes = malloc(nr_bytes);
	if (!graph->bytes)
		return -ENOMEM;
	graph->code = (struct code_bytes){
		.bytes = graph->bytes,
		.nr_bytes = nr_bytes,
		.address = address,
		.fixed = elf_image__is_fixed(image),
	};
	return elf_image__read(image, offset, graph->bytes, nr_bytes);
}

static int find_functions(const struct elf_image *image, struct call_graph *graph)
{
	uint64_t end = graph->code.address + graph->code.nr_bytes;
	struct function_range *ranges = calloc(FUNCTIONS_MAX, sizeof(*ranges));
	size_t nr = 0;
	int err = ranges ? function_scan__between(image, graph->code.address, end, ranges,
						  FUNCTIONS_MAX, &nr) :
			   -ENOMEM;

	if (!err && nr == FUNCTIONS_MAX)
		err = -E2BIG;
	if (!err && nr && end - ranges[nr - 1].address < ranges[nr - 1].nr_bytes)
		nr--; /* the last one does not end in the stretch */
	if (!err) {
		graph->functions = calloc(nr + 1, sizeof(*graph->functions));
		err = graph->functions ? 0 : -ENOMEM;
	}
	if (!err) {
		graph->nr_functions = nr;
		for (size_t i = 0; i < nr; i++)
			graph->functions[i].range = ranges[i];
	}
	free(ranges);
	return err;
}

static int decode_functions(struct builder *builder)
{
	struct call_graph *graph = builder->graph;
	int err = 0;

	for (size_t i = 0; i < graph->nr_functions && !err; i++) {
		struct code_bytes code = call_graph__code(graph, &graph->functions[i]);

		builder->function = &graph->functions[i];
		builder->function->first_branch = graph->nr_branches;
		err = decoded_code__each(&code, note_fact, builder);
		builder->function->unclear = err == -EILSEQ;
		err = err == -EILSEQ ? 0 : err;
	}
	return err;
}

int call_graph__build(const struct elf_image *image, uint64_t address, size_t nr_bytes,
		      const char *const *texts, size_t nr_texts, struct call_graph *graph)
{
	struct builder builder = {
		.image = image,
		.texts = texts,
		.nr_texts = nr_texts < CALL_GRAPH_TEXTS_MAX ? nr_texts : CALL_GRAPH_TEXTS_MAX,
		.graph = graph,
	};
	int err;

	memset(graph, 0, sizeof(*graph));
	err = read_code(image, address, nr_bytes, graph);
	if (!err)
		err = find_functions(image, graph);
	if (!err)
		err = decode_functions(&builder);
	return err;
}

void call_graph__free(struct call_graph *graph)
{
	free(graph->functions);
	free(graph->branches);
	free(graph->bytes);
}

bool call_graph__branches_to(const struct call_graph *graph, const struct graph_function *from,
			     const struct graph_function *to, bool by_call_only)
{
	for (size_t i = 0; i < from->nr_branches; i++) {
		const struct graph_branch *branch = &graph->branches[from->first_branch + i];

		if (&graph->functions[branch->function] == to && (branch->is_call || !by_call_only))
			return true;
	}
	return false;
}

struct code_bytes call_graph__code(const struct call_graph *graph,
				   const struct graph_function *function)
{
	struct code_bytes code = graph->code;

	code.bytes += function->range.address - code.address;
	code.address = function->range.address;
	code.nr_bytes = function->range.nr_bytes;
	return code;
}
