// SPDX-License-Identifier: GPL-2.0
/* See code_step.h. Zydis decodes the instructions. */
#include "allocators/code_step.h"

#include <stdbool.h>

#include <Zydis/Zydis.h>

static bool is_far(const ZydisDecodedInstruction *instruction)
{
	return instruction->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

/*
 * Processors disagree on how many bytes a 16-bit jump or call has. The prefix means nothing next to
 * REX.W, which calls for thread-local variables have.
 */
static bool is_16_bit(const ZydisDecodedInstruction *instruction)
{
	return instruction->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE && !instruction->raw.rex.W;
}

/* jmp *displacement(%rip) */
static bool is_slot_jump(const ZydisDecodedInstruction *instruction)
{
	return instruction->mnemonic == ZYDIS_MNEMONIC_JMP && !is_far(instruction) &&
	       !is_16_bit(instruction) && instruction->address_width == 64 &&
	       !(instruction->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS) &&
	       !(instruction->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS) &&
	       instruction->raw.modrm.mod == 0 && instruction->raw.modrm.rm == 5 &&
	       instruction->raw.disp.size == 32;
}

static enum code_step_kind kind_of_branch(const ZydisDecodedInstruction *instruction)
{
	bool relative = instruction->raw.imm[0].is_relative;

	if (is_far(instruction) || (relative && is_16_bit(instruction)))
		return CODE_STEP_UNKNOWN;
	if (instruction->meta.category == ZYDIS_CATEGORY_CALL)
		return CODE_STEP_CALL;
	if (!relative)
		return is_slot_jump(instruction) ? CODE_STEP_SLOT : CODE_STEP_UNKNOWN;
	return instruction->mnemonic == ZYDIS_MNEMONIC_JMP ? CODE_STEP_JUMP : CODE_STEP_EITHER;
}

static enum code_step_kind kind_of(const ZydisDecodedInstruction *instruction)
{
	switch (instruction->mnemonic) {
	case ZYDIS_MNEMONIC_RET:
		return is_far(instruction) || is_16_bit(instruction) ? CODE_STEP_UNKNOWN :
								       CODE_STEP_RETURN;
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_SYSRET:
	case ZYDIS_MNEMONIC_SYSEXIT:
	case ZYDIS_MNEMONIC_UIRET:
		return CODE_STEP_UNKNOWN;
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
		return CODE_STEP_END;
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_ENDBR64:
		return CODE_STEP_NOTHING;
	default:
		break;
	}
	if (instruction->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
	    instruction->raw.imm[0].is_relative)
		return kind_of_branch(instruction);
	return CODE_STEP_NEXT;
}

static uint64_t target_of(const ZydisDecodedInstruction *instruction, enum code_step_kind kind,
			  uint64_t next)
{
	if (kind == CODE_STEP_SLOT)
		return next + (uint64_t)instruction->raw.disp.value;
	return instruction->raw.imm[0].is_relative ? next + instruction->raw.imm[0].value.u : 0;
}

struct code_step code_step__of(const uint8_t *code, size_t nr_bytes, uint64_t address)
{
	struct code_step step = { .kind = CODE_STEP_UNKNOWN };
	ZydisDecodedInstruction instruction;
	ZydisDecoder decoder;

	if (!ZYAN_SUCCESS(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    !ZYAN_SUCCESS(
		    ZydisDecoderDecodeInstruction(&decoder, NULL, code, nr_bytes, &instruction)))
		return step;
	step.kind = kind_of(&instruction);
	step.nr_bytes = instruction.length;
	step.target = target_of(&instruction, step.kind, address + instruction.length);
	return step;
}
