// SPDX-License-Identifier: GPL-2.0
/* See placement.h. Zydis decodes the instructions. */
#include "allocators/placement.h"

#include <Zydis/Zydis.h>

#define NONE SIZE_MAX

struct decoded {
	ZydisDecodedInstruction instruction;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static bool is_push(const uint8_t *code, size_t nr_bytes)
{
	return (nr_bytes == 1 && (code[0] & 0xf8) == 0x50) ||
	       (nr_bytes == 2 && code[0] == 0x41 && (code[1] & 0xf8) == 0x50);
}

static bool is_call(const uint8_t *code, size_t nr_bytes)
{
	return nr_bytes == 5 && code[0] == 0xe8;
}

/*
 * The instructions that branch_setup_xol_ops and push_setup_xol_ops in arch/x86/kernel/uprobes.c
 * accept: push of a register; jmp, jcc and call to a relative address; nop. Newer kernels accept
 * more (longer forms of nop). Forms with prefixes are left out, since older kernels emulated some
 * of them wrongly.
 */
static bool is_emulated(const uint8_t *code, size_t nr_bytes)
{
	switch (nr_bytes) {
	case 1:
		return code[0] == 0x90 || is_push(code, nr_bytes);
	case 2:
		return code[0] == 0xeb || (code[0] & 0xf0) == 0x70 || is_push(code, nr_bytes);
	case 5:
		return code[0] == 0xe9 || is_call(code, nr_bytes);
	case 6:
		return code[0] == 0x0f && (code[1] & 0xf0) == 0x80;
	default:
		return false;
	}
}

/*
 * Does the next instruction always run directly after this one? And are all registers and memory
 * that the instruction writes among its operands? (The decoder omits the registers of string
 * instructions.)
 */
static bool is_plain(const ZydisDecodedInstruction *instruction)
{
	switch (instruction->meta.category) {
	case ZYDIS_CATEGORY_STRINGOP:
	case ZYDIS_CATEGORY_IOSTRINGOP:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
		return false;
	default:
		return instruction->meta.branch_type == ZYDIS_BRANCH_TYPE_NONE;
	}
}

static bool is_read_at_probe(ZydisRegister reg, unsigned int nr_arguments)
{
	static const ZydisRegister arguments[] = { ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI,
						   ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RCX,
						   ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9 };

	reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
	for (unsigned int i = 0; i < nr_arguments && i < 6; i++)
		if (reg == arguments[i])
			return true;
	return reg == ZYDIS_REGISTER_RSP || reg == ZYDIS_REGISTER_RIP;
}

/*
 * A write to memory could overwrite the return address. The address of the write is not examined,
 * so no write to memory is allowed.
 */
static bool keeps_the_call(const struct decoded *decoded, unsigned int nr_arguments)
{
	if (!is_plain(&decoded->instruction))
		return false;
	for (size_t i = 0; i < decoded->instruction.operand_count; i++) {
		const ZydisDecodedOperand *operand = &decoded->operands[i];

		if (!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY ||
		    (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		     is_read_at_probe(operand->reg.value, nr_arguments)))
			return false;
	}
	return true;
}

/*
 * Returns the offset of the first emulated instruction, if all instructions before it leave the
 * call's state as it was; else NONE. A call is not chosen after the first byte: kernels with user
 * shadow stacks (6.6) for long did not write to the shadow stack when they emulated a call, which
 * ends the process at the return.
 */
static size_t first_emulated(const ZydisDecoder *decoder, const uint8_t *code, size_t nr_bytes,
			     unsigned int nr_arguments, size_t *length)
{
	struct decoded decoded;

	for (size_t at = 0; at < nr_bytes; at += *length) {
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, code + at, nr_bytes - at,
							 &decoded.instruction, decoded.operands)))
			return NONE;
		*length = decoded.instruction.length;
		if (is_emulated(code + at, *length))
			return at && is_call(code + at, *length) ? NONE : at;
		if (!keeps_the_call(&decoded, nr_arguments))
			return NONE;
	}
	return NONE;
}

/*
 * Can a jump or call within the function lead to one of the bytes after the first, up to up_to?
 * Also true if the code can't be decoded. (A jump to the first byte has always counted as another
 * call. Jumps by a register are not seen: compilers generate them for switches, whose cases come
 * after the function's beginning.)
 */
static bool is_jumped_into(const ZydisDecoder *decoder, const uint8_t *code, size_t nr_bytes,
			   size_t up_to)
{
	ZydisDecodedInstruction instruction;

	for (size_t at = 0; at < nr_bytes; at += instruction.length) {
		uint64_t target;

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, code + at,
								nr_bytes - at, &instruction)))
			return true;
		if (!instruction.raw.imm[0].is_relative)
			continue;
		target = at + instruction.length + instruction.raw.imm[0].value.u;
		if (target > 0 && target <= up_to)
			return true;
	}
	return false;
}

struct placement placement__choose(const uint8_t *code, size_t nr_bytes, bool whole,
				   unsigned int nr_arguments)
{
	const struct placement entry = { .behind = 0 };
	ZydisDecoder decoder;
	size_t at, length = 0;
	bool once;

	if (!ZYAN_SUCCESS(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return entry;
	at = first_emulated(&decoder, code,
			    nr_bytes < PLACEMENT_PROLOGUE_BYTES ? nr_bytes :
								  PLACEMENT_PROLOGUE_BYTES,
			    nr_arguments, &length);
	if (at == NONE)
		return entry;
	/*
	 * In code that is not whole, only a push is safe: no jump leads to a push of a register or
	 * to code before it, since the register would be saved twice.
	 */
	once = !at ||
	       (whole ? !is_jumped_into(&decoder, code, nr_bytes, at) : is_push(code + at, length));
	return once ? (struct placement){ .behind = (uint32_t)at, .emulated = true } : entry;
}
