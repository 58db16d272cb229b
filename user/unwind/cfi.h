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

#define CFI_SECTION_BYTES_MAX (128u << 20) /* libLLVM, a file of 100 MiB, has 5 MiB */

struct cfi;

struct cfi_section {
	const void *bytes;
	size_t nr_bytes;
	uint64_t address; /* of the bytes in the program's memory */
	uint64_t data_base; /* for DW_EH_PE_datarel; 0: not known */
	bool ends_at_terminator; /* the bytes after a record of length 0 are no records */
};

/* Code that has call frame information: begin <= address < end. */
struct cfi_function {
	uint64_t begin;
	uint64_t end;
	uint32_t program; /* where its instructions are in the section */
	uint32_t program_bytes;
	uint32_t entry; /* index of its CIE */
};

/* The rule holds from that address on. A result other than 0 ends the interpretation. */
typedef int (*cfi_emit)(uint64_t address, const struct unwind_rule *rule, void *context);

/*
 * Lists the functions. The section's bytes stay the caller's and must outlive the result. Damaged
 * records are left out; a damaged length ends the list. Returns 0, -E2BIG or -ENOMEM.
 */
int cfi__read(const struct cfi_section *section, struct cfi **cfi);
void cfi__free(struct cfi *cfi);

/* Sorted, and none is empty. Where two overlap, the earlier one ends where the later one begins. */
const struct cfi_function *cfi__functions(const struct cfi *cfi, size_t *nr);

/* How many records are damaged, or can't be read without the running program. */
size_t cfi__nr_refused(const struct cfi *cfi);

/*
 * Emits the function's rules in ascending order of their addresses, the first one at its begin and
 * each different from the one before. From damaged instructions on, the rule is UNWIND_CFA_BAD.
 * Returns 0, or the result of emit.
 */
int cfi__interpret(const struct cfi *cfi, const struct cfi_function *function, cfi_emit emit,
		   void *context);

#endif
