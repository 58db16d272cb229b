// SPDX-License-Identifier: GPL-2.0
/*
 * The functions are listed from .eh_frame_hdr, whose table the linker made, and the rules come from
 * libdw. Only the row search is ours.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cfi_against_libdw.h"
#include "unwind/unwind_rows.h"

#define RBP 6
#define RSP 7
#define RIP 16
#define NR_REGISTERS 17
#define PRINTED_MAX 5
#define PADDING_BYTES 16

struct machine {
	uint64_t registers[NR_REGISTERS];
};

/* Where a frame leads to. */
struct caller {
	bool end;
	bool known; /* otherwise the rest is not */
	uint64_t rsp;
	uint64_t rip_at;
	bool rbp_known;
	uint64_t rbp;
};

struct comparing {
	struct cfi_comparison *counts;
	const char *path;
	Elf *elf;
	Dwarf_CFI *cfi;
	struct unwind_rows rows;
	uint64_t *begins;
	size_t nr_begins;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* An arbitrary number for each word of memory. */
static uint64_t load(uint64_t address)
{
	address = (address ^ (address >> 31)) * 0x9e3779b97f4a7c15;
	return address ^ (address >> 29);
}

/* The number that an operation carries, or computes from the two on the stack. */
static bool calculate(const Dwarf_Op *op, uint64_t left, uint64_t right, uint64_t *result)
{
	switch (op->atom) {
	case DW_OP_plus:
		*result = left + right;
		return true;
	case DW_OP_minus:
		*result = left - right;
		return true;
	case DW_OP_and:
		*result = left & right;
		return true;
	case DW_OP_mul:
		*result = left * right;
		return true;
	case DW_OP_shl:
		*result = right < 64 ? left << right : 0;
		return true;
	case DW_OP_ge:
		*result = (int64_t)left >= (int64_t)right;
		return true;
	default:
		return false;
	}
}

static bool leaf(const Dwarf_Op *op, const struct machine *machine, uint64_t cfa, uint64_t *result)
{
	switch (op->atom) {
	case DW_OP_lit0 ... DW_OP_lit31:
		*result = op->atom - DW_OP_lit0;
		return true;
	case DW_OP_const1u ... DW_OP_consts:
		*result = op->number;
		return true;
	case DW_OP_breg0 ... DW_OP_breg16:
		*result = machine->registers[op->atom - DW_OP_breg0] + op->number;
		return true;
	case DW_OP_bregx:
		if (op->number >= NR_REGISTERS)
			return false;
		*result = machine->registers[op->number] + op->number2;
		return true;
	case DW_OP_call_frame_cfa:
		*result = cfa;
		return true;
	default:
		return false;
	}
}

/* Runs libdw's operations. *is_value: the result is the value itself, not its address. */
static bool evaluate(const Dwarf_Op *ops, size_t nr, const struct machine *machine, uint64_t cfa,
		     uint64_t *result, bool *is_value)
{
	uint64_t stack[64];
	size_t depth = 0;

	*is_value = false;
	for (size_t i = 0; i < nr; i++) {
		if (depth < 60 && leaf(&ops[i], machine, cfa, &stack[depth])) {
			depth++;
		} else if (ops[i].atom == DW_OP_plus_uconst && depth) {
			stack[depth - 1] += ops[i].number;
		} else if (ops[i].atom == DW_OP_deref && depth) {
			stack[depth - 1] = load(stack[depth - 1]);
		} else if (ops[i].atom == DW_OP_stack_value && depth) {
			*is_value = true;
		} else if (depth >= 2 && calculate(&ops[i], stack[depth - 2], stack[depth - 1],
						   &stack[depth - 2])) {
			depth--;
		} else {
			return false;
		}
	}
	*result = depth ? stack[depth - 1] : 0;
	return depth;
}

static void libdw_rbp(Dwarf_Frame *frame, const struct machine *machine, uint64_t cfa,
		      struct caller *caller)
{
	Dwarf_Op memory[3], *ops;
	bool is_value;
	size_t nr;

