// SPDX-License-Identifier: GPL-2.0
/* See packed_tables.h. */
#include "packed_tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../bpf/unwind_search.h"
#include "made_elf.h"

#define CHUNK_BYTES (sizeof(struct unwind_words) * UNWIND_ELEMENTS)

/* ---- the kernel's side ---- */

enum { FILES = 1000001, CHUNKS, RULES };

struct packed_tables packed_tables;

struct packed_file *packed_tables__find_entry(const struct unwind_file_key *key)
{
	for (size_t i = 0; i < packed_tables.nr_files; i++)
		if (!memcmp(&packed_tables.file[i].key, key, sizeof(*key)))
			return &packed_tables.file[i];
	return NULL;
}

void packed_tables__put_file(const struct unwind_file_key *key, const struct unwind_file *file)
{
	struct packed_file *entry = packed_tables__find_entry(key);

	if (!entry) {
		packed_tables.file = realloc(packed_tables.file, (packed_tables.nr_files +
								  1) * sizeof(*packed_tables.file));
		assert_non_null(packed_tables.file);
		entry = &packed_tables.file[packed_tables.nr_files++];
	}
	*entry = (struct packed_file){ *key, *file };
}

static void put_chunk(uint32_t number, int fd)
{
	assert_true(number < UNWIND_MAX_CHUNKS);
	packed_tables.changed_when_waited = packed_tables.changed;
	if (packed_tables.chunk[number])
		munmap(packed_tables.chunk[number], CHUNK_BYTES);
	packed_tables.chunk[number] = mmap(NULL, CHUNK_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(packed_tables.chunk[number] != MAP_FAILED);
}

int packed_tables__map_create(enum bpf_map_type type, const char *name, __u32 key_size,
			      __u32 value_size, __u32 max_entries,
			      const struct bpf_map_create_opts *options)
{
	int fd;

	assert_int_equal(type, BPF_MAP_TYPE_ARRAY);
	assert_int_equal(key_size, sizeof(uint32_t));
	assert_int_equal((size_t)value_size * max_entries, CHUNK_BYTES);
	assert_true(options->map_flags & BPF_F_MMAPABLE);
	if (!packed_tables.nr_chunks_left)
		return -ENOMEM;
	packed_tables.nr_chunks_left--;
	fd = memfd_create(name, MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, CHUNK_BYTES), 0);
	return fd;
}

int packed_tables__map_update(int map, const void *key, const void *value, __u64 flags)
{
	const uint32_t *number = key;

	assert_int_equal(flags, BPF_ANY);
	if (map == FILES)
		packed_tables__put_file(key, value);
	else if (map == CHUNKS)
		put_chunk(*number, *(const int *)value);
	else if (map == RULES && *number < UNWIND_MAX_RULES)
		memcpy(&packed_tables.rule[*number], value, sizeof(packed_tables.rule[0]));
	else
		fail();
	return 0;
}

int packed_tables__map_delete(int map, const void *key)
{
	struct packed_file *entry = packed_tables__find_entry(key);

	assert_int_equal(map, FILES);
	if (!entry)
		return -ENOENT;
	/* For bpf_map_get_next_key the order of the others stays. */
	memmove(entry, entry + 1,
		(size_t)(&packed_tables.file[--packed_tables.nr_files] - entry) * sizeof(*entry));
	packed_tables.changed_when_deleted = packed_tables.changed;
	return 0;
}

int packed_tables__map_next(int map, const void *key, void *next)
{
	const struct packed_file *entry = key ? packed_tables__find_entry(key) : NULL;
	size_t at = entry ? (size_t)(entry - packed_tables.file) + 1 : 0;

	assert_int_equal(map, FILES);
	if (at >= packed_tables.nr_files)
		return -ENOENT;
	memcpy(next, &packed_tables.file[at].key, sizeof(packed_tables.file[at].key));
	return 0;
}

static uint32_t word_at(const void *context, uint32_t index)
{
	const uint32_t *chunk = packed_tables.chunk[index >> UNWIND_CHUNK_BITS];

	(void)context;
	assert_non_null(chunk);
	return chunk[index & ((1u << UNWIND_CHUNK_BITS) - 1)];
}

size_t packed_tables__nr_mapped_chunks(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t nr = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		nr += strstr(line, " rw-s ") && strstr(line, "/memfd:");
	fclose(maps);
	return nr;
}

