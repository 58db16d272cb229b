/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of a stretch of a program's code: which of them call or jump to which others, and
 * which of some known texts each refers to. Needs no symbols, only .eh_frame.
 */
#ifndef CALL_GRAPH_H
#define CALL_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/decoded_code.h"
#include "elf/function_scan.h"
#include "elf/elf_image.h"

#define CALL_GRAPH_TEXTS_MAX 32
#define CALL_GRAPH_TEXT_BYTES 48 /* the longest text and its NUL */

/* A branch to another function's first byte. */
struct graph_branch {
	uint32_t function; /* the index of the other one */
	bool is_call;
};

struct graph_function {
	struct function_range range;
	uint32_t texts; /* a bit for each text, in their order */
	bool multiplies;
	bool unclear; /* some of it can't be decoded, and what it refers to is not all known */
	bool has_inner_entry; /* another function jumps behind its first byte */
	size_t first_branch;
	size_t nr_branches;
};

struct call_graph {
	struct graph_function *functions; /* sorted by address */
	size_t nr_functions;
	struct graph_branch *branches;
	size_t nr_branches;
	struct code_bytes code; /* of the stretch */
	uint8_t *bytes; /* those of the code, owned */
};

/*
 * Builds the graph of the functions that lie in the nr_bytes of code at the address. A text counts
 * when it is at the address that the code refers to, up to its NUL. At most 32 texts of 47
 * characters. The caller frees the graph, also after an error. Returns 0; -ENOENT without
 * .eh_frame; -EBADMSG when the file is damaged; -E2BIG when there are too many functions or
 * branches; -ENOMEM, -errno.
 */
int call_graph__build(const struct elf_image *image, uint64_t address, size_t nr_bytes,
		      const char *const *texts, size_t nr_texts, struct call_graph *graph);
void call_graph__free(struct call_graph *graph);

/* Does the function call or jump to the other one? */
bool call_graph__branches_to(const struct call_graph *graph, const struct graph_function *from,
			     const struct graph_function *to, bool by_call_only);

/* The function's bytes. */
struct code_bytes call_graph__code(const struct call_graph *graph,
				   const struct graph_function *function);

#endif