	if (dwarf_frame_register(frame, RBP, memory, &ops, &nr))
		return;
	caller->rbp_known = nr || !ops;
	if (!nr)
		caller->rbp = machine->registers[RBP];
	else if (nr == 1 && ops[0].atom == DW_OP_regx && ops[0].number < NR_REGISTERS)
		caller->rbp = machine->registers[ops[0].number];
	else if (!evaluate(ops, nr, machine, cfa, &caller->rbp, &is_value))
		caller->rbp_known = false;
	else if (!is_value)
		caller->rbp = load(caller->rbp);
}

static struct caller follow_libdw(Dwarf_Frame *frame, const struct machine *machine)
{
	struct caller caller = { 0 };
	Dwarf_Op memory[3], *ops;
	bool is_value;
	size_t nr;

	if (dwarf_frame_register(frame, RIP, memory, &ops, &nr))
		return caller;
	if (!nr && ops) {
		caller.end = caller.known = true;
		return caller;
	}
	if (!nr)
		return caller;
	/* The place depends on the cfa, so the cfa comes first. */
	{
		Dwarf_Op *cfa_ops;
		size_t nr_cfa;

		if (dwarf_frame_cfa(frame, &cfa_ops, &nr_cfa) ||
		    !evaluate(cfa_ops, nr_cfa, machine, 0, &caller.rsp, &is_value))
			return caller;
	}
	caller.known = evaluate(ops, nr, machine, caller.rsp, &caller.rip_at, &is_value) &&
		       !is_value;
	libdw_rbp(frame, machine, caller.rsp, &caller);
	return caller;
}

static uint64_t rule_cfa(const struct unwind_rule *rule, const struct machine *machine)
{
	uint64_t rsp = machine->registers[RSP], rbp = machine->registers[RBP];

	switch (rule->cfa) {
	case UNWIND_CFA_RSP:
		return rsp + (uint64_t)rule->cfa_offset;
	case UNWIND_CFA_RBP:
		return rbp + (uint64_t)rule->cfa_offset;
	case UNWIND_CFA_PLT:
		return rsp + 8 +
		       (((machine->registers[RIP] & 15) >= (uint64_t)rule->cfa_offset) << 3);
	case UNWIND_CFA_RBP_DEREF:
		return load(rbp + (uint64_t)rule->deref_offset) + (uint64_t)rule->cfa_offset;
	case UNWIND_CFA_RSP_DEREF:
		return load(rsp + (uint64_t)rule->deref_offset) + (uint64_t)rule->cfa_offset;
	default:
		return load(rsp + (uint64_t)rule->cfa_offset);
	}
}

static struct caller follow_rule(const struct unwind_rule *rule, const struct machine *machine)
{
	uint64_t rsp = machine->registers[RSP], rbp = machine->registers[RBP];
	struct caller caller = { .known = true, .rbp_known = true, .rbp = rbp };

