// SPDX-License-Identifier: GPL-2.0
/*
 * Makes sorted rows of an ELF image and its call frame information. Segments are taken in order of
 * file offsets; within a segment, functions and the gaps between them alternate, in order of
 * addresses. So rows are made in their final order, and only functions are sorted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "unwind/cfi.h"
#include "base/counted_heap.h"
#include "base/memory_share.h"
#include "unwind/machine.h"
#include "unwind/unwind_image.h"
#include "unwind/unwind_rows.h"

/* A shorter gap between two functions is padding, which no thread ever runs. */
#define PADDING_BYTES 16
/*
 * Reading a file may take 1/MEMORY_PARTS of the machine's memory, at most MAX_BYTES. A browser's
 * file, with 20 MiB of .eh_frame, takes 100 MiB.
 */
#define MEMORY_PARTS 16
#define MAX_BYTES (192ull << 20)

/*
 * The code at a process's entry has no caller. It is assembly code that often doesn't say so
 * (ld.so's). It is short. The code after it may lack call frame information too, but has callers.
 */
#define ENTRY_BYTES 256

struct builder {
	struct unwind_rows *rows;
	const struct elf_source *source;
	const struct unwind_image *image;
	const struct unwind_segment *segment;
	size_t room;
};

/* Code without call frame information whose rules are known all the same. */
struct known_code {
	uint64_t begin;
	uint64_t end;
	const struct unwind_stubs *stubs; /* NULL: where the program begins */
};

static int add_row(uint64_t address, const struct unwind_rule *rule, void *context)
{
	struct builder *builder = context;
	struct unwind_rows *rows = builder->rows;
	int err;

	if (rows->nr && !memcmp(&rows->row[rows->nr - 1].rule, rule, sizeof(*rule)))
		return 0;
	if (rows->nr == UNWIND_ROWS_MAX)
		return -E2BIG;
	err = array__reserve(&rows->row, &builder->room, rows->nr + 1);
	if (err)
		return err;
	rows->row[rows->nr++] = (struct unwind_row){
		.file_offset = builder->segment->offset + (address - builder->segment->address),
		.rule = *rule,
	};
	return 0;
}

static int add_simple_row(struct builder *builder, uint64_t address, enum unwind_cfa cfa,
			  int32_t cfa_offset)
{
	struct unwind_rule rule = { .cfa = (__u8)cfa, .cfa_offset = cfa_offset };

	return add_row(address, &rule, builder);
}

/* Adds rows for the part of a section of stubs that lies in [begin, end), which is not empty. */
static int add_stubs(struct builder *builder, const struct unwind_stubs *stubs, uint64_t begin,
		     uint64_t end)
{
	unsigned char code[MACHINE_STUBS_CODE_BYTES];
	struct machine_stub_rule rules[MACHINE_STUB_RULES_MAX];
	size_t nr;
	int err = 0;

	if (elf_source__read(builder->source, stubs->offset, code, sizeof(code)))
		memset(code, 0, sizeof(code));
	nr = machine__stub_rules(code, stubs->end - stubs->begin, stubs->lazy, rules);
	for (size_t i = 0; i < nr && !err; i++) {
		uint64_t from = stubs->begin + rules[i].offset;
		uint64_t to = i + 1 < nr ? stubs->begin + rules[i + 1].offset : stubs->end;

		from = from > begin ? from : begin;
		if (from < to && from < end)
			err = add_row(from, &rules[i].rule, builder);
	}
	return err;
}

/* Finds the first known code in [begin, end), cut to that range. */
static bool find_known(const struct unwind_image *image, uint64_t begin, uint64_t end,
		       struct known_code *known)
{
	bool found = false;

	known->begin = end;
	for (size_t i = 0; i < image->nr_stubs; i++) {
		const struct unwind_stubs *stubs = &image->stubs[i];

		if (stubs->end <= begin || stubs->begin >= known->begin)
			continue;
		known->begin = stubs->begin > begin ? stubs->begin : begin;
		known->end = stubs->end < end ? stubs->end : end;
		known->stubs = stubs;
		found = true;
	}
	/* The entry code counts only in a gap that holds the entry itself, hence >=. */
	if (image->entry && image->entry >= begin && image->entry < known->begin) {
		known->begin = image->entry;
		known->end = end - image->entry > ENTRY_BYTES ? image->entry + ENTRY_BYTES : end;
		known->stubs = NULL;
		found = true;
	}
	return found;
}

/* Adds rows for code without call frame information. A short gap between functions is padding. */
static int fill_gap(struct builder *builder, uint64_t begin, uint64_t end, bool between)
{
	struct known_code known;
	int err = 0;

	if (begin >= end)
		return 0;
	if (between && end - begin < PADDING_BYTES &&
	    !find_known(builder->image, begin, end, &known))
		return 0;
	while (!err && begin < end && find_known(builder->image, begin, end, &known)) {
		if (known.begin > begin)
			err = add_simple_row(builder, begin, UNWIND_CFA_FRAME_POINTER, 0);
		if (!err && known.stubs)
			err = add_stubs(builder, known.stubs, known.begin, known.end);
		else if (!err)
			err = add_simple_row(builder, known.begin, UNWIND_CFA_END, 0);
		begin = known.end;
	}
	if (!err && begin < end)
		err = add_simple_row(builder, begin, UNWIND_CFA_FRAME_POINTER, 0);
	return err;
}

