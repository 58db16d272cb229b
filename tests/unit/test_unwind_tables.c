// SPDX-License-Identifier: GPL-2.0
/*
 * BPF's own search reads back the tables that were packed into the maps, and must find the rows.
 * The kernel's maps are plain memory here: this program defines libbpf's functions.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
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
#include "base/file_set.h"
#include "made_elf.h"
#include "unwind/unwind_tables.h"

#define CHUNK_BYTES (sizeof(struct unwind_words) * UNWIND_ELEMENTS)
#define DEVICE 7
#define PAGE_BYTES (1ULL << UNWIND_PAGE_BITS)

/* ---- the kernel's side ---- */

enum { FILES = 1000001, CHUNKS, RULES };

struct file_entry {
	struct unwind_file_key key;
	struct unwind_file file;
};

static struct {
	struct file_entry *file; /* in any order */
	size_t nr_files;
	uint32_t *chunk[UNWIND_MAX_CHUNKS];
	struct unwind_rule rule[UNWIND_MAX_RULES];
	size_t nr_chunks_left; /* that there is memory for */
	uint64_t changed, changed_when_deleted, changed_when_waited;
} kernel;

static struct file_entry *find_entry(const struct unwind_file_key *key)
{
	for (size_t i = 0; i < kernel.nr_files; i++)
		if (!memcmp(&kernel.file[i].key, key, sizeof(*key)))
			return &kernel.file[i];
	return NULL;
}

static void put_file(const struct unwind_file_key *key, const struct unwind_file *file)
{
	struct file_entry *entry = find_entry(key);

	if (!entry) {
		kernel.file = realloc(kernel.file, (kernel.nr_files + 1) * sizeof(*kernel.file));
		assert_non_null(kernel.file);
		entry = &kernel.file[kernel.nr_files++];
	}
	*entry = (struct file_entry){ *key, *file };
}

static void put_chunk(uint32_t number, int fd)
{
	assert_true(number < UNWIND_MAX_CHUNKS);
	kernel.changed_when_waited = kernel.changed;
	if (kernel.chunk[number])
		munmap(kernel.chunk[number], CHUNK_BYTES);
	kernel.chunk[number] = mmap(NULL, CHUNK_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(kernel.chunk[number] != MAP_FAILED);
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size,
		   __u32 max_entries, const struct bpf_map_create_opts *options)
{
	int fd;

	assert_int_equal(type, BPF_MAP_TYPE_ARRAY);
	assert_int_equal(key_size, sizeof(uint32_t));
	assert_int_equal((size_t)value_size * max_entries, CHUNK_BYTES);
	assert_true(options->map_flags & BPF_F_MMAPABLE);
	if (!kernel.nr_chunks_left)
		return -ENOMEM;
	kernel.nr_chunks_left--;
	fd = memfd_create(name, MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, CHUNK_BYTES), 0);
	return fd;
}

int bpf_map_update_elem(int map, const void *key, const void *value, __u64 flags)
{
	const uint32_t *number = key;

	assert_int_equal(flags, BPF_ANY);
	if (map == FILES)
		put_file(key, value);
	else if (map == CHUNKS)
		put_chunk(*number, *(const int *)value);
	else if (map == RULES && *number < UNWIND_MAX_RULES)
		memcpy(&kernel.rule[*number], value, sizeof(kernel.rule[0]));
	else
		fail();
	return 0;
}

int bpf_map_delete_elem(int map, const void *key)
{
	struct file_entry *entry = find_entry(key);

	assert_int_equal(map, FILES);
	if (!entry)
		return -ENOENT;
	/* For bpf_map_get_next_key the order of the others stays. */
	memmove(entry, entry + 1,
		(size_t)(&kernel.file[--kernel.nr_files] - entry) * sizeof(*entry));
	kernel.changed_when_deleted = kernel.changed;
	return 0;
}

int bpf_map_get_next_key(int map, const void *key, void *next)
{
	const struct file_entry *entry = key ? find_entry(key) : NULL;
	size_t at = entry ? (size_t)(entry - kernel.file) + 1 : 0;

	assert_int_equal(map, FILES);
	if (at >= kernel.nr_files)
		return -ENOENT;
	memcpy(next, &kernel.file[at].key, sizeof(kernel.file[at].key));
	return 0;
}

static uint32_t word_at(const void *context, uint32_t index)
{
	const uint32_t *chunk = kernel.chunk[index >> UNWIND_CHUNK_BITS];

	(void)context;
	assert_non_null(chunk);
	return chunk[index & ((1u << UNWIND_CHUNK_BITS) - 1)];
}

