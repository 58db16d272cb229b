// SPDX-License-Identifier: GPL-2.0
/*
 * The records of .eh_frame: how they are told apart, how addresses are written in them, and which
 * record describes which function; and the result of damaged ones.
 */
#include <dwarf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/cfi.h"
#include "elf/encoded_pointer.h"
#include "frame_bytes.h"

#define SECTION_ADDRESS 0x8000

static const unsigned char usual[] = { DW_CFA_def_cfa, 7, 8, DW_CFA_offset + 16, 1 };

static struct cfi *read_frames(const struct frame_bytes *frames)
{
	const struct cfi_section section = {
		.bytes = frames->bytes,
		.nr_bytes = frames->nr,
		.address = SECTION_ADDRESS,
		.data_base = 0x4000,
	};
	struct cfi *cfi;

	assert_int_equal(cfi__read(&section, &cfi), 0);
	return cfi;
}

static void assert_functions(const struct frame_bytes *frames, size_t nr, const uint64_t *ends,
			     size_t nr_refused)
{
	struct cfi *cfi = read_frames(frames);
	const struct cfi_function *functions;
	size_t got;

	functions = cfi__functions(cfi, &got);
	assert_int_equal(got, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(functions[i].begin, ends[2 * i]);
		assert_int_equal(functions[i].end, ends[2 * i + 1]);
	}
	assert_int_equal(cfi__nr_refused(cfi), nr_refused);
	cfi__free(cfi);
}

static int keep_last(uint64_t address, const struct unwind_rule *rule, void *context)
{
	(void)address;
	*(struct unwind_rule *)context = *rule;
	return 0;
}

/* The last rule of the first function. */
static struct unwind_rule last_rule(const struct frame_bytes *frames)
{
	struct cfi *cfi = read_frames(frames);
	struct unwind_rule rule = { .cfa = 0xff };
	size_t nr;

	cfi__functions(cfi, &nr);
	assert_true(nr);
	assert_int_equal(cfi__interpret(cfi, cfi__functions(cfi, &nr), keep_last, &rule), 0);
	cfi__free(cfi);
	return rule;
}

/* An FDE whose address is written in some other way: begin and size of that width. */
static void put_encoded(struct frame_bytes *frames, unsigned char encoding, uint64_t begin,
			size_t width, size_t padding)
{
	size_t cie = frame_bytes__cie_of(frames, "zR", &encoding, 1, usual, sizeof(usual));
	size_t record = frame_bytes__open(frames);

	frame_bytes__number(frames, frames->nr - cie, 4);
	frame_bytes__number(frames, 0, padding);
	frame_bytes__number(frames, begin, width);
	frame_bytes__number(frames, 0x20, width);
	frame_bytes__number(frames, 0, 1);
	frame_bytes__close(frames, record);
}

/* The place of the address in such an FDE: after a CIE of 22 bytes, a length, and an identifier. */
#define ENCODED_AT (22 + 8)

