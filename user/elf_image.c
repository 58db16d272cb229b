// SPDX-License-Identifier: GPL-2.0
/*
 * Headers and the dynamic section through libelf, which knows the format's corners (more than
 * 65535 program headers or sections); tables by pread, in whatever pieces the caller wants, so
 * that memory does not grow with the file. From descriptors of elf_closure and allocators.
 */
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_image.h"

/* Far above what linkers make; below what would hurt. */
#define SEGMENTS_MAX 4096
#define DYNAMIC_BYTES_MAX (1 << 20)
#define SHORT_STRING_BYTES 256
#define STRING_BYTES_MAX (64 << 10) /* search paths may be longer than PATH_MAX */
#define SYMBOL_BYTES_MAX (1ULL << 30)

struct segment {
	uint64_t address;
	uint64_t offset;
	uint64_t bytes; /* in the file */
	bool executable;
};

struct elf_image {
	int fd;
	uint64_t file_bytes;
	Elf *elf;
	bool fixed_address; /* ET_EXEC */
	size_t nr_segments; /* at least, by the header */
	bool has_interpreter;
	uint64_t interpreter_offset;
	uint64_t interpreter_bytes;
	struct segment *loads;
	size_t nr_loads;
	Elf_Data *dynamic; /* owned by elf */
	uint64_t dynamic_strings_offset;
	uint64_t dynamic_strings_bytes;
};

static bool within_file(const struct elf_image *image, uint64_t offset, uint64_t bytes)
{
	return offset <= image->file_bytes && bytes <= image->file_bytes - offset;
}

int elf_image__read(const struct elf_image *image, uint64_t offset, void *buffer, size_t bytes)
{
	char *to = buffer;

	if (!within_file(image, offset, bytes))
		return -EBADMSG;
	while (bytes) {
		ssize_t got = pread(image->fd, to, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got) /* truncated since we looked */
			return -EBADMSG;
		to += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return 0;
}

int elf_image__offset_of(const struct elf_image *image, uint64_t address, bool executable,
			 uint64_t *offset)
{
	for (size_t i = 0; i < image->nr_loads; i++) {
		const struct segment *load = &image->loads[i];

		if (executable && !load->executable)
			continue;
		if (address < load->address || address - load->address >= load->bytes)
			continue;
		*offset = load->offset + (address - load->address);
		/* The sum can wrap; then, and beyond the end, there is nothing. */
		if (*offset >= load->offset && *offset < image->file_bytes)
			return 0;
	}
	return -EBADMSG;
}

uint64_t elf_image__code_bytes(const struct elf_image *image, uint64_t offset)
{
	for (size_t i = 0; i < image->nr_loads; i++) {
		const struct segment *load = &image->loads[i];
		uint64_t left;

		if (!load->executable || offset < load->offset ||
		    offset - load->offset >= load->bytes || offset >= image->file_bytes)
			continue;
		left = load->bytes - (offset - load->offset);
		return left < image->file_bytes - offset ? left : image->file_bytes - offset;
	}
	return 0;
}

static void add_load(struct elf_image *image, const GElf_Phdr *header)
{
	image->loads[image->nr_loads++] = (struct segment){
		.address = header->p_vaddr,
		.offset = header->p_offset,
		.bytes = header->p_filesz,
		.executable = header->p_flags & PF_X,
	};
}

static int read_dynamic(struct elf_image *image, const GElf_Phdr *header)
{
	uint64_t bytes = header->p_filesz;

	if (image->dynamic || !bytes)
		return 0;
	if (bytes > DYNAMIC_BYTES_MAX)
		bytes = DYNAMIC_BYTES_MAX;
	bytes -= bytes % sizeof(Elf64_Dyn);
	if (!within_file(image, header->p_offset, bytes))
		return -EBADMSG;
	if (!bytes)
		return 0;
	image->dynamic =
		elf_getdata_rawchunk(image->elf, (int64_t)header->p_offset, bytes, ELF_T_DYN);
	return image->dynamic ? 0 : -EBADMSG;
}

static int read_segment(struct elf_image *image, size_t i)
{
	GElf_Phdr header;

	if (!gelf_getphdr(image->elf, (int)i, &header))
		return -EBADMSG;
	switch (header.p_type) {
	case PT_LOAD:
		add_load(image, &header);
		return 0;
	case PT_DYNAMIC:
		return read_dynamic(image, &header);
	case PT_INTERP:
		image->has_interpreter = true;
		image->interpreter_offset = header.p_offset;
		image->interpreter_bytes = header.p_filesz;
		return 0;
	default:
		return 0;
	}
}

static int read_segments(struct elf_image *image)
{
	size_t nr;
	int err = 0;

	/* Of a truncated table, libelf shows the part that is left. */
	if (elf_getphdrnum(image->elf, &nr) || nr < image->nr_segments || nr > SEGMENTS_MAX)
		return -EBADMSG;
	image->loads = calloc(nr ? nr : 1, sizeof(*image->loads));
	if (!image->loads)
		return -ENOMEM;
	for (size_t i = 0; i < nr && !err; i++)
		err = read_segment(image, i);
	return err;
}

/* Only when the file has dynamic strings at all: a static-pie program need not. */
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
	if (!within_file(image, image->dynamic_strings_offset, bytes))
		return -EBADMSG;
	image->dynamic_strings_bytes = bytes;
	return 0;
}