/* How many chunks the tables have mapped. Our own mappings of chunks are not writable. */
static size_t nr_mapped_chunks(void)
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
	const struct file_entry *entry = find_entry(key);

	assert_non_null(entry);
	assert_true(entry->file.id);
	if (offset >> UNWIND_PAGE_BITS >= entry->file.nr_pages)
		return &by_frame_pointer;
	return &kernel.rule[unwind_search(word_at, NULL, entry->file.first_word, offset)];
}

/* ---- what is packed ---- */

static struct unwind_tables *new_tables(void)
{
	const struct unwind_maps maps = { FILES, CHUNKS, RULES, &kernel.changed };
	struct unwind_tables *tables = unwind_tables__new(&maps);

	assert_non_null(tables);
	return tables;
}

static int begin(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.nr_chunks_left = UNWIND_MAX_CHUNKS;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNWIND_MAX_CHUNKS; i++)
		if (kernel.chunk[i])
			munmap(kernel.chunk[i], CHUNK_BYTES);
	free(kernel.file);
	return 0;
}

static struct unwind_file_key key_of(uint64_t inode)
{
	return (struct unwind_file_key){ .inode = inode, .device = DEVICE, .generation = 1 };
}

static void assert_same_rule(const struct unwind_rows *rows, const struct unwind_file_key *key,
			     uint64_t offset)
{
	static const struct unwind_rule by_frame_pointer;
	const struct unwind_rule *expected = unwind_rows__find(rows, offset);

	assert_memory_equal(look_up(key, offset), expected ? expected : &by_frame_pointer,
			    sizeof(*expected));
}

/* At, before and after each row, and where pages begin. */
static void assert_packed(const struct unwind_rows *rows, const struct unwind_file_key *key)
{
	uint64_t last = rows->nr ? rows->row[rows->nr - 1].file_offset : 0;

	for (size_t i = 0; i < rows->nr; i++) {
		assert_same_rule(rows, key, rows->row[i].file_offset);
		assert_same_rule(rows, key, rows->row[i].file_offset + 1);
		if (rows->row[i].file_offset)
			assert_same_rule(rows, key, rows->row[i].file_offset - 1);
	}
	/* And beyond the last row, which is where the code ends. */
	for (uint64_t page = 0; page <= last + PAGE_BYTES; page += PAGE_BYTES) {
		assert_same_rule(rows, key, page);
		assert_same_rule(rows, key, page + PAGE_BYTES - 1);
	}
}

static void test_real_files(void **state)
{
	static const char *const paths[] = {
		"/lib64/ld-linux-x86-64.so.2",
		"/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/bin/bash",
		"/usr/bin/git",
		"/usr/bin/python3",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
	};
	struct unwind_tables *tables = new_tables();
	struct unwind_rows rows[sizeof(paths) / sizeof(paths[0])] = { 0 };
	size_t nr = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct unwind_file_key key = key_of(100 + i);
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		assert_false(unwind_tables__has(tables, &key));
		assert_int_equal(unwind_rows__of_file(fd, &rows[i]), 0);
		assert_int_equal(unwind_tables__add(tables, &key, fd), 0);
		assert_true(unwind_tables__has(tables, &key));
		close(fd);
		assert_int_equal(find_entry(&key)->file.id, ++nr);
		assert_memory_equal(unwind_tables__file(tables, (uint32_t)nr), &key, sizeof(key));
	}
	/* Checked only now: files that came later must not have changed earlier ones. */
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct unwind_file_key key = key_of(100 + i);

		if (unwind_tables__has(tables, &key))
			assert_packed(&rows[i], &key);
		unwind_rows__free(&rows[i]);
	}
	assert_null(unwind_tables__file(tables, 0));
	assert_null(unwind_tables__file(tables, (uint32_t)nr + 1));
	unwind_tables__free(tables);
	if (!nr)
		skip();
}

static int file_with(const void *bytes, size_t nr_bytes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	return fd;
}

/* A file whose code lies at that offset, however small it is itself. */
static int file_with_code_at(uint64_t offset)
{
	static const struct made_function functions[] = { { 0x20, 0x20 }, { 0x100, 0x20 } };
	struct made_elf *made = made_elf__new(functions, 2);
	int fd;

	made->segments[CODE].p_offset = offset;
	fd = file_with(made, sizeof(*made));
	free(made);
	return fd;
}

