// SPDX-License-Identifier: GPL-2.0
/*
 * Reads headers by elf_headers, and tables by pread, in pieces of the caller's choice, so that
 * memory does not grow with the file. The descriptors come from elf_closure and allocators.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf_headers.h"
#include "elf/elf_image.h"

/* Far above linkers' output, and low enough to do no harm. */
#define DYNAMIC_BYTES_MAX (1 << 20)
#define SHORT_STRING_BYTES 256
#define STRING_BYTES_MAX (64 << 10) /* search paths may be longer than PATH_MAX */
#define SYMBOL_BYTES_MAX (1ULL << 30) /* and as much for their names: large tables only take time */

struct elf_image {
	struct elf_headers headers;
	const Elf64_Phdr *interpreter; /* NULL: none */
	Elf64_Dyn *dynamic;
	size_t nr_dynamic;
	uint64_t dynamic_strings_offset;
	uint64_t dynamic_strings_bytes;
};

static bool within_source(const struct elf_source *source, uint64_t offset, uint64_t bytes)
{
	return offset <= source->nr_bytes && elf_source__within(source, offset, bytes) == bytes;
}

int elf_image__read(const struct elf_image *image, uint64_t offset, void *buffer, size_t bytes)
{
	return elf_source__read(&image->headers.source, offset, buffer, bytes);
}

uint64_t elf_image__within(const struct elf_image *image, uint64_t offset, uint64_t nr_bytes)
{
	return elf_source__within(&image->headers.source, offset, nr_bytes);
}

int elf_image__offset_of(const struct elf_image *image, uint64_t address, bool executable,
			 uint64_t *offset)
{
	for (size_t i = 0; i < image->headers.nr_segments; i++) {
		const Elf64_Phdr *load = &image->headers.segments[i];

		if (load->p_type != PT_LOAD || (executable && !(load->p_flags & PF_X)))
			continue;
		if (address < load->p_vaddr || address - load->p_vaddr >= load->p_filesz)
			continue;
		*offset = load->p_offset + (address - load->p_vaddr);
		/* The sum can wrap, or lie beyond the end: then no bytes are there. */
		if (*offset >= load->p_offset && *offset < image->headers.source.nr_bytes)
			return 0;
	}
	return -EBADMSG;
}

/* The executable PT_LOAD that fills memory from that byte of the file. */
static const Elf64_Phdr *code_at(const struct elf_image *image, uint64_t offset)
{
	for (size_t i = 0; i < image->headers.nr_segments; i++) {
		const Elf64_Phdr *load = &image->headers.segments[i];

		if (load->p_type == PT_LOAD && load->p_flags & PF_X && offset >= load->p_offset &&
		    offset - load->p_offset < load->p_filesz)
			return load;
	}
	return NULL;
}

uint64_t elf_image__code_bytes(const struct elf_image *image, uint64_t offset)
{
	const Elf64_Phdr *load = code_at(image, offset);

	if (!load)
		return 0;
	return elf_source__within(&image->headers.source, offset,
				  load->p_filesz - (offset - load->p_offset));
}

int elf_image__address_of(const struct elf_image *image, uint64_t offset, uint64_t *address)
{
	const Elf64_Phdr *load = code_at(image, offset);

	if (!load)
		return -EBADMSG;
	*address = load->p_vaddr + (offset - load->p_offset);
	return *address >= load->p_vaddr ? 0 : -EBADMSG;
}

const Elf64_Phdr *elf_image__segment(const struct elf_image *image, uint32_t type, size_t nth)
{
	for (size_t i = 0; i < image->headers.nr_segments; i++)
		if (image->headers.segments[i].p_type == type && !nth--)
			return &image->headers.segments[i];
	return NULL;
}

static int read_dynamic(struct elf_image *image, const Elf64_Phdr *header)
{
	uint64_t bytes = header->p_filesz < DYNAMIC_BYTES_MAX ? header->p_filesz :
								DYNAMIC_BYTES_MAX;

	if (image->dynamic || !bytes)
		return 0;
	bytes -= bytes % sizeof(*image->dynamic);
	image->dynamic = malloc(bytes + 1);
	if (!image->dynamic)
		return -ENOMEM;
	image->nr_dynamic = bytes / sizeof(*image->dynamic);
	return elf_image__read(image, header->p_offset, image->dynamic, bytes);
}

static int read_segments(struct elf_image *image)
{
	int err = 0;

	for (size_t i = 0; i < image->headers.nr_segments && !err; i++) {
		const Elf64_Phdr *header = &image->headers.segments[i];

		if (header->p_type == PT_DYNAMIC)
			err = read_dynamic(image, header);
		else if (header->p_type == PT_INTERP)
			image->interpreter = header;
	}
	return err;
}

