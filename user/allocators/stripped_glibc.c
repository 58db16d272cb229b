// SPDX-License-Identifier: GPL-2.0
/*
 * See stripped_glibc.h. First the read-only data are searched for a message that glibc's malloc
 * alone has: most programs end here. Then the code is searched for the reference to that message,
 * and the functions around it, which are those of glibc's malloc.c, are decoded. Their assertions
 * refer to the names of the functions that they are in; the other functions are known by messages
 * and by calls. The shapes below are those of the libc.a of Debian 11 (glibc 2.31), 12 (2.36),
 * 13 (2.41) and of glibc 2.43.
 */
#include "allocators/stripped_glibc.h"

#include <errno.h>
#include <string.h>

#include "allocators/call_graph.h"
#include "allocators/load_scan.h"

/* Much more than programs have, and some hundredths of a second at most. */
#define SEARCHED_BYTES_MAX (64ULL << 20)
#define PLACES_MAX 4
/* malloc.c has 25 to 30 KB of code, and the reference may be anywhere in it. */
#define AROUND_BYTES (32ULL << 10)
/* Compilers align functions, but not what they moved out of them. */
#define FUNCTION_ALIGNMENT 16

enum text {
	TEXT_TOP_SIZE, /* in _int_malloc */
	TEXT_TCACHE_CHUNK,
	TEXT_FREE_POINTER,
	TEXT_DOUBLE_FREE, /* in _int_free, later in a function that verifies it */
	TEXT_MUNMAP_POINTER, /* in munmap_chunk */
	TEXT_REALLOC_POINTER,
	TEXT_REALLOC_SIZE, /* in _int_realloc */
	TEXT_MALLOC,
	TEXT_MALLOC2,
	TEXT_CALLOC,
	TEXT_CALLOC2,
	TEXT_REALLOC,
	TEXT_MEMALIGN,
	NR_TEXTS,
};

static const char *const texts[NR_TEXTS] = {
	[TEXT_TOP_SIZE] = "malloc(): corrupted top size",
	[TEXT_TCACHE_CHUNK] = "malloc(): unaligned tcache chunk detected",
	[TEXT_FREE_POINTER] = "free(): invalid pointer",
	[TEXT_DOUBLE_FREE] = "free(): double free detected in tcache 2",
	[TEXT_MUNMAP_POINTER] = "munmap_chunk(): invalid pointer",
	[TEXT_REALLOC_POINTER] = "realloc(): invalid pointer",
	[TEXT_REALLOC_SIZE] = "realloc(): invalid old size",
	[TEXT_MALLOC] = "__libc_malloc",
	[TEXT_MALLOC2] = "__libc_malloc2",
	[TEXT_CALLOC] = "__libc_calloc",
	[TEXT_CALLOC2] = "__libc_calloc2",
	[TEXT_REALLOC] = "__libc_realloc",
	[TEXT_MEMALIGN] = "_mid_memalign",
};

#define BIT(text) (1U << TEXT_##text)
#define ANY_TEXT ((1U << NR_TEXTS) - 1)

/* One of the ways in which releases write a function. */
struct shape {
	enum allocator_function function;
	uint32_t has; /* refers to all these texts */
	uint32_t lacks; /* and to none of these */
	uint32_t reaches; /* branches to the one function that has each of these */
	uint32_t reached; /* and is branched to by the one that has each of these */
};

static const struct shape shapes[] = {
	{
		.function = FUNCTION_MALLOC,
		.has = BIT(MALLOC),
		.lacks = BIT(CALLOC) | BIT(MEMALIGN),
		.reaches = BIT(TOP_SIZE),
	},
	{
		/* 2.43 leaves all but the thread's cache to __libc_malloc2. */
		.function = FUNCTION_MALLOC,
		.has = BIT(TCACHE_CHUNK),
		.lacks = BIT(CALLOC) | BIT(MEMALIGN) | BIT(TOP_SIZE),
		.reaches = BIT(MALLOC2),
	},
	{
		.function = FUNCTION_REALLOC,
		.has = BIT(REALLOC) | BIT(REALLOC_POINTER),
		.lacks = BIT(MALLOC) | BIT(CALLOC) | BIT(REALLOC_SIZE),
	},
	{
		/* Up to 2.36 free leaves the checks to _int_free, whose other callers have texts. */
		.function = FUNCTION_FREE,
		.lacks = ANY_TEXT,
		.reaches = BIT(DOUBLE_FREE) | BIT(MUNMAP_POINTER),
	},
	{
		/* 2.41 */
		.function = FUNCTION_FREE,
		.has = BIT(FREE_POINTER),
		.lacks = ANY_TEXT & ~BIT(FREE_POINTER),
		.reaches = BIT(DOUBLE_FREE) | BIT(MUNMAP_POINTER),
	},
	{
		/* 2.43: the verification that finds no double free begins again. */
		.function = FUNCTION_FREE,
		.has = BIT(FREE_POINTER),
		.lacks = ANY_TEXT & ~BIT(FREE_POINTER),
		.reaches = BIT(DOUBLE_FREE),
		.reached = BIT(DOUBLE_FREE),
	},
	{
		.function = FUNCTION_CALLOC,
		.has = BIT(CALLOC),
		.lacks = BIT(MALLOC) | BIT(MEMALIGN),
		.reaches = BIT(TOP_SIZE),
	},
	{
		/* 2.43 */
		.function = FUNCTION_CALLOC,
		.has = BIT(TCACHE_CHUNK),
		.lacks = BIT(MALLOC) | BIT(MEMALIGN) | BIT(TOP_SIZE),
		.reaches = BIT(CALLOC2),
	},
	{
		.function = FUNCTION_MEMALIGN,
		.has = BIT(MEMALIGN),
		.lacks = BIT(MALLOC) | BIT(CALLOC),
	},
};