static void test_every_encoding(void **state)
{
	static const struct {
		unsigned char encoding;
		size_t width;
		uint64_t written;
		uint64_t begin; /* 0: refused */
	} encodings[] = {
		{ DW_EH_PE_absptr, 8, 0x123456789, 0x123456789 },
		{ DW_EH_PE_signed, 8, 0x1234, 0x1234 },
		{ DW_EH_PE_udata2, 2, 0xff00, 0xff00 },
		{ DW_EH_PE_udata4, 4, 0xff000000, 0xff000000 },
		{ DW_EH_PE_udata8, 8, 0x1234, 0x1234 },
		{ DW_EH_PE_sdata2, 2, 0xff00, 0xffffffffffffff00 },
		{ DW_EH_PE_sdata4, 4, 0xffffff00, 0xffffffffffffff00 },
		{ DW_EH_PE_sdata8, 8, 0x1234, 0x1234 },
		{ DW_EH_PE_uleb128, 1, 0x33, 0x33 },
		{ DW_EH_PE_sleb128, 1, 0x33, 0x33 },
		{ DW_EH_PE_pcrel | DW_EH_PE_sdata4, 4, (uint32_t)-0x1000,
		  SECTION_ADDRESS + ENCODED_AT - 0x1000 },
		{ DW_EH_PE_datarel | DW_EH_PE_udata2, 2, 0x10, 0x4010 },
		/* Bases that are not known, and pointers that only a running program has. */
		{ DW_EH_PE_textrel | DW_EH_PE_udata2, 2, 0x10, 0 },
		{ DW_EH_PE_funcrel | DW_EH_PE_udata2, 2, 0x10, 0 },
		{ DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4, 4, 0x10, 0 },
		{ DW_EH_PE_omit, 8, 0x10, 0 },
		{ 0x05, 8, 0x10, 0 },
		{ 0x60, 8, 0x10, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		uint64_t range[] = { encodings[i].begin, encodings[i].begin + 0x20 };
		struct frame_bytes frames;

		frame_bytes__begin(&frames);
		put_encoded(&frames, encodings[i].encoding, encodings[i].written,
			    encodings[i].width, 0);
		assert_functions(&frames, !!encodings[i].begin, range, !encodings[i].begin);
		frame_bytes__end(&frames);
	}
}

static void test_an_aligned_pointer(void **state)
{
	const uint64_t range[] = { 0x1234, 0x1254 };
	struct frame_bytes frames;

	(void)state;
	frame_bytes__begin(&frames);
	put_encoded(&frames, DW_EH_PE_aligned, 0x1234, 8, 32 - ENCODED_AT);
	assert_functions(&frames, 1, range, 0);
	frame_bytes__end(&frames);
}

static void test_a_null_pointer_is_no_function(void **state)
{
	struct frame_bytes frames;

	(void)state;
	frame_bytes__begin(&frames);
	put_encoded(&frames, DW_EH_PE_absptr, 0, 8, 0);
	put_encoded(&frames, DW_EH_PE_pcrel | DW_EH_PE_sdata4, 0, 4, 0);
	assert_functions(&frames, 0, NULL, 0);
	frame_bytes__end(&frames);
}

static void put_augmented(struct frame_bytes *frames, const char *augmentation, const char *data,
			  size_t data_bytes)
{
	size_t cie =
		frame_bytes__cie_of(frames, augmentation, data, data_bytes, usual, sizeof(usual));
	size_t record = frame_bytes__open(frames);

	frame_bytes__number(frames, frames->nr - cie, 4);
	frame_bytes__number(frames, 0x1000, 8);
	frame_bytes__number(frames, 0x40, 8);
	if (augmentation[0] == 'z') {
		frame_bytes__number(frames, 4, 1);
		frame_bytes__number(frames, 0xffffffff, 4); /* no instructions */
	}
	frame_bytes__close(frames, record);
}

static void test_augmentations(void **state)
{
	static const struct {
		const char *letters;
		const char *data;
		size_t data_bytes;
		bool readable;
	} augmentations[] = {
		{ "", "", 0, true },
		{ "z", "", 0, true },
		{ "z", "xyz", 3, true }, /* more than the letters take */
		{ "zR", "\x00", 1, true },
		{ "zPLR", "\x9b\x01\x02\x03\x04\x1b\x00", 7, true },
		{ "zRP", "\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08", 10, true },
		{ "zRP", "\x00\xff", 2, true },
		{ "zLRS", "\x1b\x00", 2, true },
		{ "zRBG", "\x00", 1, true },
		{ "zR", "", 0, false },
		{ "zP", "\x1b\x01\x02\x03", 4, false }, /* cut off */
		{ "zP", "\x05\x01\x02\x03", 4, false },
		{ "zX", "\x00", 1, false },
		{ "X", "", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(augmentations) / sizeof(*augmentations); i++) {
		const uint64_t range[] = { 0x1000, 0x1040 };
		struct frame_bytes frames;

		frame_bytes__begin(&frames);
		put_augmented(&frames, augmentations[i].letters, augmentations[i].data,
			      augmentations[i].data_bytes);
		assert_functions(&frames, augmentations[i].readable, range,
				 augmentations[i].readable ? 0 : 2);
		if (augmentations[i].readable)
			assert_int_equal(last_rule(&frames).cfa, UNWIND_CFA_RSP);
		frame_bytes__end(&frames);
	}
}

/* Any version, and any register for the return address. */
static size_t put_versioned(struct frame_bytes *frames, unsigned char version, const char *rest,
			    size_t rest_bytes)
{
	size_t record = frame_bytes__open(frames);

	frame_bytes__number(frames, 0, 4);
	frame_bytes__number(frames, version, 1);
	frame_bytes__put(frames, rest, rest_bytes);
	frame_bytes__put(frames, usual, sizeof(usual));
	frame_bytes__close(frames, record);
	return record;
}

static void test_versions(void **state)
{
	static const struct {
		unsigned char version;
		const char *rest;
		size_t rest_bytes;
		int cfa; /* -1: can't be read */
	} versions[] = {
		{ 1, "\0\x01\x78\x10", 4, UNWIND_CFA_RSP },
		{ 1, "eh\0\0\0\0\0\0\0\0\0\x01\x78\x10", 14, UNWIND_CFA_RSP },
		{ 1, "\0\x01\x78\x11", 4, UNWIND_CFA_BAD }, /* another return address */
		{ 3, "\0\x01\x78\x90\0", 5, UNWIND_CFA_RSP },
		{ 4, "\0\x08\0\x01\x78\x10", 6, UNWIND_CFA_RSP },
		{ 4, "\0\x04\0\x01\x78\x10", 6, -1 },
		{ 4, "\0\x08\x01\x01\x78\x10", 6, -1 },
		{ 2, "\0\x01\x78\x10", 4, -1 },
		{ 5, "\0\x01\x78\x10", 4, -1 },
		/* Instructions that a CIE can't have: to go on, to go back. */
		{ 1, "\0\x01\x78\x10\x41", 5, UNWIND_CFA_BAD },
		{ 1, "\0\x01\x78\x10\x01\0\0\0\0\0\0\0\0", 13, UNWIND_CFA_BAD },
		{ 1, "\0\x01\x78\x10\xc6", 5, UNWIND_CFA_BAD },
		{ 1, "\0\x01\x78\x10\x0b", 5, UNWIND_CFA_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		const uint64_t range[] = { 0x1000, 0x1040 };
		struct frame_bytes frames;
		bool readable = versions[i].cfa >= 0;

		frame_bytes__begin(&frames);
		frame_bytes__fde(&frames,
				 put_versioned(&frames, versions[i].version, versions[i].rest,
					       versions[i].rest_bytes),
				 0x1000, 0x40, NULL, 0);
		assert_functions(&frames, readable, range, readable ? 0 : 2);
		if (readable)
			assert_int_equal(last_rule(&frames).cfa, versions[i].cfa);
		frame_bytes__end(&frames);
	}
}

static void test_a_record_of_64_bits(void **state)
{
	const uint64_t range[] = { 0x1000, 0x1040 };
	struct frame_bytes frames;
	size_t cie;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	frame_bytes__number(&frames, UINT32_MAX, 4);
	frame_bytes__number(&frames, 20, 8);
	frame_bytes__number(&frames, frames.nr - cie, 4);
	frame_bytes__number(&frames, 0x1000, 8);
	frame_bytes__number(&frames, 0x40, 8);
	assert_functions(&frames, 1, range, 0);
	/* The same with an endless length. */
	memset(frames.bytes + frames.nr - 28, 0xff, 8);
	assert_functions(&frames, 0, NULL, 1);
	frame_bytes__end(&frames);
}

static void test_damaged_records(void **state)
{
	const uint64_t ranges[] = { 0x1000, 0x1040, 0x2000, 0x2040 };
	struct frame_bytes frames;
	size_t cie, record;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	frame_bytes__fde(&frames, cie, 0x1000, 0x40, NULL, 0);
	/*
	 * FDEs whose CIE is none: the FDE itself, another FDE, the middle of a CIE, before the
	 * section, after it.
	 */
	frame_bytes__fde(&frames, frames.nr + 4, 0x1800, 0x40, NULL, 0);
	frame_bytes__fde(&frames, frames.nr, 0x1800, 0x40, NULL, 0);
	frame_bytes__fde(&frames, cie + 1, 0x1800, 0x40, NULL, 0);
	frame_bytes__fde(&frames, (size_t)-4, 0x1800, 0x40, NULL, 0);
	frame_bytes__fde(&frames, frames.nr + 28, 0x1800, 0x40, NULL, 0);
	/* Too short for its fields. */
	record = frame_bytes__open(&frames);
	frame_bytes__number(&frames, frames.nr - cie, 4);
	frame_bytes__number(&frames, 0x1800, 8);
	frame_bytes__close(&frames, record);
	record = frame_bytes__open(&frames);
	frame_bytes__number(&frames, 1, 1);
	frame_bytes__close(&frames, record);
	/* Around the end of the address space; of negative size; empty. */
	frame_bytes__fde(&frames, cie, UINT64_MAX - 1, 0x40, NULL, 0);
	frame_bytes__fde(&frames, cie, 0x1900, (uint64_t)-0x40, NULL, 0);
	frame_bytes__fde(&frames, cie, 0x1900, 0, NULL, 0);
	/* A good record comes after all of it, and after a terminator. */
	frame_bytes__number(&frames, 0, 4);
	frame_bytes__fde(&frames, cie, 0x2000, 0x40, NULL, 0);
	/* From here on the records can't be told apart. */
	frame_bytes__number(&frames, 0x1000, 4);
	frame_bytes__fde(&frames, cie, 0x3000, 0x40, NULL, 0);
	assert_functions(&frames, 2, ranges, 9 + 1);
	frame_bytes__end(&frames);
}

static void test_every_truncation(void **state)
{
	struct frame_bytes frames;
	size_t whole;

	(void)state;
	frame_bytes__begin(&frames);
	put_augmented(&frames, "zPLR", "\x9b\x01\x02\x03\x04\x1b\x00", 7);
	whole = frames.nr;
	for (frames.nr = 0; frames.nr < whole; frames.nr++) {
		/* A sanitizer then sees reads beyond the end. */
		struct frame_bytes cut = { .bytes = malloc(frames.nr), .nr = frames.nr };

		memcpy(cut.bytes, frames.bytes, frames.nr);
		assert_functions(&cut, 0, NULL,
				 frames.nr != 0 && frames.nr != 4u + frames.bytes[0]);
		free(cut.bytes);
	}
	frame_bytes__end(&frames);
}

static void test_a_terminator_where_nothing_else_tells_the_end(void **state)
{
	struct cfi_section section = { .ends_at_terminator = true };
	struct frame_bytes frames;
	struct cfi *cfi;
	size_t cie, nr;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	frame_bytes__fde(&frames, cie, 0x1000, 0x40, NULL, 0);
	frame_bytes__number(&frames, 0, 4);
	frame_bytes__fde(&frames, cie, 0x2000, 0x40, NULL, 0);
	section.bytes = frames.bytes;
	section.nr_bytes = frames.nr;
	assert_int_equal(cfi__read(&section, &cfi), 0);
	cfi__functions(cfi, &nr);
	assert_int_equal(nr, 1);
	cfi__free(cfi);
	frame_bytes__end(&frames);
}

static void test_functions_that_overlap(void **state)
{
	const uint64_t ranges[] = { 0x1000, 0x1010, 0x1010, 0x1020, 0x1020, 0x1030, 0x2000, 0x2040 };
	struct frame_bytes frames;
	size_t cie;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie(&frames);
	frame_bytes__fde(&frames, cie, 0x2000, 0x40, NULL, 0);
	frame_bytes__fde(&frames, cie, 0x1010, 0x40, NULL, 0);
	frame_bytes__fde(&frames, cie, 0x1020, 0x10, NULL, 0);
	frame_bytes__fde(&frames, cie, 0x1000, 0x100, NULL, 0);
	/* Folded with the first one: its instructions don't count. */
	frame_bytes__fde(&frames, cie, 0x2000, 0x1000, NULL, 0);
	assert_functions(&frames, 4, ranges, 0);
	frame_bytes__end(&frames);
}

static void test_set_loc_is_encoded_too(void **state)
{
	const unsigned char encoding = DW_EH_PE_udata2;
	const unsigned char code[] = { DW_CFA_set_loc, 0x20, 0x10, DW_CFA_def_cfa_offset, 16 };
	struct frame_bytes frames;
	size_t cie, record;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie_of(&frames, "zR", &encoding, 1, usual, sizeof(usual));
	record = frame_bytes__open(&frames);
	frame_bytes__number(&frames, frames.nr - cie, 4);
	frame_bytes__number(&frames, 0x1000, 2);
	frame_bytes__number(&frames, 0x40, 2);
	frame_bytes__number(&frames, 0, 1);
	frame_bytes__put(&frames, code, sizeof(code));
	frame_bytes__close(&frames, record);
	assert_int_equal(last_rule(&frames).cfa_offset, 16);
	frame_bytes__end(&frames);
}

/* The work for each of many functions must not grow with the CIE that they share. */
static void test_a_large_entry_is_run_once(void **state)
{
	struct frame_bytes frames;
	unsigned char *nops = calloc(1, 400000);
	struct cfi *cfi;
	size_t cie, nr;

	(void)state;
	frame_bytes__begin(&frames);
	cie = frame_bytes__cie_of(&frames, "", NULL, 0, nops, 400000);
	for (uint64_t i = 1; frames.nr + 24 < FRAME_BYTES_MAX; i++)
		frame_bytes__fde(&frames, cie, i * 16, 16, NULL, 0);
	cfi = read_frames(&frames);
	cfi__functions(cfi, &nr);
	assert_true(nr > 20000);
	for (size_t i = 0; i < nr; i++) {
		struct unwind_rule rule;

		cfi__interpret(cfi, &cfi__functions(cfi, &nr)[i], keep_last, &rule);
		assert_int_equal(rule.cfa, UNWIND_CFA_BAD); /* no cfa at all */
	}
	cfi__free(cfi);
	free(nops);
	frame_bytes__end(&frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_encoding),
		cmocka_unit_test(test_an_aligned_pointer),
		cmocka_unit_test(test_a_null_pointer_is_no_function),
		cmocka_unit_test(test_augmentations),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_a_record_of_64_bits),
		cmocka_unit_test(test_damaged_records),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_a_terminator_where_nothing_else_tells_the_end),
		cmocka_unit_test(test_functions_that_overlap),
		cmocka_unit_test(test_set_loc_is_encoded_too),
		cmocka_unit_test(test_a_large_entry_is_run_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