/* Succeeds when the file has no dynamic strings at all: a static-pie program need not. */
static int locate_dynamic_strings(struct elf_image *image)
{
	uint64_t address, bytes;
	int err;

	if (!elf_image__dynamic(image, DT_STRTAB, 0, &address) ||
	    !elf_image__dynamic(image, DT_STRSZ, 0, &bytes))
		return 0;
	err = elf_image__offset_of(image, address, false, &image->dynamic_strings_offset);
	if (err)
		return err;
	if (bytes > SYMBOL_BYTES_MAX ||
	    !within_source(&image->headers.source, image->dynamic_strings_offset, bytes))
		return -EBADMSG;
	image->dynamic_strings_bytes = bytes;
	return 0;
}

static int check_header(const Elf64_Ehdr *file)
{
	if (file->e_machine != ELF_IMAGE_MACHINE ||
	    (file->e_type != ET_EXEC && file->e_type != ET_DYN))
		return -ENOEXEC;
	return 0;
}

static int fill_image(struct elf_image *image, int fd)
{
	int err = elf_headers__of_file(fd, &image->headers);

	if (!err)
		err = check_header(&image->headers.file);
	if (!err)
		err = read_segments(image);
	if (!err)
		err = locate_dynamic_strings(image);
	return err;
}

int elf_image__open(int fd, struct elf_image **image)
{
	struct elf_image *opened = calloc(1, sizeof(*opened));
	int err;

	*image = NULL;
	if (!opened)
		return -ENOMEM;
	err = fill_image(opened, fd);
	if (err) {
		elf_image__free(opened);
		return err;
	}
	*image = opened;
	return 0;
}

void elf_image__free(struct elf_image *image)
{
	if (!image)
		return;
	elf_headers__free(&image->headers);
	free(image->dynamic);
	free(image);
}

const struct elf_headers *elf_image__headers(const struct elf_image *image)
{
	return &image->headers;
}

/* Static-pie programs have no interpreter, and only a flag tells them from libraries. */
bool elf_image__is_program(const struct elf_image *image)
{
	uint64_t flags = 0;

	if (image->headers.file.e_type == ET_EXEC || image->interpreter)
		return true;
	return elf_image__dynamic(image, DT_FLAGS_1, 0, &flags) && (flags & DF_1_PIE);
}

bool elf_image__is_fixed(const struct elf_image *image)
{
	return image->headers.file.e_type == ET_EXEC;
}

static int try_string(const struct elf_image *image, uint64_t offset, uint64_t bytes, char **string)
{
	int err;

	*string = malloc(bytes + 1);
	if (!*string)
		return -ENOMEM;
	err = elf_image__read(image, offset, *string, bytes);
	if (!err && strnlen(*string, bytes) == bytes)
		err = -EBADMSG;
	if (err) {
		free(*string);
		*string = NULL;
	}
	return err;
}

/* Reads little at first: most strings are short, and the rest of the table after them is long. */
static int read_string(const struct elf_image *image, uint64_t offset, uint64_t bytes,
		       char **string)
{
	int err;

	if (bytes > SHORT_STRING_BYTES) {
		err = try_string(image, offset, SHORT_STRING_BYTES, string);
		if (err != -EBADMSG)
			return err;
	}
	return try_string(image, offset, bytes < STRING_BYTES_MAX ? bytes : STRING_BYTES_MAX,
			  string);
}

int elf_image__interpreter(const struct elf_image *image, char **path)
{
	*path = NULL;
	if (!image->interpreter)
		return 0;
	return read_string(image, image->interpreter->p_offset, image->interpreter->p_filesz, path);
}

bool elf_image__dynamic(const struct elf_image *image, int64_t tag, size_t nth, uint64_t *value)
{
	for (size_t i = 0; i < image->nr_dynamic && image->dynamic[i].d_tag != DT_NULL; i++) {
		if (image->dynamic[i].d_tag != tag || nth--)
			continue;
		*value = image->dynamic[i].d_un.d_val;
		return true;
	}
	return false;
}

int elf_image__dynamic_string(const struct elf_image *image, int64_t tag, size_t nth, char **string)
{
	uint64_t at;

	*string = NULL;
	if (!elf_image__dynamic(image, tag, nth, &at))
		return 0;
	if (at >= image->dynamic_strings_bytes)
		return -EBADMSG;
	return read_string(image, image->dynamic_strings_offset + at,
			   image->dynamic_strings_bytes - at, string);
}

/* DT_HASH tells how many symbols there are: its chain has one entry for each. */
static int count_by_hash(const struct elf_image *image, uint64_t address, uint64_t *nr)
{
	uint32_t header[2];
	uint64_t offset;
	int err = elf_image__offset_of(image, address, false, &offset);

	if (!err)
		err = elf_image__read(image, offset, header, sizeof(header));
	if (!err)
		*nr = header[1];
	return err;
}

#define HASH_WORDS 1024
#define SYMBOLS_MAX (SYMBOL_BYTES_MAX / sizeof(Elf64_Sym))

/* The highest symbol that begins a bucket. */
static int highest_bucket(const struct elf_image *image, uint64_t offset, uint32_t nr_buckets,
			  uint32_t *highest)
{
	uint32_t words[HASH_WORDS] = { 0 };

	while (nr_buckets) {
		uint32_t nr = nr_buckets < HASH_WORDS ? nr_buckets : HASH_WORDS;
		int err = elf_image__read(image, offset, words, nr * sizeof(*words));

		if (err)
			return err;
		for (uint32_t i = 0; i < nr; i++)
			*highest = words[i] > *highest ? words[i] : *highest;
		offset += nr * sizeof(*words);
		nr_buckets -= nr;
	}
	return 0;
}