	if (rule->cfa == UNWIND_CFA_FRAME_POINTER || rule->cfa == UNWIND_CFA_BAD) {
		caller.known = false;
		return caller;
	}
	if (rule->cfa == UNWIND_CFA_END) {
		caller.end = true;
		return caller;
	}
	caller.rsp = rule_cfa(rule, machine);
	caller.rip_at = caller.rsp - 8;
	if (rule->cfa == UNWIND_CFA_SIGNAL) {
		caller.rip_at = rsp + (uint64_t)rule->deref_offset;
		caller.rbp = load(rsp + (uint64_t)rule->rbp_offset);
	} else if (rule->rbp == UNWIND_RBP_AT_CFA) {
		caller.rbp = load(caller.rsp + (uint64_t)rule->rbp_offset);
	} else if (rule->rbp == UNWIND_RBP_AT_RBP) {
		caller.rbp = load(rbp + (uint64_t)rule->rbp_offset);
	} else {
		caller.rbp_known = rule->rbp == UNWIND_RBP_SAME;
	}
	return caller;
}

/*
 * Is this a cfa that the rules cannot express: another register than rbp and rsp, or more than +?
 */
static bool is_inexpressible(Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t nr;

	if (dwarf_frame_cfa(frame, &ops, &nr) || !nr)
		return true;
	if (ops[0].atom == DW_OP_bregx)
		return ops[0].number != RBP && ops[0].number != RSP;
	return (ops[0].atom != DW_OP_breg6 && ops[0].atom != DW_OP_breg7) || nr > 4;
}

static bool same_caller(struct comparing *comparing, Dwarf_Frame *frame,
			const struct unwind_rule *rule, uint64_t address, uint64_t seed)
{
	struct machine machine;
	struct caller ours, libdws;

	for (size_t i = 0; i < NR_REGISTERS; i++)
		machine.registers[i] = load(seed + 8 * i);
	machine.registers[RIP] = address;
	ours = follow_rule(rule, &machine);
	libdws = follow_libdw(frame, &machine);
	if (rule->cfa == UNWIND_CFA_BAD)
		return !libdws.end && (!libdws.known || is_inexpressible(frame) ||
				       libdws.rip_at != libdws.rsp - 8);
	if (ours.end != libdws.end || ours.known != libdws.known)
		return false;
	if (ours.end)
		return true;
	if (ours.rsp != libdws.rsp || ours.rip_at != libdws.rip_at)
		return false;
	/* A value that is nowhere in memory. */
	if (!ours.rbp_known && libdws.rbp_known) {
		comparing->counts->nr_rbp_inexpressible++;
		return rule->rbp == UNWIND_RBP_UNDEFINED && libdws.rbp != machine.registers[RBP];
	}
	return ours.rbp_known == libdws.rbp_known && (!ours.rbp_known || ours.rbp == libdws.rbp);
}

static void differ(struct comparing *comparing, uint64_t begin, uint64_t end,
		   const struct unwind_rule *rule, const char *why)
{
	if (comparing->counts->nr_differences++ >= PRINTED_MAX)
		return;
	printf("%s: %#lx..%#lx: %s; ours is", comparing->path, begin, end, why);
	if (rule)
		printf(" cfa %u %d deref %d rbp %u %d\n", rule->cfa, rule->cfa_offset,
		       rule->deref_offset, rule->rbp, rule->rbp_offset);
	else
		printf(" nothing\n");
}

static bool file_offset(Elf *elf, uint64_t address, uint64_t *offset)
{
	size_t nr;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &nr))
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
		    !(header.p_flags & PF_X) || address < header.p_vaddr ||
		    address - header.p_vaddr >= header.p_filesz)
			continue;
		*offset = header.p_offset + (address - header.p_vaddr);
		return true;
	}
	return false;
}

static void compare_stretch(struct comparing *comparing, Dwarf_Frame *frame, uint64_t begin,
			    uint64_t end)
{
	const struct unwind_rule *rule, *last;
	uint64_t first_at, last_at;

	comparing->counts->nr_stretches++;
	if (!file_offset(comparing->elf, begin, &first_at) ||
	    !file_offset(comparing->elf, end - 1, &last_at)) {
		differ(comparing, begin, end, NULL, "outside the segments");
		return;
	}
	rule = unwind_rows__find(&comparing->rows, first_at);
	last = unwind_rows__find(&comparing->rows, last_at);
	if (!rule || rule != last) {
		differ(comparing, begin, end, rule, "more than one row of ours");
		return;
	}
	comparing->counts->nr_cfa[rule->cfa]++;
	for (uint64_t i = 0; i < 3; i++) {
		/* The stubs' rule depends on the address. */
		uint64_t address = begin + (rule->cfa == UNWIND_CFA_PLT ? 5 * i : 0);

		if (!same_caller(comparing, frame, rule, address, i << 32)) {
			differ(comparing, begin, end, rule, "another caller");
			return;
		}
	}
}

/* Here libdw has nothing: padding, or code without call frame information. */
static void compare_gap(struct comparing *comparing, uint64_t begin, uint64_t end)
{
	const struct unwind_rule *rule;
	uint64_t at;

	if (end - begin < PADDING_BYTES || !file_offset(comparing->elf, begin, &at))
		return;
	rule = unwind_rows__find(&comparing->rows, at);
	/* We know stubs and the place where a process begins; libdw doesn't. */
	if (!rule || (rule->cfa != UNWIND_CFA_FRAME_POINTER && rule->cfa != UNWIND_CFA_END &&
		      rule->cfa != UNWIND_CFA_PLT &&
		      !(rule->cfa == UNWIND_CFA_RSP && rule->rbp == UNWIND_RBP_SAME)))
		differ(comparing, begin, end, rule, "a gap");
}