static int read_header(struct elf_image *image)
{
	GElf_Ehdr header;

	if (elf_kind(image->elf) != ELF_K_ELF || gelf_getclass(image->elf) != ELFCLASS64)
		return -ENOEXEC;
	if (!gelf_getehdr(image->elf, &header))
		return -EBADMSG;
	if (header.e_machine != ELF_IMAGE_MACHINE || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return -ENOEXEC;
	image->fixed_address = header.e_type == ET_EXEC;
	image->nr_segments = header.e_phnum == PN_XNUM ? 0 : header.e_phnum;
	return 0;
}

/* libelf takes a file with a broken header for one of unknown kind, or fails to begin. */
static int classify_failure(int fd)
{
	unsigned char ident[EI_NIDENT];

	if (pread(fd, ident, sizeof(ident), 0) != sizeof(ident) ||
	    memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] == ELFCLASS32)
		return -ENOEXEC;
	return -EBADMSG;
}

static int fill_image(struct elf_image *image)
{
	struct stat status;
	int err;

	if (fstat(image->fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOEXEC;
	image->file_bytes = (uint64_t)status.st_size;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOTSUP;
	image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF)
		return classify_failure(image->fd);
	err = read_header(image);
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
	opened->fd = fd;
	err = fill_image(opened);
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
	elf_end(image->elf);
	free(image->loads);
	free(image);
}

/* Static-pie programs have no interpreter, and only a flag tells them from libraries. */
bool elf_image__is_program(const struct elf_image *image)
{
	uint64_t flags = 0;

	if (image->fixed_address || image->has_interpreter)
		return true;
	return elf_image__dynamic(image, DT_FLAGS_1, 0, &flags) && (flags & DF_1_PIE);
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

/* Most strings are short, and what lies behind them in the table is long. */
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
	if (!image->has_interpreter)
		return 0;
	return read_string(image, image->interpreter_offset, image->interpreter_bytes, path);
}

bool elf_image__dynamic(const struct elf_image *image, int64_t tag, size_t nth, uint64_t *value)
{
	GElf_Dyn entry;

	if (!image->dynamic)
		return false;
	for (size_t i = 0; i < image->dynamic->d_size / sizeof(Elf64_Dyn); i++) {
		if (!gelf_getdyn(image->dynamic, (int)i, &entry) || entry.d_tag == DT_NULL)
			return false;
		if (entry.d_tag != tag || nth--)
			continue;
		*value = entry.d_un.d_val;
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

/* DT_HASH says how many symbols there are: one to a chain entry. */
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

/* How many words there are up to the first one with the lowest bit set, which ends a chain. */
static int chain_length(const struct elf_image *image, uint64_t offset, uint64_t *length)
{
	uint32_t words[HASH_WORDS] = { 0 };

	for (*length = 0; *length < SYMBOLS_MAX;) {
		uint64_t left = offset < image->file_bytes ? image->file_bytes - offset : 0;
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
 * DT_GNU_HASH does not say how many symbols there are. They are sorted by bucket, and the lowest
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
	    !within_file(image, table->symbols_offset, nr * sizeof(Elf64_Sym)))
		return err ? err : -EBADMSG;
	table->nr_symbols = nr;
	table->strings_offset = image->dynamic_strings_offset;
	table->strings_bytes = image->dynamic_strings_bytes;
	return 0;
}

/* Nothing at run time needs section headers, so damaged ones count as stripped ones. */
void elf_image__static_symbols(const struct elf_image *image, struct elf_symbol_table *table)
{
	Elf_Scn *section = NULL;
	GElf_Shdr symbols, strings;

	memset(table, 0, sizeof(*table));
	do {
		section = elf_nextscn(image->elf, section);
		if (!section || !gelf_getshdr(section, &symbols))
			return;
	} while (symbols.sh_type != SHT_SYMTAB);
	if (!gelf_getshdr(elf_getscn(image->elf, symbols.sh_link), &strings) ||
	    strings.sh_type != SHT_STRTAB || symbols.sh_size > SYMBOL_BYTES_MAX ||
	    !within_file(image, symbols.sh_offset, symbols.sh_size) ||
	    !within_file(image, strings.sh_offset, strings.sh_size))
		return;
	table->symbols_offset = symbols.sh_offset;
	table->nr_symbols = symbols.sh_size / sizeof(Elf64_Sym);
	table->strings_offset = strings.sh_offset;
	table->strings_bytes = strings.sh_size;
}