static int add(struct unwind_tables *tables, uint64_t inode, int fd)
{
	struct unwind_file_key key = key_of(inode);
	int err = unwind_tables__add(tables, &key, fd);

	close(fd);
	return err;
}

/* Adds a file with its code there, and looks it up. */
static void add_code_at(struct unwind_tables *tables, uint64_t inode, uint64_t offset)
{
	struct unwind_file_key key = key_of(inode);
	int fd = file_with_code_at(offset);
	struct unwind_rows rows;

	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	assert_int_equal(rows.row[0].file_offset, offset);
	assert_int_equal(add(tables, inode, fd), 0);
	assert_packed(&rows, &key);
	unwind_rows__free(&rows);
}

/* Code that begins, ends or goes on where pages of the table do; and pages without code. */
static void test_edges_of_pages(void **state)
{
	static const uint64_t offsets[] = {
		0,
		PAGE_BYTES,
		PAGE_BYTES - 0x20,
		PAGE_BYTES - 0x30,
		PAGE_BYTES - 0x40,
		2 * PAGE_BYTES - 1,
		5 * PAGE_BYTES - 0x110,
		5 * PAGE_BYTES,
	};
	struct unwind_tables *tables = new_tables();

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		add_code_at(tables, 1 + i, offsets[i]);
	unwind_tables__free(tables);
}

static void assert_by_frame_pointer(const struct unwind_tables *tables, uint64_t inode)
{
	struct unwind_file_key key = key_of(inode);

	assert_true(unwind_tables__has(tables, &key));
	assert_int_equal(find_entry(&key)->file.nr_pages, 0);
	assert_int_equal(look_up(&key, CODE_OFFSET + 0x20)->cfa, UNWIND_CFA_FRAME_POINTER);
}

/* They are known all the same: frames in them have their names. */
static void test_files_without_tables(void **state)
{
	struct unwind_tables *tables = new_tables();
	struct made_elf *made = made_elf__new(NULL, 0);

	(void)state;
	assert_int_equal(add(tables, 1, file_with("no ELF file", 11)), 0);
	assert_by_frame_pointer(tables, 1);
	assert_int_equal(add(tables, 2, file_with(made, sizeof(*made))), 0);
	assert_by_frame_pointer(tables, 2);
	assert_int_equal(nr_mapped_chunks(), 0);
	free(made);
	unwind_tables__free(tables);
}

/* Code so far up in a file that a page of the table has a number of 32 bits and more. */
static void test_code_where_no_table_reaches(void **state)
{
	struct unwind_tables *tables = new_tables();

	(void)state;
	assert_int_equal(add(tables, 1, file_with_code_at(1ULL << 47)), -ENOSPC);
	assert_int_equal(add(tables, 2, file_with_code_at(1ULL << 48)), -ENOSPC);
	assert_int_equal(add(tables, 3, file_with_code_at((1ULL << 62) + 0x1000)), -ENOSPC);
	for (uint64_t inode = 1; inode <= 3; inode++)
		assert_by_frame_pointer(tables, inode);
	assert_int_equal(nr_mapped_chunks(), 0);
	add_code_at(tables, 4, 0x1000);
	unwind_tables__free(tables);
}

/* A million empty pages: two million words, an eighth of all. */
#define FAR_AWAY (PAGE_BYTES << 20)

static void test_no_room_is_left(void **state)
{
	struct unwind_tables *tables = new_tables();
	struct unwind_file_key first = key_of(1);
	int fd = file_with_code_at(FAR_AWAY);
	struct unwind_rows rows;

	(void)state;
	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	close(fd);
	for (uint64_t inode = 1; inode <= 7; inode++)
		assert_int_equal(add(tables, inode, file_with_code_at(FAR_AWAY)), 0);
	fd = file_with_code_at(FAR_AWAY);
	assert_int_equal(add(tables, 8, dup(fd)), -ENOSPC);
	assert_by_frame_pointer(tables, 8);
	assert_int_equal(unwind_tables__nr_refused(tables), 1);
	/* It was not asked for twice, and a smaller one has room. */
	assert_int_equal(add(tables, 8, fd), 0);
	add_code_at(tables, 9, 0x1000);
	for (size_t i = 0; i < rows.nr; i++)
		assert_same_rule(&rows, &first, rows.row[i].file_offset);
	assert_same_rule(&rows, &first, 0);
	unwind_rows__free(&rows);
	unwind_tables__free(tables);
}

