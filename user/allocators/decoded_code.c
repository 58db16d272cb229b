// SPDX-License-Identifier: GPL-2.0
/* See decoded_code.h. The bytes come from call_graph.c and stripped_glibc.c. */
#include "allocators/decoded_code.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <string.h>

#define LEA 0x8d
#define ADDRESS_BYTES 4

struct instruction {
	ZydisDecodedInstruction decoded;
	uint64_t next; /* the address of the following instruction */
};

static bool is_opcode(const struct instruction *instruction, ZydisOpcodeMap map, uint8_t opcode)
{
	return instruction->decoded.opcode_map == map && instruction->decoded.opcode == opcode;
}

/* mod 0 with rm 5: the address is relative to the next instruction. */
static bool refers_by_lea(const struct instruction *instruction)
{
	return is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, LEA) &&
	       !instruction->decoded.raw.modrm.mod && instruction->decoded.raw.modrm.rm == 5;
}

/* mov of 32 bits to a register, which code that is not position-independent does. */
static bool refers_by_mov(const struct instruction *instruction)
{
	const ZydisDecodedInstruction *decoded = &instruction->decoded;

	if (decoded->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || decoded->raw.imm[0].size != 32)
		return false;
	return (decoded->opcode & 0xf8) == 0xb8 ||
	       (decoded->opcode == 0xc7 && decoded->raw.modrm.mod == 3);
}

static bool multiplies(const struct instruction *instruction)
{
	return is_opcode(instruction, ZYDIS_OPCODE_MAP_0F, 0xaf) ||
	       (is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0xf7) &&
		(instruction->decoded.raw.modrm.reg == 4 ||
		 instruction->decoded.raw.modrm.reg == 5));
}

/* False when the instruction tells nothing. */
static bool fact_of(const struct instruction *instruction, bool fixed, enum code_fact *fact,
		    uint64_t *address)
{
	const ZydisDecodedInstruction *decoded = &instruction->decoded;

	*address = 0;
	if (decoded->raw.imm[0].is_relative) {
		*fact = is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0xe8) ? CODE_CALLS :
										 CODE_JUMPS;
		*address = instruction->next + decoded->raw.imm[0].value.u;
	} else if (refers_by_lea(instruction)) {
		*fact = CODE_REFERS;
		*address = instruction->next + (uint64_t)decoded->raw.disp.value;
	} else if (fixed && refers_by_mov(instruction)) {
		*fact = CODE_REFERS;
		*address = (uint32_t)decoded->raw.imm[0].value.u;
	} else if (multiplies(instruction)) {
		*fact = CODE_MULTIPLIES;
	} else {
		return false;
	}
	return true;
}

int decoded_code__each(const struct code_bytes *code,
		       int (*found)(enum code_fact fact, uint64_t address, void *context),
		       void *context)
{
	struct instruction instruction;
	ZydisDecoder decoder;
	int err = 0;

	if (!ZYAN_SUCCESS(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    !ZYAN_SUCCESS(ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE)))
		return -EILSEQ;
	for (size_t at = 0; at < code->nr_bytes && !err; at += instruction.decoded.length) {
		enum code_fact fact;
		uint64_t address;

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code->bytes + at,
								code->nr_bytes - at,
								&instruction.decoded)))
			return -EILSEQ;
		instruction.next = code->address + at + instruction.decoded.length;
		if (fact_of(&instruction, code->fixed, &fact, &address))
			err = found(fact, address, context);
	}
	return err;
}

/* The registers of the first two integer arguments, and the stack's. */
static bool is_needed(ZydisRegister reg)
{
	reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
	return reg == ZYDIS_REGISTER_RDI || reg == ZYDIS_REGISTER_RSI || reg == ZYDIS_REGISTER_RSP;
}

static bool leaves_arguments(const ZydisDecodedInstruction *decoded,
			     const ZydisDecodedOperand *operands)
{
	if (decoded->meta.category == ZYDIS_CATEGORY_STRINGOP)
		return false;
	for (size_t i = 0; i < decoded->operand_count; i++)
		if (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
		    operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    is_needed(operands[i].reg.value))
			return false;
	return true;
}

bool decoded_code__passes_arguments_to(const struct code_bytes *code, uint64_t address)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction decoded;
	ZydisDecoder decoder;

	if (!ZYAN_SUCCESS(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return false;
	for (size_t at = 0; at < code->nr_bytes; at += decoded.length) {
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code->bytes + at,
							 code->nr_bytes - at, &decoded, operands)))
			return false;
		if (decoded.raw.imm[0].is_relative &&
		    code->address + at + decoded.length + decoded.raw.imm[0].value.u == address)
			return decoded.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
		/* A conditional jump may be left untaken; nothing else may leave the line. */
		if (decoded.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE &&
		    decoded.meta.category != ZYDIS_CATEGORY_COND_BR)
			return false;
		if (!leaves_arguments(&decoded, operands))
			return false;
	}
	return false;
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static int search_lea(const struct code_bytes *code, uint64_t address,
		      int (*found)(uint64_t place, void *context), void *context)
{
	const uint8_t *at = code->bytes, *end = code->bytes + code->nr_bytes;
	const size_t nr_bytes = 2 + ADDRESS_BYTES;
	int err = 0;

	while (!err && (at = memchr(at, LEA, (size_t)(end - at)))) {
		uint64_t place = code->address + (uint64_t)(at - code->bytes);

		if ((size_t)(end - at) < nr_bytes)
			break;
		if ((at[1] & 0xc7) == 5 &&
		    place + nr_bytes + (uint64_t)(int32_t)word_at(at + 2) == address)
			err = found(place, context);
		at++;
	}
	return err;
}

int decoded_code__search(const struct code_bytes *code, uint64_t address,
			 int (*found)(uint64_t place, void *context), void *context)
{
	const uint8_t *at = code->bytes, *end = code->bytes + code->nr_bytes;
	uint32_t word = (uint32_t)address;
	int err = search_lea(code, address, found, context);

	if (!code->fixed || address > INT32_MAX)
		return err;
	while (!err && (at = memmem(at, (size_t)(end - at), &word, sizeof(word)))) {
		err = found(code->address + (uint64_t)(at - code->bytes), context);
		at++;
	}
	return err;
}
