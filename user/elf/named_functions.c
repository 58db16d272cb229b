// SPDX-License-Identifier: GPL-2.0
/*
 * A large program has a million symbols and tens of megabytes of names, in no useful order. So the
 * string table is read first, once, for the places where a wanted name ends; then the symbols,
 * once, each against those few places. No other name is looked at. Linkers let "malloc" begin in
 * the middle of "xmalloc": that is why ends are searched for, not beginnings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#include "elf/named_functions.h"

#define CHUNK_BYTES (256 << 10)
#define PLACES_MAX (1 << 20) /* large C programs have thousands of names that end in "free" */

/* A wanted name begins at this offset of the string table. */
struct place {
	uint32_t offset;
	uint16_t name, prefix;
};

struct search {
	const struct elf_image *image; /* what the addresses are of */
	const struct elf_symbol_table *table;
	const struct wanted_functions *wanted;
	size_t name_bytes[NAMED_FUNCTIONS_MAX], prefix_bytes[NAMED_FUNCTIONS_MAX];
	struct place *places;
	size_t nr_places;
	size_t room;
	char *chunk;
	int (*found)(const struct named_function *function, void *context);
	void *context;
};

static int add_place(struct search *search, uint64_t offset, size_t name, size_t prefix)
{
	int err;

	if (offset > UINT32_MAX) /* no symbol can point there */
		return 0;
	if (search->nr_places == PLACES_MAX)
		return -EBADMSG;
	err = array__reserve(&search->places, &search->room, search->nr_places + 1);
	if (err)
		return err;
	search->places[search->nr_places++] = (struct place){
		.offset = (uint32_t)offset,
		.name = (uint16_t)name,
		.prefix = (uint16_t)prefix,
	};
	return 0;
}

/* A name begins after text[0..length), at that offset of the string table. */
static int match_prefixes(struct search *search, const char *text, size_t length, uint64_t offset,
			  size_t name)
{
	int err = 0;

	for (size_t i = 0; i < search->wanted->nr_prefixes && !err; i++) {
		size_t bytes = search->prefix_bytes[i];

		if (bytes <= length &&
		    !memcmp(text + length - bytes, search->wanted->prefixes[i], bytes))
			err = add_place(search, offset - bytes, name, i);
	}
	return err;
}

/*
 * A name ends after text[0..length), which is not empty; end is the offset of its end in the string
 * table.
 */
static int match_end(struct search *search, const char *text, size_t length, uint64_t end)
{
	for (size_t i = 0; i < search->wanted->nr_names; i++) {
		const char *name = search->wanted->names[i];
		size_t bytes = search->name_bytes[i];
		int err;

		if (bytes > length || text[length - 1] != name[bytes - 1] ||
		    memcmp(text + length - bytes, name, bytes) != 0)
			continue;
		err = match_prefixes(search, text, length - bytes, end - bytes, i);
		if (err)
			return err;
	}
	return 0;
}

/*
 * The bytes before `from` were searched with the previous chunk; offset is the string table's
 * offset of text[0].
 */
static int match_ends(struct search *search, size_t from, size_t bytes, char terminator,
		      uint64_t offset)
{
	const char *text = search->chunk, *at = text + from, *end = text + bytes;
	int err = 0;

	while (!err && (at = memchr(at, terminator, (size_t)(end - at)))) {
		size_t length = (size_t)(at - text);

		if (length)
			err = match_end(search, text, length, offset + length);
		/* Skip empty names at once: a gigabyte of them costs an attacker little. */
		while (at < end && *at == terminator)
			at++;
	}
	return err;
}

/* How many of these bytes lie in a hole, and so are 0 without reading them. */
static uint64_t hole_bytes(const struct search *search, uint64_t offset, uint64_t nr_bytes)
{
	uint64_t data = elf_source__next_data(search->table->source, offset);

	return data - offset < nr_bytes ? data - offset : nr_bytes;
}

/* Reads on after the kept end of the previous chunk, since a name can straddle two chunks. */
static int match_strings(struct search *search, uint64_t offset, size_t nr, size_t *kept)
{
	size_t bytes = *kept + nr, keep;
	int err = elf_source__read(search->table->source, search->table->strings_offset + offset,
				   search->chunk + *kept, nr);

	if (!err) /* a name ends at its NUL, or where its version begins */
		err = match_ends(search, *kept, bytes, '\0', offset - *kept);
	if (!err)
		err = match_ends(search, *kept, bytes, '@', offset - *kept);
	keep = bytes < NAMED_FUNCTIONS_NAME_MAX ? bytes : NAMED_FUNCTIONS_NAME_MAX;
	memmove(search->chunk, search->chunk + bytes - keep, keep);
	*kept = keep;
	return err;
}