/* As unwind_find_code() does it. */
static const struct unwind_rule *look_up(const struct unwind_file_key *key, uint64_t offset)
{
	static const struct unwind_rule by_frame_pointer;
	const struct packed_file *entry = packed_tables__find_entry(key);

	assert_non_null(entry);
	assert_true(entry->file.id);
	if (offset >> UNWIND_PAGE_BITS >= entry->file.nr_pages)
		return &by_frame_pointer;
	return &packed_tables.rule[unwind_search(word_at, NULL, entry->file.first_word, offset)];
}

/* ---- what is packed ---- */

struct unwind_tables *packed_tables__new(void)
{
	const struct unwind_maps maps = { FILES, CHUNKS, RULES, &packed_tables.changed };
	struct unwind_tables *tables = unwind_tables__new(&maps);

	assert_non_null(tables);
	return tables;
}

int packed_tables__begin(void **state)
{
	(void)state;
	memset(&packed_tables, 0, sizeof(packed_tables));
	packed_tables.nr_chunks_left = UNWIND_MAX_CHUNKS;
	return 0;
}

int packed_tables__end(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNWIND_MAX_CHUNKS; i++)
		if (packed_tables.chunk[i])
			munmap(packed_tables.chunk[i], CHUNK_BYTES);
	free(packed_tables.file);
	return 0;
}

struct unwind_file_key packed_tables__key_of(uint64_t inode)
{
	return (struct unwind_file_key){ .inode = inode, .device = PACKED_DEVICE, .generation = 1 };
}

void packed_tables__assert_same_rule(const struct unwind_rows *rows,
				     const struct unwind_file_key *key, uint64_t offset)
{
	static const struct unwind_rule by_frame_pointer;
	const struct unwind_rule *expected = unwind_rows__find(rows, offset);

	assert_memory_equal(look_up(key, offset), expected ? expected : &by_frame_pointer,
			    sizeof(*expected));
}

void packed_tables__assert_packed(const struct unwind_rows *rows, const struct unwind_file_key *key)
{
	uint64_t last = rows->nr ? rows->row[rows->nr - 1].file_offset : 0;

	for (size_t i = 0; i < rows->nr; i++) {
		packed_tables__assert_same_rule(rows, key, rows->row[i].file_offset);
		packed_tables__assert_same_rule(rows, key, rows->row[i].file_offset + 1);
		if (rows->row[i].file_offset)
			packed_tables__assert_same_rule(rows, key, rows->row[i].file_offset - 1);
	}
	/* And beyond the last row, which is where the code ends. */
	for (uint64_t page = 0; page <= last + PAGE_BYTES; page += PAGE_BYTES) {
		packed_tables__assert_same_rule(rows, key, page);
		packed_tables__assert_same_rule(rows, key, page + PAGE_BYTES - 1);
	}
}

int packed_tables__file_with(const void *bytes, size_t nr_bytes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	return fd;
}

int packed_tables__file_with_code_at(uint64_t offset)
{
	static const struct made_function functions[] = { { 0x20, 0x20 }, { 0x100, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 2);
	int fd;

	made->segments[CODE].p_offset = offset;
	fd = packed_tables__file_with(made, sizeof(*made));
	free(made);
	return fd;
}

int packed_tables__add(struct unwind_tables *tables, uint64_t inode, int fd)
{
	struct unwind_file_key key = packed_tables__key_of(inode);
	int err = unwind_tables__add(tables, &key, fd);

	close(fd);
	return err;
}

void packed_tables__add_code_at(struct unwind_tables *tables, uint64_t inode, uint64_t offset)
{
	struct unwind_file_key key = packed_tables__key_of(inode);
	int fd = packed_tables__file_with_code_at(offset);
	struct unwind_rows rows;

	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	assert_int_equal(rows.row[0].file_offset, offset);
	assert_int_equal(packed_tables__add(tables, inode, fd), 0);
	packed_tables__assert_packed(&rows, &key);
	unwind_rows__free(&rows);
}

void packed_tables__assert_by_frame_pointer(const struct unwind_tables *tables, uint64_t inode)
{
	struct unwind_file_key key = packed_tables__key_of(inode);

	assert_true(unwind_tables__has(tables, &key));
	assert_int_equal(packed_tables__find_entry(&key)->file.nr_pages, 0);
	assert_int_equal(look_up(&key, CODE_OFFSET + 0x20)->cfa, UNWIND_CFA_FRAME_POINTER);
}