/* The file has its old number, and the table of what it is now. */
static void test_overwritten_files(void **state)
{
	struct unwind_tables *tables = new_tables();
	struct unwind_file_key key = key_of(1);
	int before = file_with_code_at(FAR_AWAY), after;

	(void)state;
	assert_int_equal(add(tables, 1, dup(before)), 0);
	assert_true(unwind_tables__has_current(tables, &key, before));
	/* The clock of file systems moves in steps. */
	usleep(20000);
	after = file_with_code_at(0x1000);
	assert_false(unwind_tables__has_current(tables, &key, after));
	close(after);
	add_code_at(tables, 1, 0x1000);
	assert_int_equal(find_entry(&key)->file.id, 1);
	assert_false(unwind_tables__has_current(tables, &key, before));
	/* First the entry goes, then the caches; then it waits for walks that had seen it. */
	assert_int_equal(kernel.changed, 1);
	assert_int_equal(kernel.changed_when_deleted, 0);
	assert_int_equal(kernel.changed_when_waited, 1);
	/* Its room is free again: the others fill it. */
	for (uint64_t inode = 2; inode <= 8; inode++)
		assert_int_equal(add(tables, inode, file_with_code_at(FAR_AWAY)), 0);
	close(before);
	unwind_tables__free(tables);
}

static void test_no_memory_for_a_chunk(void **state)
{
	struct unwind_file_key key = key_of(1);
	struct unwind_tables *tables = new_tables();

	(void)state;
	kernel.nr_chunks_left = 0;
	assert_int_equal(add(tables, 1, file_with_code_at(0)), -ENOMEM);
	assert_false(unwind_tables__has(tables, &key));
	assert_null(find_entry(&key));
	/* There may be some later. */
	kernel.nr_chunks_left = 1;
	add_code_at(tables, 1, 0);
	unwind_tables__free(tables);
}

static void test_requests_that_are_not_answered(void **state)
{
	struct unwind_file_key key = key_of(1), known = key_of(2);
	struct unwind_tables *tables = new_tables();

	(void)state;
	put_file(&key, &(struct unwind_file){ 0 });
	unwind_tables__forget_request(tables, &key);
	assert_null(find_entry(&key));
	add_code_at(tables, 2, 0);
	unwind_tables__forget_request(tables, &known);
	assert_non_null(find_entry(&known));
	unwind_tables__free(tables);
}

/* Numbers outlive the tables: what was reported late still has its names. */
static void test_after_the_detach(void **state)
{
	struct unwind_tables *tables = new_tables();
	struct unwind_file_key key = key_of(1);

	(void)state;
	add_code_at(tables, 1, 0);
	assert_int_equal(nr_mapped_chunks(), 1);
	unwind_tables__detach(tables);
	assert_int_equal(add(tables, 2, file_with_code_at(0)), 0);
	assert_int_equal(kernel.nr_files, 1);
	assert_memory_equal(unwind_tables__file(tables, 1), &key, sizeof(key));
	assert_int_equal(nr_mapped_chunks(), 0);
	unwind_tables__free(tables);
}

/* ---- letting go ---- */

/* The files with these numbers of inodes are mapped. */
static int sweep_but(struct unwind_tables *tables, uint64_t first, uint64_t last)
{
	struct file_set *mapped = file_set__new();
	int err;

	assert_non_null(mapped);
	for (uint64_t inode = first; inode <= last; inode++) {
		struct file_key file = file_key__of_device(DEVICE, inode);

		assert_int_equal(file_set__add(mapped, &file), 0);
	}
	err = unwind_tables__sweep(tables, mapped);
	file_set__free(mapped);
	return err;
}

