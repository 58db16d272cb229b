// SPDX-License-Identifier: GPL-2.0
/*
 * Searches the table of .eh_frame_hdr in the file itself, then reads the one frame description
 * entry (FDE) and its common information entry (CIE) that the search found. function_returns.c
 * asks, for files with up to a million functions, of which it visits a few.
 */
#include "elf/function_ranges.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/byte_cursor.h"
#include "elf/encoded_pointer.h"

/* The form that GNU ld, gold, lld and mold write, and that libgcc can search. */
#define COUNT_ENCODING DW_EH_PE_udata4
#define TABLE_ENCODING (DW_EH_PE_datarel | DW_EH_PE_sdata4)

/* Enough of a record: what is read of an FDE takes 46 bytes at most, of a CIE little more. */
#define RECORD_BYTES 128

struct table_row {
	int32_t function; /* both relative to .eh_frame_hdr */
	int32_t record;
};

/* The beginning of a record of .eh_frame. */
struct record {
	uint64_t address;
	uint8_t bytes[RECORD_BYTES];
	struct byte_cursor cursor; /* over what comes after the record's length */
};

/* What a CIE says of the FDEs that belong to it. */
struct entry {
	uint8_t pointer_encoding;
	uint8_t exception_encoding;
	bool sized; /* its FDEs say how long their augmentation is */
};

static int read_header(const struct elf_image *image, const Elf64_Phdr *segment,
		       struct function_ranges *ranges)
{
	uint8_t bytes[32];
	size_t nr_bytes = segment->p_filesz < sizeof(bytes) ? segment->p_filesz : sizeof(bytes);
	const struct pointer_bases bases = {
		.begin = bytes,
		.address = segment->p_vaddr,
		.data = segment->p_vaddr,
	};
	struct byte_cursor cursor = byte_cursor__over(bytes, nr_bytes);
	uint8_t version, frame, count, table;
	int err = elf_image__read(image, segment->p_offset, bytes, nr_bytes);

	if (err)
		return err;
	version = byte_cursor__byte(&cursor);
	frame = byte_cursor__byte(&cursor);
	count = byte_cursor__byte(&cursor);
	table = byte_cursor__byte(&cursor);
	if (version != 1 || count != COUNT_ENCODING || table != TABLE_ENCODING)
		return -ENOTSUP;
	encoded_pointer__skip(&cursor, frame, &bases);
	ranges->nr = byte_cursor__unsigned(&cursor, 4);
	ranges->table_offset = segment->p_offset + (uint64_t)(cursor.at - bytes);
	return cursor.failed ? -EBADMSG : 0;
}

int function_ranges__open(const struct elf_image *image, struct function_ranges *ranges)
{
	const Elf64_Phdr *segment = elf_image__segment(image, PT_GNU_EH_FRAME, 0);
	int err;

	*ranges = (struct function_ranges){ .image = image };
	if (!segment)
		return -ENOTSUP;
	ranges->address = segment->p_vaddr;
	err = read_header(image, segment, ranges);
	if (err)
		ranges->nr = 0;
	return err;
}

static int read_row(const struct function_ranges *ranges, uint64_t nth, struct table_row *row)
{
	return elf_image__read(ranges->image, ranges->table_offset + nth * sizeof(*row), row,
			       sizeof(*row));
}

/* The last row whose function begins at the address or before it. */
static int search_table(const struct function_ranges *ranges, uint64_t address,
			struct table_row *row)
{
	uint64_t first = 0, nr = ranges->nr;
	bool found = false;

	while (nr) {
		uint64_t middle = first + nr / 2;
		struct table_row at;
		int err = read_row(ranges, middle, &at);

		if (err)
			return err;
		if (ranges->address + (uint64_t)(int64_t)at.function > address) {
			nr /= 2;
			continue;
		}
		*row = at;
		found = true;
		nr -= nr / 2 + 1;
		first = middle + 1;
	}
	return found ? 0 : -ENOENT;
}

static int read_record(const struct elf_image *image, uint64_t address, struct record *record)
{
	struct byte_cursor cursor;
	uint64_t offset, length;
	size_t nr_bytes;
	int err = elf_image__offset_of(image, address, false, &offset);

	if (err)
		return err;
	nr_bytes = elf_image__within(image, offset, sizeof(record->bytes));
	err = elf_image__read(image, offset, record->bytes, nr_bytes);
	if (err)
		return err;
	record->address = address;
	cursor = byte_cursor__over(record->bytes, nr_bytes);
	length = byte_cursor__unsigned(&cursor, 4);
	if (length == UINT32_MAX) /* 64-bit DWARF, which no compiler writes here */
		return -ENOTSUP;
	if (cursor.failed || !length)
		return -EBADMSG;
	if (length < byte_cursor__left(&cursor))
		cursor.end = cursor.at + length;
	record->cursor = cursor;
	return 0;
}

