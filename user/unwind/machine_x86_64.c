// SPDX-License-Identifier: GPL-2.0
/*
 * See machine.h. Numbers of registers and section types are from the System V ABI, AMD64
 * supplement. Nothing here depends on the machine that the tracer runs on.
 */
#include "unwind/machine.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

#ifndef SHT_X86_64_UNWIND
#define SHT_X86_64_UNWIND 0x70000001
#endif

/*
 * A stub jumps to the first one of its section while it doesn't know its function. The first stub
 * has pushed a word after its first 6 bytes.
 */
#define STUB_BYTES 16
#define FIRST_PUSH_END 6

#define PUSH_BYTES 5 /* push imm32: the operation, and the number of the stub */
#define PUSH_OPERATION 0x68

const struct machine machine = {
	.elf_number = EM_X86_64,
	.unwind_section = SHT_X86_64_UNWIND,
	.return_address_offset = -8, /* call pushes it */
};

/* From the table "DWARF Register Number Mapping". */
enum machine_register machine__register(uint64_t dwarf_number)
{
	switch (dwarf_number) {
	case 6: /* rbp */
		return MACHINE_FRAME_POINTER;
	case 7: /* rsp */
		return MACHINE_STACK_POINTER;
	case 16: /* rip */
		return MACHINE_RETURN_ADDRESS;
	default:
		return MACHINE_OTHER_REGISTER;
	}
}

bool machine__begins_process(const unsigned char code[MACHINE_ENTRY_CODE_BYTES])
{
	static const char endbr64[] = "\xf3\x0f\x1e\xfa";
	static const char *const forms[] = {
		"\x31\xed", /* xor %ebp, %ebp */
		"\x48\x31\xed", /* xor %rbp, %rbp */
		"\x48\x89\xe7", /* mov %rsp, %rdi */
	};
	const unsigned char *at = code;

	if (!memcmp(at, endbr64, strlen(endbr64)))
		at += strlen(endbr64);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!memcmp(at, forms[i], strlen(forms[i])))
			return true;
	return false;
}

bool machine__holds_stubs(const char *section, bool *lazy)
{
	*lazy = !strcmp(section, ".plt");
	return *lazy || !strcmp(section, ".plt.sec") || !strcmp(section, ".plt.got") ||
	       !strcmp(section, ".plt.bnd");
}

/*
 * Returns after how many of its bytes a stub has pushed its number, by the form of the second stub.
 * Forms: jmp, push, jmp; for IBT endbr64, push, jmp; for MPX push, jmp. Others push nothing.
 */
static int push_end(const unsigned char code[STUB_BYTES])
{
	static const struct {
		unsigned char code[4];
		size_t nr_bytes;
		int push_end;
	} forms[] = {
		{ { 0xff, 0x25 }, 2, 11 },
		{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 9 },
		{ { PUSH_OPERATION }, 1, 5 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!memcmp(code, forms[i].code, forms[i].nr_bytes) &&
		    code[forms[i].push_end - PUSH_BYTES] == PUSH_OPERATION)
			return forms[i].push_end;
	return STUB_BYTES;
}

size_t machine__stub_rules(const unsigned char code[MACHINE_STUBS_CODE_BYTES], uint64_t nr_bytes,
			   bool lazy, struct machine_stub_rule rules[MACHINE_STUB_RULES_MAX])
{
	if (!lazy || nr_bytes < STUB_BYTES) {
		rules[0] = (struct machine_stub_rule){ 0, { UNWIND_CFA_RSP, .cfa_offset = 8 } };
		return 1;
	}
	rules[0] = (struct machine_stub_rule){ 0, { UNWIND_CFA_RSP, .cfa_offset = 16 } };
	rules[1] = (struct machine_stub_rule){
		FIRST_PUSH_END,
		{ UNWIND_CFA_RSP, .cfa_offset = 24 },
	};
	if (nr_bytes == STUB_BYTES)
		return 2;
	rules[2] = (struct machine_stub_rule){
		STUB_BYTES,
		{ UNWIND_CFA_PLT, .cfa_offset = push_end(code + STUB_BYTES) },
	};
	return 3;
}

/*
 * Linkers write rsp + 8 + (((rip & 15) >= N) << 3) for the stubs of lazy binding. A stub has pushed
 * a word after its first N bytes: N is 11, or 5 or 9 where stubs begin with other instructions.
 */
bool machine__is_stub_expression(const uint8_t *bytes, size_t nr_bytes, int64_t *n)
{
	const uint8_t form[] = {
		DW_OP_breg7, 8,	       DW_OP_breg16, 0,		DW_OP_lit15, DW_OP_and,
		DW_OP_lit0,  DW_OP_ge, DW_OP_lit3,   DW_OP_shl, DW_OP_plus,
	};
	const size_t at = 6; /* index of N */

	if (nr_bytes != sizeof(form) || memcmp(bytes, form, at) != 0 ||
	    memcmp(bytes + at + 1, form + at + 1, sizeof(form) - at - 1) != 0 ||
	    bytes[at] < DW_OP_lit0 || bytes[at] > DW_OP_lit15)
		return false;
	*n = bytes[at] - DW_OP_lit0;
	return true;
}
