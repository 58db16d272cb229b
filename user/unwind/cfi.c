// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the records of .eh_frame: common information entries (CIE) and frame description entries
 * (FDE, one for each function or part of one). They are read once, from the first byte to the last.
 * An FDE names its CIE by the distance back to it, and only CIEs already read count: so no two
 * records can share bytes, and no chain of records is followed.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "unwind/cfi_state.h"

#define ENTRIES_MAX (256u << 10) /* one for each object file, if the linker merges none */
#define FUNCTIONS_MAX (8u << 20)
#define LENGTH_IS_64 UINT32_MAX

struct cfi {
	struct cfi_section section;
	struct cfi_entry *entries; /* in order of their offsets */
	size_t nr_entries;
	size_t entries_room;
	struct cfi_function *functions;
	size_t nr_functions;
	size_t functions_room;
	size_t nr_refused;
};

static struct pointer_bases bases_of(const struct cfi *cfi, uint64_t function)
{
	return (struct pointer_bases){
		.begin = cfi->section.bytes,
		.address = cfi->section.address,
		.data = cfi->section.data_base,
		.function = function,
	};
}

static uint32_t offset_of(const struct cfi *cfi, const uint8_t *at)
{
	return (uint32_t)(at - (const uint8_t *)cfi->section.bytes);
}

/* Fails at an unknown letter: those after it could mean anything. */
static bool read_augmentation_data(struct cfi_entry *entry, const char *letters,
				   struct byte_cursor *data, const struct pointer_bases *bases)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 'L': /* encoding of the pointers to exception data */
			byte_cursor__byte(data);
			break;
		case 'P': /* pointer to the personality routine */
			encoded_pointer__skip(data, byte_cursor__byte(data), bases);
			break;
		case 'R':
			entry->pointer_encoding = byte_cursor__byte(data);
			break;
		case 'S':
			entry->signal = true;
			break;
		case 'B': /* aarch64: the return address is signed with the other key */
		case 'G': /* aarch64: the stack's memory is tagged */
			break;
		default:
			return false;
		}
	}
	return !data->failed;
}

/* Leaves the cursor at the instructions. */
static bool read_augmentation(struct cfi_entry *entry, const char *augmentation,
			      struct byte_cursor *record, const struct pointer_bases *bases)
{
	struct byte_cursor data;
	const uint8_t *bytes;
	uint64_t nr_bytes;

	if (augmentation[0] != 'z') /* the caller has read the pointer of "eh" */
		return !augmentation[0] || !strcmp(augmentation, "eh");
	nr_bytes = byte_cursor__uleb128(record);
	bytes = byte_cursor__take(record, nr_bytes);
	if (!bytes)
		return false;
	entry->sized = true;
	data = byte_cursor__over(bytes, nr_bytes);
	return read_augmentation_data(entry, augmentation + 1, &data, bases);
}

static bool parse_entry(const struct cfi *cfi, struct cfi_entry *entry, struct byte_cursor record)
{
	struct pointer_bases bases = bases_of(cfi, 0);
	uint8_t version = byte_cursor__byte(&record);
	const char *augmentation = byte_cursor__string(&record);
	uint64_t return_register;

	if (!augmentation || (version != 1 && version != 3 && version != 4))
		return false;
	if (!strcmp(augmentation, "eh")) /* a pointer, by compilers before 2000 */
		byte_cursor__take(&record, 8);
	/* Address size and segment selector size. */
	if (version == 4 && (byte_cursor__byte(&record) != 8 || byte_cursor__byte(&record) != 0))
		return false;
	entry->code_factor = byte_cursor__uleb128(&record);
	entry->data_factor = byte_cursor__sleb128(&record);
	return_register = version == 1 ? byte_cursor__byte(&record) : byte_cursor__uleb128(&record);
	if (!read_augmentation(entry, augmentation, &record, &bases) || record.failed)
		return false;
	/* From here on its functions can be listed, even if their rules can't be read. */
	entry->usable = cfi_program__initialize(entry, record) &&
			machine__register(return_register) == MACHINE_RETURN_ADDRESS;
	return true;
}

static int read_entry(struct cfi *cfi, uint32_t offset, struct byte_cursor record)
{
	struct cfi_entry entry = { .offset = offset, .pointer_encoding = DW_EH_PE_absptr };
	int err;

	if (!parse_entry(cfi, &entry, record)) {
		cfi->nr_refused++;
		return 0;
	}
	if (cfi->nr_entries == ENTRIES_MAX)
		return -E2BIG;
	err = array__reserve(&cfi->entries, &cfi->entries_room, cfi->nr_entries + 1);
	if (!err)
		cfi->entries[cfi->nr_entries++] = entry;
	return err;
}

/* The CIE that begins there, or NULL. Most functions belong to the last one. */
static const struct cfi_entry *find_entry(const struct cfi *cfi, uint32_t offset)
{
	size_t nr = cfi->nr_entries, first;

	if (nr && cfi->entries[nr - 1].offset == offset)
		return &cfi->entries[nr - 1];
	first = search__nr_before(nr, at, cfi->entries[at].offset < offset);
	return first < nr && cfi->entries[first].offset == offset ? &cfi->entries[first] : NULL;
}

/* Fills the function except for its entry. False when it is unreadable, empty or dropped. */
static bool parse_function(struct cfi *cfi, const struct cfi_entry *entry,
			   struct byte_cursor record, struct cfi_function *function)
{
	struct pointer_bases bases = bases_of(cfi, 0);
	uint64_t bytes;