static void test_room_is_made(void **state)
{
	struct unwind_tables *tables = new_tables();
	struct unwind_file_key first = key_of(1), gone = key_of(4), asked = key_of(99);
	int fd = file_with_code_at(FAR_AWAY);
	struct unwind_rows rows;

	(void)state;
	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	close(fd);
	assert_false(unwind_tables__are_crowded(tables));
	for (uint64_t inode = 1; inode <= 7; inode++)
		assert_int_equal(add(tables, inode, file_with_code_at(FAR_AWAY)), 0);
	assert_int_equal(add(tables, 8, file_with_code_at(FAR_AWAY)), -ENOSPC);
	put_file(&asked, &(struct unwind_file){ 0 });
	assert_true(unwind_tables__are_crowded(tables));
	/* The eighth is mapped too, and so it may have the room. */
	assert_int_equal(sweep_but(tables, 2, 8), 0);
	assert_int_equal(kernel.nr_files, 6);
	assert_null(find_entry(&first));
	assert_null(find_entry(&asked));
	assert_int_equal(unwind_tables__nr_refused(tables), 0);
	/* First the entries go, then the caches; then it waits for walks that had seen them. */
	assert_int_equal(kernel.changed, 1);
	assert_int_equal(kernel.changed_when_deleted, 0);
	assert_int_equal(kernel.changed_when_waited, 1);
	assert_false(unwind_tables__has(tables, &first));
	assert_memory_equal(unwind_tables__file(tables, 1), &first, sizeof(first));
	assert_int_equal(add(tables, 8, file_with_code_at(FAR_AWAY)), 0);
	for (uint64_t inode = 2; inode <= 8; inode++) {
		struct unwind_file_key key = key_of(inode);

		assert_int_equal(find_entry(&key)->file.id, inode);
		for (size_t i = 0; i < rows.nr; i++)
			assert_same_rule(&rows, &key, rows.row[i].file_offset);
	}
	/* A file that comes again has its old number, wherever its table is. */
	assert_int_equal(sweep_but(tables, 6, 8), 0);
	assert_int_equal(kernel.changed, 2);
	add_code_at(tables, 4, 0x1000);
	assert_int_equal(find_entry(&gone)->file.id, 4);
	assert_false(unwind_tables__are_crowded(tables));
	unwind_rows__free(&rows);
	unwind_tables__free(tables);
}

static void test_not_worth_it(void **state)
{
	struct unwind_tables *tables = new_tables();

	(void)state;
	for (uint64_t inode = 1; inode <= 7; inode++)
		assert_int_equal(add(tables, inode, file_with_code_at(FAR_AWAY)), 0);
	assert_true(unwind_tables__are_crowded(tables));
	assert_int_equal(sweep_but(tables, 1, 7), -EAGAIN);
	assert_int_equal(kernel.nr_files, 7);
	assert_int_equal(kernel.changed, 0);
	unwind_tables__detach(tables);
	assert_false(unwind_tables__are_crowded(tables));
	assert_int_equal(sweep_but(tables, 1, 0), -ENOTSUP);
	unwind_tables__free(tables);
}

/* More files than the kernel's map has room for; none of them has a table. */
static void test_many_files(void **state)
{
	static bool in_use[UNWIND_MAX_IDS];
	struct unwind_tables *tables = new_tables();
	struct unwind_file_key key = key_of(5);
	int fd = file_with("no ELF file", 11);
	uint64_t inode = 1;

	(void)state;
	for (; inode < UNWIND_MAX_FILES; inode++)
		assert_int_equal(add(tables, inode, dup(fd)), 0);
	assert_int_equal(add(tables, inode, dup(fd)), -ENOSPC);
	assert_int_equal(sweep_but(tables, 1, 3), 0);
	assert_int_equal(kernel.nr_files, 3);
	/* The fourth of the files that went is in a stack. */
	in_use[4] = true;
	unwind_tables__reuse_ids(tables, in_use);
	assert_int_equal(unwind_tables__file(tables, 4)->inode, 4);
	assert_null(unwind_tables__file(tables, 5));
	assert_false(unwind_tables__has(tables, &key));
	for (inode = 1000001; inode <= 1000010; inode++) {
		key = key_of(inode);
		assert_int_equal(add(tables, inode, dup(fd)), 0);
		assert_int_equal(find_entry(&key)->file.id, inode - 1000001 + 5);
	}
	key = key_of(4);
	assert_int_equal(add(tables, 4, dup(fd)), 0);
	assert_int_equal(find_entry(&key)->file.id, 4);
	assert_int_equal(unwind_tables__file(tables, 2)->inode, 2);
	close(fd);
	unwind_tables__free(tables);
}

#define TABLES_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLES_TEST(test_real_files),
		TABLES_TEST(test_edges_of_pages),
		TABLES_TEST(test_files_without_tables),
		TABLES_TEST(test_code_where_no_table_reaches),
		TABLES_TEST(test_no_room_is_left),
		TABLES_TEST(test_no_memory_for_a_chunk),
		TABLES_TEST(test_requests_that_are_not_answered),
		TABLES_TEST(test_after_the_detach),
		TABLES_TEST(test_overwritten_files),
		TABLES_TEST(test_room_is_made),
		TABLES_TEST(test_not_worth_it),
		TABLES_TEST(test_many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
