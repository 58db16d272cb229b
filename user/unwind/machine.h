/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The questions about a machine that unwinding asks: its registers' numbers, how its calls lay out
 * a frame, and how its linkers write stubs. machine_x86_64.c answers them; another machine has a
 * file of its own, and a tracer is built with one. Code and expressions come from ELF files:
 * hostile input.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire_unwind.h"

struct machine {
	uint16_t elf_number; /* EM_…: e_machine of its files */
	uint32_t unwind_section; /* SHT_…: .eh_frame may have this type instead of SHT_PROGBITS */
	int64_t return_address_offset; /* from the CFA, where a call has saved it */
};

extern const struct machine machine;

/*
 * The registers that a walk follows. For aarch64 their DWARF numbers are 29, 31 and 30; its return
 * address can stay in a register, for which cfi_rule.c would need a rule.
 */
enum machine_register {
	MACHINE_OTHER_REGISTER,
	MACHINE_FRAME_POINTER,
	MACHINE_STACK_POINTER,
	MACHINE_RETURN_ADDRESS,
};

enum machine_register machine__register(uint64_t dwarf_number);

#define MACHINE_ENTRY_CODE_BYTES 8

/*
 * Does the code at an entry pass on the stack pointer or clear the frame pointer, as the first code
 * of a process must?
 */
bool machine__begins_process(const unsigned char code[MACHINE_ENTRY_CODE_BYTES]);

/*
 * Does a section of that name hold stubs, which call functions of other files? *lazy: a stub's
 * first call goes through the dynamic linker.
 */
bool machine__holds_stubs(const char *section, bool *lazy);

#define MACHINE_STUBS_CODE_BYTES 32 /* of the first two stubs */
#define MACHINE_STUB_RULES_MAX 3

/* The rule holds from that offset in a section of stubs on. */
struct machine_stub_rule {
	uint64_t offset;
	struct unwind_rule rule;
};

/*
 * Makes the rules for a section of stubs that begins with that code: all 0 when it can't be read.
 * Returns their number. The first rule is at offset 0; all lie within nr_bytes, the section's, and
 * ascend.
 */
size_t machine__stub_rules(const unsigned char code[MACHINE_STUBS_CODE_BYTES], uint64_t nr_bytes,
			   bool lazy, struct machine_stub_rule rules[MACHINE_STUB_RULES_MAX]);

/* Is it the expression that linkers write for the CFA of stubs? *n is the N of UNWIND_CFA_PLT. */
bool machine__is_stub_expression(const uint8_t *bytes, size_t nr_bytes, int64_t *n);

#endif