	function->begin = encoded_pointer__read(&record, entry->pointer_encoding, &bases);
	bytes = encoded_pointer__read_size(&record, entry->pointer_encoding);
	if (entry->sized)
		byte_cursor__take(&record, byte_cursor__uleb128(&record));
	if (record.failed || bytes > INT64_MAX ||
	    __builtin_add_overflow(function->begin, bytes, &function->end)) {
		cfi->nr_refused++;
		return false;
	}
	function->program = offset_of(cfi, record.at);
	function->program_bytes = (uint32_t)byte_cursor__left(&record);
	/* Linkers leave 0 where they dropped a function. */
	return function->begin && bytes;
}

static int read_function(struct cfi *cfi, uint32_t entry_offset, struct byte_cursor record)
{
	const struct cfi_entry *entry = find_entry(cfi, entry_offset);
	struct cfi_function function;
	int err;

	if (!entry) {
		cfi->nr_refused++;
		return 0;
	}
	if (!parse_function(cfi, entry, record, &function))
		return 0;
	function.entry = (uint32_t)(entry - cfi->entries);
	if (cfi->nr_functions == FUNCTIONS_MAX)
		return -E2BIG;
	err = array__reserve(&cfi->functions, &cfi->functions_room, cfi->nr_functions + 1);
	if (!err)
		cfi->functions[cfi->nr_functions++] = function;
	return err;
}

/* Reads one record. The cursor fails at a damaged length: the next record can't be found. */
static int read_record(struct cfi *cfi, struct byte_cursor *section)
{
	const uint8_t *begin = section->at, *bytes;
	uint64_t length = byte_cursor__unsigned(section, 4);
	uint32_t id_offset, id;
	struct byte_cursor record;

	if (length == LENGTH_IS_64)
		length = byte_cursor__unsigned(section, 8);
	bytes = byte_cursor__take(section, length);
	if (!bytes)
		return 0;
	if (!length) { /* ends one object file's records; linkers have put more after it */
		section->at = cfi->section.ends_at_terminator ? section->end : section->at;
		return 0;
	}
	record = byte_cursor__over(bytes, length);
	id_offset = offset_of(cfi, bytes);
	id = (uint32_t)byte_cursor__unsigned(&record, 4);
	if (!record.failed && !id)
		return read_entry(cfi, offset_of(cfi, begin), record);
	if (!record.failed && id <= id_offset)
		return read_function(cfi, id_offset - id, record);
	cfi->nr_refused++;
	return 0;
}

static int read_records(struct cfi *cfi)
{
	struct byte_cursor section;
	int err = 0;

	if (!cfi->section.nr_bytes)
		return 0;
	section = byte_cursor__over(cfi->section.bytes, cfi->section.nr_bytes);
	while (section.at < section.end && !err)
		err = read_record(cfi, &section);
	cfi->nr_refused += section.failed;
	return err;
}

/*
 * Functions can share a begin, as where a linker folded identical ones. They stay in their order in
 * the section, of which separate_functions keeps the first.
 */
static int compare_functions(const void *a, const void *b)
{
	const struct cfi_function *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return (left->program > right->program) - (left->program < right->program);
}

static bool is_sorted(const struct cfi *cfi)
{
	for (size_t i = 1; i < cfi->nr_functions; i++)
		if (compare_functions(&cfi->functions[i - 1], &cfi->functions[i]) > 0)
			return false;
	return true;
}

/*
 * Gives each address the function that an unwinder would find there: it searches .eh_frame_hdr for
 * the last function that begins at or before the address.
 */
static void separate_functions(struct cfi *cfi)
{
	struct cfi_function *functions = cfi->functions;
	size_t nr = 0;

	for (size_t i = 0; i < cfi->nr_functions; i++) {
		if (nr && functions[nr - 1].begin == functions[i].begin)
			continue;
		if (nr && functions[nr - 1].end > functions[i].begin)
			functions[nr - 1].end = functions[i].begin;
		functions[nr++] = functions[i];
	}
	cfi->nr_functions = nr;
}

int cfi__read(const struct cfi_section *section, struct cfi **result)
{
	struct cfi *cfi;
	int err;

	*result = NULL;
	if (section->nr_bytes > CFI_SECTION_BYTES_MAX)
		return -E2BIG;
	cfi = calloc(1, sizeof(*cfi));
	if (!cfi)
		return -ENOMEM;
	cfi->section = *section;
	err = read_records(cfi);
	if (err) {
		cfi__free(cfi);
		return err;
	}
	if (!is_sorted(cfi))
		qsort(cfi->functions, cfi->nr_functions, sizeof(*cfi->functions),
		      compare_functions);
	separate_functions(cfi);
	*result = cfi;
	return 0;
}

void cfi__free(struct cfi *cfi)
{
	if (!cfi)
		return;
	free(cfi->entries);
	free(cfi->functions);
	free(cfi);
}

const struct cfi_function *cfi__functions(const struct cfi *cfi, size_t *nr)
{
	*nr = cfi->nr_functions;
	return cfi->functions;
}

size_t cfi__nr_refused(const struct cfi *cfi)
{
	return cfi->nr_refused;
}

int cfi__interpret(const struct cfi *cfi, const struct cfi_function *function, cfi_emit emit,
		   void *context)
{
	struct pointer_bases bases = bases_of(cfi, function->begin);
	const uint8_t *code = (const uint8_t *)cfi->section.bytes + function->program;

	return cfi_program__run(&cfi->entries[function->entry],
				byte_cursor__over(code, function->program_bytes), &bases,
				function->end, emit, context);
}