/* Counts the words up to the first one with the lowest bit set, which ends a chain. */
static int chain_length(const struct elf_image *image, uint64_t offset, uint64_t *length)
{
	uint32_t words[HASH_WORDS] = { 0 };

	for (*length = 0; *length < SYMBOLS_MAX;) {
		uint64_t left = offset < image->headers.source.nr_bytes ?
					image->headers.source.nr_bytes - offset :
					0;
		size_t nr = left < sizeof(words) ? (size_t)left / sizeof(*words) : HASH_WORDS;
		int err = nr ? elf_image__read(image, offset, words, nr * sizeof(*words)) :
			       -EBADMSG;

		if (err)
			return err;
		for (size_t i = 0; i < nr; i++) {
			++*length;
			if (words[i] & 1)
				return 0;
		}
		offset += nr * sizeof(*words);
	}
	return -EBADMSG;
}

/*
 * DT_GNU_HASH does not tell how many symbols there are. They are sorted by bucket, and the lowest
 * bit ends a bucket's chain: so the last bucket's chain ends at the last symbol.
 */
static int count_by_gnu_hash(const struct elf_image *image, uint64_t address, uint64_t *nr)
{
	struct {
		uint32_t nr_buckets, first_symbol, bloom_words, bloom_shift;
	} header = { 0 };
	uint32_t last_bucket = 0;
	uint64_t buckets, chains, length;
	int err = elf_image__offset_of(image, address, false, &buckets);

	if (!err)
		err = elf_image__read(image, buckets, &header, sizeof(header));
	if (err || header.nr_buckets > SYMBOLS_MAX)
		return err ? err : -EBADMSG;
	buckets += sizeof(header) + (uint64_t)header.bloom_words * sizeof(uint64_t);
	err = highest_bucket(image, buckets, header.nr_buckets, &last_bucket);
	*nr = header.first_symbol;
	if (err || last_bucket < header.first_symbol) /* no bucket used: nothing is exported */
		return err;
	/* The chains' words begin with the first symbol's. */
	chains = buckets + (uint64_t)header.nr_buckets * sizeof(uint32_t);
	chains += (uint64_t)(last_bucket - header.first_symbol) * sizeof(uint32_t);
	err = chain_length(image, chains, &length);
	if (!err)
		*nr = last_bucket + length;
	return err;
}

int elf_image__dynamic_symbols(const struct elf_image *image, struct elf_symbol_table *table)
{
	uint64_t symbols, hash, nr = 0;
	int err;

	memset(table, 0, sizeof(*table));
	if (!elf_image__dynamic(image, DT_SYMTAB, 0, &symbols) || !image->dynamic_strings_bytes)
		return 0;
	if (elf_image__dynamic(image, DT_HASH, 0, &hash))
		err = count_by_hash(image, hash, &nr);
	else if (elf_image__dynamic(image, DT_GNU_HASH, 0, &hash))
		err = count_by_gnu_hash(image, hash, &nr);
	else
		return 0; /* ld.so could not look anything up there either */
	if (!err)
		err = elf_image__offset_of(image, symbols, false, &table->symbols_offset);
	if (err || nr > SYMBOLS_MAX ||
	    !within_source(&image->headers.source, table->symbols_offset, nr * sizeof(Elf64_Sym)))
		return err ? err : -EBADMSG;
	table->source = &image->headers.source;
	table->nr_symbols = nr;
	table->strings_offset = image->dynamic_strings_offset;
	table->strings_bytes = image->dynamic_strings_bytes;
	return 0;
}

/* Nothing at run time needs section headers, so damaged ones count as stripped ones. */
void elf_symbol_table__of_headers(const struct elf_headers *headers, struct elf_symbol_table *table)
{
	const struct elf_source *source = &headers->source;
	const Elf64_Shdr *symbols, *strings = NULL;

	memset(table, 0, sizeof(*table));
	symbols = elf_headers__section_of_type(headers, SHT_SYMTAB);
	if (symbols)
		strings = elf_headers__linked(headers, symbols, SHT_STRTAB);
	if (!strings || symbols->sh_size > SYMBOL_BYTES_MAX ||
	    strings->sh_size > SYMBOL_BYTES_MAX ||
	    !within_source(source, symbols->sh_offset, symbols->sh_size) ||
	    !within_source(source, strings->sh_offset, strings->sh_size))
		return;
	table->source = source;
	table->symbols_offset = symbols->sh_offset;
	table->nr_symbols = symbols->sh_size / sizeof(Elf64_Sym);
	table->strings_offset = strings->sh_offset;
	table->strings_bytes = strings->sh_size;
}

void elf_image__static_symbols(const struct elf_image *image, struct elf_symbol_table *table)
{
	elf_symbol_table__of_headers(&image->headers, table);
}