/* Different addresses, of a text or of references to it. */
struct places {
	uint64_t address[PLACES_MAX];
	size_t nr;
};

struct search {
	const struct elf_image *image;
	struct places messages; /* TEXT_TOP_SIZE: must be one */
	struct places references; /* to that */
	struct call_graph graph;
	const struct graph_function *having[NR_TEXTS]; /* NULL: none, or several */
	const struct graph_function *found[NR_ALLOCATOR_FUNCTIONS]; /* NULL: not found */
};

/* Parts of a file overlap, so an address can come twice. */
static int add_place(uint64_t address, void *context)
{
	struct places *places = context;

	for (size_t i = 0; i < places->nr; i++)
		if (places->address[i] == address)
			return 0;
	if (places->nr == PLACES_MAX)
		return -E2BIG;
	places->address[places->nr++] = address;
	return 0;
}

static int look_for_message(const struct load_part *part, void *context)
{
	struct search *search = context;
	const size_t nr_bytes = strlen(texts[TEXT_TOP_SIZE]) + 1;
	const uint8_t *at = part->bytes, *end = part->bytes + part->nr_bytes;
	int err = 0;

	while (!err && (at = memmem(at, (size_t)(end - at), texts[TEXT_TOP_SIZE], nr_bytes))) {
		err = add_place(part->address + (uint64_t)(at - part->bytes), &search->messages);
		at += nr_bytes;
	}
	return err;
}

static int look_for_references(const struct load_part *part, void *context)
{
	struct search *search = context;
	const struct code_bytes code = {
		.bytes = part->bytes,
		.nr_bytes = part->nr_bytes,
		.address = part->address,
		.fixed = elf_image__is_fixed(search->image),
	};

	return decoded_code__search(&code, search->messages.address[0], add_place,
				    &search->references);
}

/* The segment of code that has the address; NULL. */
static const Elf64_Phdr *code_segment(const struct elf_image *image, uint64_t address)
{
	const Elf64_Phdr *load;

	for (size_t i = 0; (load = elf_image__segment(image, PT_LOAD, i)); i++)
		if (load->p_flags & PF_X && address >= load->p_vaddr &&
		    address - load->p_vaddr < load->p_filesz)
			return load;
	return NULL;
}

static int build_graph(struct search *search)
{
	uint64_t place = search->references.address[0], before, after;
	const Elf64_Phdr *code = code_segment(search->image, place);

	if (!code)
		return -EBADMSG;
	before = place - code->p_vaddr;
	after = code->p_filesz - before;
	before = before < AROUND_BYTES ? before : AROUND_BYTES;
	after = after < AROUND_BYTES ? after : AROUND_BYTES;
	return call_graph__build(search->image, place - before, before + after, texts, NR_TEXTS,
				 &search->graph);
}

static void find_texts(struct search *search)
{
	const struct call_graph *graph = &search->graph;
	uint32_t seen = 0;

	for (size_t i = 0; i < graph->nr_functions; i++) {
		for (unsigned int text = 0; text < NR_TEXTS; text++) {
			if (!(graph->functions[i].texts & 1U << text))
				continue;
			search->having[text] = seen & 1U << text ? NULL : &graph->functions[i];
			seen |= 1U << text;
		}
	}
}

/* Whether all branches exist that the shape asks for, those to the candidate or those from it. */
static bool has_branches(const struct search *search, const struct graph_function *candidate,
			 uint32_t asked_for, bool to_candidate)
{
	for (unsigned int text = 0; text < NR_TEXTS; text++) {
		const struct graph_function *other;

		if (!(asked_for & 1U << text))
			continue;
		other = search->having[text];
		if (!other ||
		    !call_graph__branches_to(&search->graph, to_candidate ? other : candidate,
					     to_candidate ? candidate : other, false))
			return false;
	}
	return true;
}

static bool has_shape(const struct search *search, const struct graph_function *candidate,
		      enum allocator_function function)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];

		if (shape->function == function && (candidate->texts & shape->has) == shape->has &&
		    !(candidate->texts & shape->lacks) &&
		    has_branches(search, candidate, shape->reaches, false) &&
		    has_branches(search, candidate, shape->reached, true))
			return true;
	}
	return false;
}

static bool is_jumped_to(const struct call_graph *graph, const struct graph_function *function)
{
	for (size_t i = 0; i < graph->nr_branches; i++)
		if (!graph->branches[i].is_call &&
		    &graph->functions[graph->branches[i].function] == function)
			return true;
	return false;
}