static struct pointer_bases bases_of(const struct record *record)
{
	return (struct pointer_bases){ .begin = record->bytes, .address = record->address };
}

/* Letters say which data follow; data of an unknown letter can't be passed over. */
static int read_augmentation(struct record *record, const char *letters, struct entry *entry)
{
	const struct pointer_bases bases = bases_of(record);

	if (*letters && *letters != 'z')
		return -ENOTSUP;
	entry->sized = *letters == 'z';
	if (!entry->sized)
		return 0;
	byte_cursor__uleb128(&record->cursor);
	for (letters++; *letters; letters++) {
		switch (*letters) {
		case 'R':
			entry->pointer_encoding = byte_cursor__byte(&record->cursor);
			break;
		case 'L':
			entry->exception_encoding = byte_cursor__byte(&record->cursor);
			break;
		case 'P':
			encoded_pointer__skip(&record->cursor, byte_cursor__byte(&record->cursor),
					      &bases);
			break;
		case 'S': /* a signal's frame */
		case 'B': /* signed return addresses */
			break;
		default:
			return -ENOTSUP;
		}
	}
	return record->cursor.failed ? -EBADMSG : 0;
}

static int read_entry(const struct elf_image *image, uint64_t address, struct entry *entry)
{
	struct record record;
	const char *letters;
	uint8_t version;
	int err = read_record(image, address, &record);

	*entry = (struct entry){
		.pointer_encoding = DW_EH_PE_absptr,
		.exception_encoding = DW_EH_PE_omit,
	};
	if (err)
		return err;
	if (byte_cursor__unsigned(&record.cursor, 4)) /* 0 marks a CIE */
		return -EBADMSG;
	version = byte_cursor__byte(&record.cursor);
	letters = byte_cursor__string(&record.cursor);
	if (!letters)
		return -EBADMSG;
	if (version != 1 && version != 3)
		return -ENOTSUP;
	byte_cursor__uleb128(&record.cursor); /* factors of code and of data */
	byte_cursor__sleb128(&record.cursor);
	if (version == 1) /* the register of the return address */
		byte_cursor__byte(&record.cursor);
	else
		byte_cursor__uleb128(&record.cursor);
	return read_augmentation(&record, letters, entry);
}

static int fill_range(struct record *record, const struct entry *entry,
		      struct function_range *range)
{
	struct pointer_bases bases = bases_of(record);
	uint64_t end;

	range->address = encoded_pointer__read(&record->cursor, entry->pointer_encoding, &bases);
	range->nr_bytes = encoded_pointer__read_size(&record->cursor, entry->pointer_encoding);
	range->exception_table = 0;
	if (entry->sized) {
		byte_cursor__uleb128(&record->cursor);
		if (entry->exception_encoding != DW_EH_PE_omit)
			range->exception_table = encoded_pointer__read(
				&record->cursor, entry->exception_encoding, &bases);
	}
	if (record->cursor.failed || !range->nr_bytes ||
	    __builtin_add_overflow(range->address, range->nr_bytes, &end))
		return -EBADMSG;
	return 0;
}

static int read_range(const struct elf_image *image, uint64_t address, struct function_range *range)
{
	struct record record;
	struct entry entry;
	uint64_t here;
	int err = read_record(image, address, &record);

	if (err)
		return err;
	/* The CIE is that many bytes before this number. */
	here = address + (uint64_t)(record.cursor.at - record.bytes);
	err = read_entry(image, here - byte_cursor__unsigned(&record.cursor, 4), &entry);
	return err ? err : fill_range(&record, &entry, range);
}

int function_ranges__find(const struct function_ranges *ranges, uint64_t address,
			  struct function_range *range)
{
	struct table_row row = { 0 };
	int err = search_table(ranges, address, &row);

	if (!err)
		err = read_range(ranges->image, ranges->address + (uint64_t)(int64_t)row.record,
				 range);
	if (err)
		return err;
	/* The gap after a function belongs to none. */
	if (address < range->address || address - range->address >= range->nr_bytes)
		return -ENOENT;
	return 0;
}