static void compare_function(struct comparing *comparing, uint64_t begin, uint64_t next)
{
	uint64_t address = begin, start, end;

	while (address < next) {
		Dwarf_Frame *frame;
		bool signal;

		if (dwarf_cfi_addrframe(comparing->cfi, address, &frame)) {
			if (!strcmp(dwarf_errmsg(-1), "no matching address range"))
				compare_gap(comparing, address, next);
			else
				comparing->counts->nr_broken++;
			return;
		}
		dwarf_frame_info(frame, &start, &end, &signal);
		/* The stretch may have begun before a function that overlaps. */
		end = end < next ? end : next;
		if (end <= address) {
			free(frame);
			return;
		}
		compare_stretch(comparing, frame, address, end);
		free(frame);
		address = end;
	}
}

/* The usual table only: 4 bytes for each address and each record, relative to the section. */
static int list_functions(struct comparing *comparing)
{
	GElf_Phdr header = { 0 };
	const uint8_t *bytes;
	Elf_Data *data;
	uint32_t nr;
	size_t nr_headers;

	if (elf_getphdrnum(comparing->elf, &nr_headers))
		return -EBADMSG;
	for (size_t i = 0; i < nr_headers && header.p_type != PT_GNU_EH_FRAME; i++)
		gelf_getphdr(comparing->elf, (int)i, &header);
	if (header.p_type != PT_GNU_EH_FRAME)
		return -ENOENT;
	data = elf_getdata_rawchunk(comparing->elf, (int64_t)header.p_offset, header.p_filesz,
				    ELF_T_BYTE);
	if (!data || data->d_size < 12)
		return -ENOENT;
	bytes = data->d_buf;
	if (bytes[2] != DW_EH_PE_udata4 || bytes[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return -ENOENT;
	memcpy(&nr, bytes + 8, sizeof(nr));
	if ((data->d_size - 12) / 8 < nr)
		return -EBADMSG;
	comparing->begins = calloc((size_t)nr + 1, sizeof(*comparing->begins));
	for (size_t i = 0; i < nr; i++) {
		int32_t relative;

		memcpy(&relative, bytes + 12 + 8 * i, sizeof(relative));
		comparing->begins[i] = header.p_vaddr + (uint64_t)(int64_t)relative;
	}
	comparing->nr_begins = nr;
	return 0;
}

static void compare_functions(struct comparing *comparing, size_t every_nth)
{
	double began = now();

	for (size_t i = 0; i + 1 < comparing->nr_begins; i += every_nth) {
		if (!comparing->begins[i])
			continue;
		comparing->counts->nr_functions++;
		compare_function(comparing, comparing->begins[i], comparing->begins[i + 1]);
	}
	comparing->counts->libdw_s = now() - began;
}

static int open_both(struct comparing *comparing, int fd)
{
	double began;
	int err;

	/* Once for the page cache. */
	err = unwind_rows__of_file(fd, &comparing->rows);
	if (err)
		return err;
	unwind_rows__free(&comparing->rows);
	began = now();
	err = unwind_rows__of_file(fd, &comparing->rows);
	if (err)
		return err;
	comparing->counts->rows_s = now() - began;
	comparing->counts->nr_rows = comparing->rows.nr;
	elf_version(EV_CURRENT);
	comparing->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	comparing->cfi = dwarf_getcfi_elf(comparing->elf);
	return comparing->cfi ? list_functions(comparing) : -ENOENT;
}

int cfi_against_libdw__compare(const char *path, size_t every_nth,
			       struct cfi_comparison *comparison)
{
	struct comparing comparing = { .counts = comparison, .path = path };
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	memset(comparison, 0, sizeof(*comparison));
	if (fd < 0)
		return -errno;
	err = open_both(&comparing, fd);
	if (!err)
		compare_functions(&comparing, every_nth);
	free(comparing.begins);
	unwind_rows__free(&comparing.rows);
	if (comparing.cfi)
		dwarf_cfi_end(comparing.cfi);
	elf_end(comparing.elf);
	close(fd);
	return err;
}
