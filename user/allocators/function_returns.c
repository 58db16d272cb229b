// SPDX-License-Identifier: GPL-2.0
/*
 * Follows a function's code from its entry along all direct jumps. The bytes come from the ELF
 * file; the places of the returns go to whoever puts probes there.
 *
 * A call returns to the next instruction, as far as one can see. But anything may follow a call
 * that never returns (of __cxa_throw, say): often the next function, whose returns are none of
 * ours. So the code is followed only within the ranges of .eh_frame_hdr (function_ranges.h), which
 * every function has that an exception can pass through. Symbols would do less: they may be
 * stripped, and none describes a "cold" part. Where a range ends right after a call, that call
 * doesn't return. A range that ends after another instruction is not understood.
 *
 * The unwinder leads to landing pads, which no jump may lead to. They begin where the function's
 * exception table says (landing_pads.h).
 */
#include "allocators/function_returns.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/code_step.h"
#include "base/array.h"
#include "base/search.h"
#include "elf/function_ranges.h"
#include "elf/jump_slots.h"
#include "elf/landing_pads.h"

/*
 * Far above what allocators need: some hundreds of instructions, in a dozen ranges. A hostile file
 * can cost some tenths of a second, and less than a megabyte.
 */
#define INSTRUCTIONS_MAX 8192
#define PLACES_MAX 8192
#define RANGES_MAX 64
#define SLOTS_MAX 16 /* each can cost a search in a million of relocations */

#define WINDOW_BYTES 4096

struct instruction {
	uint64_t address;
	uint32_t nr_bytes;
	bool returns;
};

/* All addresses are those of the file's segments. */
struct walk {
	const struct elf_image *image;
	uint64_t bias; /* from file offsets to addresses, in the entry's segment */
	struct function_ranges all_ranges;
	struct function_range ranges[RANGES_MAX]; /* those that the code reached */
	size_t nr_ranges;
	struct instruction *instructions; /* that were reached; sorted by address */
	size_t nr_instructions, instructions_room;
	uint64_t *places; /* that are yet to be followed */
	size_t nr_places, places_room;
	uint8_t window[WINDOW_BYTES]; /* a copy of the code from window_address on */
	uint64_t window_address, window_bytes;
	size_t nr_slots; /* that the code jumped through */
};

static bool is_within(const struct function_range *range, uint64_t address)
{
	return address >= range->address && address - range->address < range->nr_bytes;
}

static int add_place(uint64_t address, void *context)
{
	struct walk *walk = context;
	int err;

	if (walk->nr_places == PLACES_MAX)
		return -E2BIG;
	err = array__reserve(&walk->places, &walk->places_room, walk->nr_places + 1);
	if (!err)
		walk->places[walk->nr_places++] = address;
	return err;
}

/* The range that has the address, or -ENOENT. Its landing pads are to be followed, too. */
static int reach_range(struct walk *walk, uint64_t address, const struct function_range **range)
{
	struct function_range *added = &walk->ranges[walk->nr_ranges];
	int err;

	for (size_t i = 0; i < walk->nr_ranges; i++) {
		*range = &walk->ranges[i];
		if (is_within(*range, address))
			return 0;
	}
	if (walk->nr_ranges == RANGES_MAX)
		return -E2BIG;
	err = function_ranges__find(&walk->all_ranges, address, added);
	if (err)
		return err;
	walk->nr_ranges++;
	*range = added;
	return landing_pads__each(walk->image, added, add_place, walk);
}

/* Fills the window with the code from that address on, up to its segment's end. */
static int read_window(struct walk *walk, uint64_t address)
{
	uint64_t offset, nr_bytes;
	int err;

	walk->window_bytes = 0;
	if (elf_image__offset_of(walk->image, address, true, &offset) ||
	    address - offset != walk->bias) /* no code, or in another segment */
		return -ENOTSUP;
	nr_bytes = elf_image__code_bytes(walk->image, offset);
	if (nr_bytes > WINDOW_BYTES)
		nr_bytes = WINDOW_BYTES;
	err = elf_image__read(walk->image, offset, walk->window, nr_bytes);
	if (err)
		return err;
	walk->window_address = address;
	walk->window_bytes = nr_bytes;
	return 0;
}

/* Decodes the instruction at that address, which has at most so many bytes. */
static int decode(struct walk *walk, uint64_t address, uint64_t nr_bytes, struct code_step *step)
{
	uint64_t at = address - walk->window_address;

	if (nr_bytes > CODE_STEP_BYTES_MAX)
		nr_bytes = CODE_STEP_BYTES_MAX;
	if (at >= walk->window_bytes || walk->window_bytes - at < nr_bytes) {
		int err = read_window(walk, address);

		if (err)
			return err;
		at = 0;
		if (nr_bytes > walk->window_bytes)
			nr_bytes = walk->window_bytes;
	}
	*step = code_step__of(walk->window + at, nr_bytes, address);
	return step->nr_bytes ? 0 : -ENOTSUP;
}

/*
 * Notes that the instruction was reached; *known: not for the first time. Instructions that overlap
 * are refused. Compilers generate none: one of them is not what the processor executes, and a probe
 * in the middle of the other would change it.
 */