/*
 * A compiler may have given a function that only its own file calls other arguments than the source
 * has. But if memalign jumps to it with its own arguments, then it has the same ones.
 */
static bool has_arguments_of_memalign(const struct call_graph *graph,
				      const struct graph_function *function)
{
	for (size_t i = 0; i < graph->nr_functions; i++) {
		const struct graph_function *from = &graph->functions[i];
		struct code_bytes code = call_graph__code(graph, from);

		if (call_graph__branches_to(graph, from, function, false) &&
		    decoded_code__passes_arguments_to(&code, function->range.address))
			return true;
	}
	return false;
}

/* Whatever else must be true: so a function's unlikely part, moved elsewhere, is not taken for it. */
static bool is_confirmed(const struct search *search, const struct graph_function *candidate,
			 enum allocator_function function)
{
	const struct call_graph *graph = &search->graph;

	if (candidate->unclear || candidate->has_inner_entry ||
	    candidate->range.address % FUNCTION_ALIGNMENT)
		return false;
	switch (function) {
	case FUNCTION_MALLOC: /* by realloc, too */
		return true;
	case FUNCTION_REALLOC:
		return call_graph__branches_to(graph, candidate, search->found[FUNCTION_MALLOC],
					       false);
	case FUNCTION_FREE:
		return call_graph__branches_to(graph, search->found[FUNCTION_REALLOC], candidate,
					       true);
	case FUNCTION_CALLOC:
		return candidate->multiplies && !is_jumped_to(graph, candidate);
	case FUNCTION_MEMALIGN:
		return search->having[TEXT_MEMALIGN] == candidate &&
		       call_graph__branches_to(graph, candidate, search->found[FUNCTION_MALLOC],
					       false) &&
		       has_arguments_of_memalign(graph, candidate);
	default:
		return false;
	}
}

static bool find_one(struct search *search, enum allocator_function function)
{
	const struct call_graph *graph = &search->graph;
	const struct graph_function *only = NULL;

	for (size_t i = 0; i < graph->nr_functions; i++) {
		const struct graph_function *candidate = &graph->functions[i];

		if (!has_shape(search, candidate, function) ||
		    !is_confirmed(search, candidate, function))
			continue;
		if (only)
			return false;
		only = candidate;
	}
	search->found[function] = only;
	return only;
}

/* Every reference to the message must be in one function, also those outside the graph. */
static bool is_the_only_glibc(const struct search *search)
{
	const struct graph_function *only = search->having[TEXT_TOP_SIZE];

	for (size_t i = 0; i < search->references.nr && only; i++)
		if (search->references.address[i] - only->range.address >= only->range.nr_bytes)
			only = NULL;
	return only;
}

static int add_function(const struct search *search, enum allocator_function function,
			struct stripped_glibc *found)
{
	const struct graph_function *one = search->found[function];
	struct stripped_function *added = &found->function[found->nr];
	int err;

	if (!one)
		return 0;
	err = elf_image__offset_of(search->image, one->range.address, true, &added->file_offset);
	if (err)
		return err;
	added->function = function;
	added->nr_bytes = one->range.nr_bytes;
	found->nr++;
	return 0;
}

/* In an order in which each one is confirmed by those before it. */
static int name_functions(struct search *search, struct stripped_glibc *found)
{
	static const enum allocator_function optional[] = { FUNCTION_CALLOC, FUNCTION_MEMALIGN };
	static const enum allocator_function required[] = { FUNCTION_MALLOC, FUNCTION_REALLOC,
							    FUNCTION_FREE };
	int err = 0;

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!find_one(search, required[i]))
			return 0;
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		find_one(search, optional[i]);
	for (unsigned int function = 0; function < NR_ALLOCATOR_FUNCTIONS && !err; function++)
		err = add_function(search, function, found);
	return err;
}

static int find(struct search *search, struct stripped_glibc *found)
{
	int err = load_scan__each(search->image, LOAD_READ_ONLY, SEARCHED_BYTES_MAX,
				  look_for_message, search);

	/* Linkers can be told to put read-only data and code into one segment. */
	if (!err && !search->messages.nr)
		err = load_scan__each(search->image, LOAD_CODE, SEARCHED_BYTES_MAX,
				      look_for_message, search);
	if (err || search->messages.nr != 1)
		return err;
	err = load_scan__each(search->image, LOAD_CODE, SEARCHED_BYTES_MAX, look_for_references,
			      search);
	if (err || !search->references.nr)
		return err;
	err = build_graph(search);
	if (err)
		return err;
	find_texts(search);
	if (is_the_only_glibc(search))
		err = name_functions(search, found);
	return err;
}

int stripped_glibc__find(const struct elf_image *image, struct stripped_glibc *found)
{
	struct search search = { .image = image };
	int err;

	found->nr = 0;
	err = find(&search, found);
	call_graph__free(&search.graph);
	if (err)
		found->nr = 0;
	return err == -EBADMSG || err == -ENOENT || err == -E2BIG ? 0 : err;
}