static int find_places(struct search *search)
{
	uint64_t left = search->table->strings_bytes, offset = 0;
	size_t kept = 0;
	int err = 0;

	while (left && !err) {
		uint64_t hole = hole_bytes(search, search->table->strings_offset + offset, left);
		uint64_t nr = hole ? hole : left < CHUNK_BYTES ? left : CHUNK_BYTES;

		/* A name that ends where a hole begins has its NUL there. */
		err = match_strings(search, offset, hole ? 1 : (size_t)nr, &kept);
		if (hole)
			kept = 0;
		offset += nr;
		left -= nr;
	}
	return err;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static bool is_function(const Elf64_Sym *symbol)
{
	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       (symbol->st_shndx < SHN_LORESERVE || symbol->st_shndx == SHN_XINDEX);
}

static int report(const struct search *search, const Elf64_Sym *symbol)
{
	struct place key = { .offset = symbol->st_name };
	const struct place *place =
		bsearch(&key, search->places, search->nr_places, sizeof(key), compare_places);
	struct named_function function;

	if (!place)
		return 0;
	function.name = place->name;
	function.prefix = place->prefix;
	function.local = ELF64_ST_BIND(symbol->st_info) == STB_LOCAL;
	function.nr_bytes = symbol->st_size;
	/* Code outside every executable segment can't be called, and no probe can be put there. */
	if (elf_image__offset_of(search->image, symbol->st_value, true, &function.file_offset))
		return 0;
	return search->found(&function, search->context);
}

static int match_some_symbols(const struct search *search, uint64_t offset, size_t nr)
{
	const Elf64_Sym *symbols = (const Elf64_Sym *)search->chunk;
	int err = elf_source__read(search->table->source, offset, search->chunk,
				   nr * sizeof(*symbols));

	for (size_t i = 0; i < nr && !err; i++)
		if (is_function(&symbols[i]))
			err = report(search, &symbols[i]);
	return err;
}

static int match_symbols(const struct search *search)
{
	const size_t symbol_bytes = sizeof(Elf64_Sym);
	uint64_t left = search->table->nr_symbols, offset = search->table->symbols_offset;

	while (left) {
		/* Symbols in a hole are zeroes, and so undefined. */
		uint64_t hole = hole_bytes(search, offset, left * symbol_bytes);
		uint64_t nr = hole / symbol_bytes;
		int err = 0;

		if (!nr) {
			nr = CHUNK_BYTES / symbol_bytes;
			nr = left < nr ? left : nr;
			err = match_some_symbols(search, offset, (size_t)nr);
		}
		if (err)
			return err;
		offset += nr * symbol_bytes;
		left -= nr;
	}
	return 0;
}

static int search_table(struct search *search)
{
	int err = find_places(search);

	if (err || !search->nr_places)
		return err;
	qsort(search->places, search->nr_places, sizeof(*search->places), compare_places);
	return match_symbols(search);
}

/* Returns the longest, or 0 when there are too many. */
static size_t measure(const char *const *texts, size_t nr, size_t *bytes)
{
	size_t longest = 0;

	for (size_t i = 0; i < nr && nr <= NAMED_FUNCTIONS_MAX; i++) {
		bytes[i] = strlen(texts[i]);
		longest = bytes[i] > longest ? bytes[i] : longest;
	}
	return longest;
}

static bool can_be_searched(struct search *search)
{
	const struct wanted_functions *wanted = search->wanted;
	size_t longest_name = measure(wanted->names, wanted->nr_names, search->name_bytes);
	size_t longest_prefix =
		measure(wanted->prefixes, wanted->nr_prefixes, search->prefix_bytes);

	for (size_t i = 0; i < wanted->nr_names && longest_name; i++)
		if (!search->name_bytes[i])
			return false;
	return longest_name && wanted->nr_prefixes && wanted->nr_prefixes <= NAMED_FUNCTIONS_MAX &&
	       longest_name + longest_prefix <= NAMED_FUNCTIONS_NAME_MAX;
}

int named_functions__each(const struct elf_image *image, const struct elf_symbol_table *table,
			  const struct wanted_functions *wanted,
			  int (*found)(const struct named_function *function, void *context),
			  void *context)
{
	struct search search = {
		.image = image,
		.table = table,
		.wanted = wanted,
		.found = found,
		.context = context,
	};
	int err;

	if (!table->nr_symbols)
		return 0;
	if (!can_be_searched(&search))
		return -EINVAL;
	search.chunk = malloc(CHUNK_BYTES + NAMED_FUNCTIONS_NAME_MAX);
	if (!search.chunk)
		return -ENOMEM;
	err = search_table(&search);
	free(search.places);
	free(search.chunk);
	return err;
}