static int reach_instruction(struct walk *walk, const struct instruction *reached, bool *known)
{
	struct instruction *all = walk->instructions;
	size_t nr = walk->nr_instructions;
	size_t at = search__nr_before(nr, i, all[i].address < reached->address);
	int err;

	*known = at < nr && all[at].address == reached->address;
	if (*known)
		return 0;
	if ((at > 0 && reached->address - all[at - 1].address < all[at - 1].nr_bytes) ||
	    (at < nr && all[at].address - reached->address < reached->nr_bytes))
		return -ENOTSUP;
	if (nr == INSTRUCTIONS_MAX)
		return -E2BIG;
	err = array__reserve(&walk->instructions, &walk->instructions_room, nr + 1);
	if (err)
		return err;
	all = walk->instructions;
	memmove(&all[at + 1], &all[at], (nr - at) * sizeof(*all));
	all[at] = *reached;
	walk->nr_instructions++;
	return 0;
}

/*
 * A call into the middle of its own function is none: it puts an address on the stack for a ret
 * that serves as a jump, as the thunks do that stand in for indirect jumps.
 */
static bool is_real_call(const struct function_range *range, uint64_t target)
{
	return target == range->address || !is_within(range, target);
}

/* A jump to a function by name. The file itself may define it, and seldom does another instead. */
static int take_slot(struct walk *walk, uint64_t slot)
{
	uint64_t function;
	int err;

	if (walk->nr_slots++ == SLOTS_MAX)
		return -E2BIG;
	err = jump_slots__find(walk->image, slot, &function);
	if (err)
		return err == -ENOENT ? -ENOTSUP : err;
	return add_place(function, walk);
}

/* Takes the step; *goes_on: to the next instruction. */
static int take_step(struct walk *walk, const struct function_range *range,
		     const struct code_step *step, bool *goes_on)
{
	*goes_on = false;
	switch (step->kind) {
	case CODE_STEP_NEXT:
	case CODE_STEP_NOTHING:
		*goes_on = true;
		return 0;
	case CODE_STEP_CALL:
		*goes_on = true;
		return is_real_call(range, step->target) ? 0 : -ENOTSUP;
	case CODE_STEP_EITHER:
		*goes_on = true;
		return add_place(step->target, walk);
	case CODE_STEP_JUMP:
		return add_place(step->target, walk);
	case CODE_STEP_SLOT:
		return take_slot(walk, step->target);
	case CODE_STEP_RETURN:
	case CODE_STEP_END:
		return 0;
	case CODE_STEP_UNKNOWN:
		break;
	}
	return -ENOTSUP;
}

/* Follows the code from there to where it jumps away, or to code that was followed before. */
static int follow_range(struct walk *walk, const struct function_range *range, uint64_t address)
{
	bool after_call = false, goes_on = true, known;
	int err = 0;

	while (!err && goes_on) {
		struct instruction reached = { .address = address };
		struct code_step step;

		if (!is_within(range, address)) /* padding may come after the last call */
			return after_call ? 0 : -ENOTSUP;
		err = decode(walk, address, range->nr_bytes - (address - range->address), &step);
		if (err)
			return err;
		reached.nr_bytes = step.nr_bytes;
		reached.returns = step.kind == CODE_STEP_RETURN;
		err = reach_instruction(walk, &reached, &known);
		if (err || known)
			return err;
		after_call = step.kind == CODE_STEP_CALL ||
			     (after_call && step.kind == CODE_STEP_NOTHING);
		address += step.nr_bytes;
		err = take_step(walk, range, &step, &goes_on);
	}
	return err;
}

/*
 * Some linkers (lld) give the stubs of the procedure linkage table no call frame information. A
 * stub is a jump through a slot, which may come after endbr64.
 */
static int follow_stub(struct walk *walk, uint64_t address)
{
	struct code_step step;
	int err = decode(walk, address, CODE_STEP_BYTES_MAX, &step);

	if (!err && step.kind == CODE_STEP_NOTHING)
		err = decode(walk, address + step.nr_bytes, CODE_STEP_BYTES_MAX, &step);
	if (err)
		return err;
	return step.kind == CODE_STEP_SLOT ? take_slot(walk, step.target) : -ENOTSUP;
}

static int follow(struct walk *walk, uint64_t address)
{
	const struct function_range *range;
	int err = reach_range(walk, address, &range);

	if (err == -ENOENT)
		return follow_stub(walk, address);
	return err ? err : follow_range(walk, range, address);
}

static int collect_returns(const struct walk *walk, struct function_returns *returns)
{
	for (size_t i = 0; i < walk->nr_instructions; i++) {
		const struct instruction *instruction = &walk->instructions[i];

		if (!instruction->returns)
			continue;
		if (returns->nr == FUNCTION_RETURNS_MAX)
			return -E2BIG;
		returns->file_offset[returns->nr++] = instruction->address - walk->bias;
	}
	return returns->nr ? 0 : -ENOTSUP;
}

static int follow_all(struct walk *walk, uint64_t entry_offset)
{
	uint64_t entry = 0;
	int err = elf_image__address_of(walk->image, entry_offset, &entry);

	walk->bias = entry - entry_offset;
	if (!err)
		err = function_ranges__open(walk->image, &walk->all_ranges);
	if (!err)
		err = add_place(entry, walk);
	while (!err && walk->nr_places)
		err = follow(walk, walk->places[--walk->nr_places]);
	return err;
}

int function_returns__find(const struct elf_image *image, uint64_t entry_offset,
			   struct function_returns *returns)
{
	struct walk walk = { .image = image };
	int err;

	*returns = (struct function_returns){ .nr = 0 };
	err = follow_all(&walk, entry_offset);
	if (!err)
		err = collect_returns(&walk, returns);
	returns->by_name = !err && walk.nr_slots > 0;
	if (err)
		returns->nr = 0;
	free(walk.instructions);
	free(walk.places);
	return err;
}
