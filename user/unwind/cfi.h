/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Call frame information as .eh_frame has it (Linux Standard Base, Core, "Exception Frames";
 * DWARF 5, section 6.4), compiled into rules that a BPF program can follow. The bytes are hostile
 * input: time and memory grow with their number and no faster.
 */
#ifndef CFI_H
#define CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire_unwind.h"

#define CFI_SECTION_BYTES_MAX (128u << 20) /* libLLVM, of 100 MiB, has 5 */

struct cfi;

struct cfi_section {
	const void *bytes;
	size_t nr_bytes;
	uint64_t address; /* where the program finds them */
	uint64_t text_base; /* for the encodings of that name; 0: not known */
	uint64_t data_base;
	bool ends_at_terminator; /* what comes behind a record of length 0 is something else */
};

/* Code that has call frame information: begin <= address < end. */
struct cfi_function {
	uint64_t begin;
	uint64_t end;
	uint32_t program; /* where its instructions are in the section */
	uint32_t program_bytes;
	uint32_t entry; /* which of the CIEs is its own */
};

/* From that address on, this is the rule. What it returns, if not 0, ends the interpretation. */
typedef int (*cfi_emit)(uint64_t address, const struct unwind_rule *rule, void *context);

/*
 * Lists the functions. The section's bytes stay the caller's and must outlive the result. Damaged
 * records are left out; the walk ends where the length of one is. Returns 0, -E2BIG or -ENOMEM.
 */
int cfi__read(const struct cfi_section *section, struct cfi **cfi);
void cfi__free(struct cfi *cfi);

/* Sorted, none empty, none reaching into the next: where two overlap, the later begins anew. */
const struct cfi_function *cfi__functions(const struct cfi *cfi, size_t *nr);

/* Records that are damaged, or of a kind that can't be read without the running program. */
size_t cfi__nr_refused(const struct cfi *cfi);

/*
 * Emits the function's rules in ascending order of their addresses, the first one at its begin and
 * each different from the one before. Where the instructions are damaged, what follows is
 * UNWIND_CFA_BAD. Returns 0, or what emit returned.
 */
int cfi__interpret(const struct cfi *cfi, const struct cfi_function *function, cfi_emit emit,
		   void *context);

#endif