/* The first function that begins at or after the address. */
static size_t first_function(const struct cfi_function *functions, size_t nr, uint64_t address)
{
	return search__nr_before(nr, at, functions[at].begin < address);
}

/* A function belongs to the segment that it begins in, so that none is interpreted twice. */
static int fill_segment(struct builder *builder, const struct cfi *cfi)
{
	const struct unwind_segment *segment = builder->segment;
	uint64_t at = segment->address, end = segment->address + segment->nr_bytes;
	const struct cfi_function *functions;
	bool between = false;
	size_t nr, i;
	int err = 0;

	functions = cfi__functions(cfi, &nr);
	for (i = first_function(functions, nr, at); i < nr && functions[i].begin < end; i++) {
		struct cfi_function function = functions[i];

		function.end = function.end < end ? function.end : end;
		err = fill_gap(builder, at, function.begin, between);
		if (!err)
			err = cfi__interpret(cfi, &function, add_row, builder);
		if (err)
			return err;
		at = function.end;
		between = true;
	}
	return fill_gap(builder, at, end, false);
}

static int fill_segments(struct builder *builder, const struct cfi *cfi)
{
	int err = 0;

	cfi__functions(cfi, &builder->rows->nr_functions);
	builder->rows->nr_refused = cfi__nr_refused(cfi);
	for (size_t i = 0; i < builder->image->nr_segments && !err; i++) {
		builder->segment = &builder->image->segments[i];
		if (builder->rows->nr_functions)
			err = fill_segment(builder, cfi);
		else
			err = add_simple_row(builder, builder->segment->address,
					     UNWIND_CFA_FRAME_POINTER, 0);
	}
	/* This row ends the last rule's code. */
	if (!err && builder->segment)
		err = add_simple_row(builder,
				     builder->segment->address + builder->segment->nr_bytes,
				     UNWIND_CFA_FRAME_POINTER, 0);
	return err;
}

/* Reads .eh_frame. The caller frees *bytes. */
static int read_eh_frame(const struct builder *builder, struct cfi_section *section, void **bytes)
{
	const struct unwind_image *image = builder->image;
	uint64_t nr_bytes = image->eh_frame_bytes;
	int err;

	if (nr_bytes > CFI_SECTION_BYTES_MAX && !image->eh_frame_unbounded)
		return -E2BIG;
	if (nr_bytes > CFI_SECTION_BYTES_MAX)
		nr_bytes = CFI_SECTION_BYTES_MAX;
	*bytes = malloc(nr_bytes + 1);
	if (!*bytes)
		return -ENOMEM;
	err = elf_source__read(builder->source, image->eh_frame_offset, *bytes, nr_bytes);
	*section = (struct cfi_section){
		.bytes = *bytes,
		.nr_bytes = nr_bytes,
		.address = image->eh_frame_address,
		.data_base = image->got_address,
		.ends_at_terminator = image->eh_frame_unbounded,
	};
	return err;
}

static int build(struct builder *builder)
{
	struct cfi_section section;
	struct unwind_row *trimmed;
	struct cfi *cfi = NULL;
	void *bytes = NULL;
	int err;

	err = read_eh_frame(builder, &section, &bytes);
	if (!err)
		err = cfi__read(&section, &cfi);
	if (!err)
		err = fill_segments(builder, cfi);
	cfi__free(cfi);
	free(bytes);
	if (err || !builder->rows->nr)
		return err;
	trimmed = realloc(builder->rows->row, builder->rows->nr * sizeof(*trimmed));
	if (trimmed)
		builder->rows->row = trimmed;
	return 0;
}

static bool has_room(struct counted_heap *heap, uint64_t bytes)
{
	uint64_t max_bytes = memory_share(MEMORY_PARTS, MAX_BYTES);
	uint64_t taken = heap->bytes > 0 ? (uint64_t)heap->bytes : 0;

	return taken <= max_bytes && bytes <= max_bytes - taken;
}

/* The file chooses how many functions and rows it has, so memory is bounded here. */
static int build_within_bounds(struct builder *builder)
{
	struct counted_heap heap = { .has_room = has_room };
	struct counted_heap *before = counted_heap__work_for(&heap);
	int err = build(builder);

	counted_heap__work_for(before);
	return err == -ENOMEM && heap.refused ? -E2BIG : err;
}

static int read_rows(const struct elf_source *source, struct unwind_rows *rows)
{
	struct unwind_image image;
	struct builder builder = { .rows = rows, .source = source, .image = &image };
	int err;

	memset(rows, 0, sizeof(*rows));
	err = unwind_image__open(source, &image);
	if (err)
		return err;
	err = build_within_bounds(&builder);
	unwind_image__close(&image);
	if (err)
		unwind_rows__free(rows);
	return err;
}

int unwind_rows__of_file(int fd, struct unwind_rows *rows)
{
	struct elf_source source;
	int err = elf_source__of_file(fd, &source);

	memset(rows, 0, sizeof(*rows));
	return err ? err : read_rows(&source, rows);
}

void unwind_rows__free(struct unwind_rows *rows)
{
	free(rows->row);
	memset(rows, 0, sizeof(*rows));
}

const struct unwind_rule *unwind_rows__find(const struct unwind_rows *rows, uint64_t file_offset)
{
	size_t nr = search__nr_before(rows->nr, at, rows->row[at].file_offset <= file_offset);

	return nr ? &rows->row[nr - 1].rule : NULL;
}
