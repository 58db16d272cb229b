// SPDX-License-Identifier: GPL-2.0
/* BPF's own search reads back the tables that were packed into the maps, and must find the rows. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "made_elf.h"
#include "packed_tables.h"

/* ---- libbpf's functions ---- */

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size,
		   __u32 max_entries, const struct bpf_map_create_opts *options)
{
	return packed_tables__map_create(type, name, key_size, value_size, max_entries, options);
}

int bpf_map_update_elem(int map, const void *key, const void *value, __u64 flags)
{
	return packed_tables__map_update(map, key, value, flags);
}

int bpf_map_delete_elem(int map, const void *key)
{
	return packed_tables__map_delete(map, key);
}

int bpf_map_get_next_key(int map, const void *key, void *next)
{
	return packed_tables__map_next(map, key, next);
}

/* ---- the tests ---- */

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
	struct unwind_tables *tables = packed_tables__new();
	struct unwind_rows rows[sizeof(paths) / sizeof(paths[0])] = { 0 };
	size_t nr = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct unwind_file_key key = packed_tables__key_of(100 + i);
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		assert_false(unwind_tables__has(tables, &key));
		assert_int_equal(unwind_rows__of_file(fd, &rows[i]), 0);
		assert_int_equal(unwind_tables__add(tables, &key, fd), 0);
		assert_true(unwind_tables__has(tables, &key));
		close(fd);
		assert_int_equal(packed_tables__find_entry(&key)->file.id, ++nr);
		assert_memory_equal(unwind_tables__file(tables, (uint32_t)nr), &key, sizeof(key));
	}
	/* Checked only now: files that came later must not have changed earlier ones. */
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct unwind_file_key key = packed_tables__key_of(100 + i);

		if (unwind_tables__has(tables, &key))
			packed_tables__assert_packed(&rows[i], &key);
		unwind_rows__free(&rows[i]);
	}
	assert_null(unwind_tables__file(tables, 0));
	assert_null(unwind_tables__file(tables, (uint32_t)nr + 1));
	unwind_tables__free(tables);
	if (!nr)
		skip();
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
	struct unwind_tables *tables = packed_tables__new();

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		packed_tables__add_code_at(tables, 1 + i, offsets[i]);
	unwind_tables__free(tables);
}

/* They are known all the same: frames in them have their names. */
static void test_files_without_tables(void **state)
{
	struct unwind_tables *tables = packed_tables__new();
	struct made_elf *made = made_elf__new(NULL, 0);

	(void)state;
	assert_int_equal(packed_tables__add(tables, 1, packed_tables__file_with("no ELF file", 11)),
			 0);
	packed_tables__assert_by_frame_pointer(tables, 1);
	assert_int_equal(
		packed_tables__add(tables, 2, packed_tables__file_with(made, sizeof(*made))), 0);
	packed_tables__assert_by_frame_pointer(tables, 2);
	assert_int_equal(packed_tables__nr_mapped_chunks(), 0);
	free(made);
	unwind_tables__free(tables);
}

/* Code so far up in a file that a page of the table has a number of 32 bits and more. */
static void test_code_where_no_table_reaches(void **state)
{
	struct unwind_tables *tables = packed_tables__new();

	(void)state;
	assert_int_equal(packed_tables__add(tables, 1,
					    packed_tables__file_with_code_at(1ULL << 47)),
			 -ENOSPC);
	assert_int_equal(packed_tables__add(tables, 2,
					    packed_tables__file_with_code_at(1ULL << 48)),
			 -ENOSPC);
	assert_int_equal(
		packed_tables__add(tables, 3,
				   packed_tables__file_with_code_at((1ULL << 62) + 0x1000)),
		-ENOSPC);
	for (uint64_t inode = 1; inode <= 3; inode++)
		packed_tables__assert_by_frame_pointer(tables, inode);
	assert_int_equal(packed_tables__nr_mapped_chunks(), 0);
	packed_tables__add_code_at(tables, 4, 0x1000);
	unwind_tables__free(tables);
}

static void test_no_memory_for_a_chunk(void **state)
{
	struct unwind_file_key key = packed_tables__key_of(1);
	struct unwind_tables *tables = packed_tables__new();

	(void)state;
	packed_tables.nr_chunks_left = 0;
	assert_int_equal(packed_tables__add(tables, 1, packed_tables__file_with_code_at(0)),
			 -ENOMEM);
	assert_false(unwind_tables__has(tables, &key));
	assert_null(packed_tables__find_entry(&key));
	/* There may be some later. */
	packed_tables.nr_chunks_left = 1;
	packed_tables__add_code_at(tables, 1, 0);
	unwind_tables__free(tables);
}

static void test_requests_that_are_not_answered(void **state)
{
	struct unwind_file_key key = packed_tables__key_of(1), known = packed_tables__key_of(2);
	struct unwind_tables *tables = packed_tables__new();

	(void)state;
	packed_tables__put_file(&key, &(struct unwind_file){ 0 });
	unwind_tables__forget_request(tables, &key);
	assert_null(packed_tables__find_entry(&key));
	packed_tables__add_code_at(tables, 2, 0);
	unwind_tables__forget_request(tables, &known);
	assert_non_null(packed_tables__find_entry(&known));
	unwind_tables__free(tables);
}

/* Numbers outlive the tables: what was reported late still has its names. */
static void test_after_the_detach(void **state)
{
	struct unwind_tables *tables = packed_tables__new();
	struct unwind_file_key key = packed_tables__key_of(1);

	(void)state;
	packed_tables__add_code_at(tables, 1, 0);
	assert_int_equal(packed_tables__nr_mapped_chunks(), 1);
	unwind_tables__detach(tables);
	assert_int_equal(packed_tables__add(tables, 2, packed_tables__file_with_code_at(0)), 0);
	assert_int_equal(packed_tables.nr_files, 1);
	assert_memory_equal(unwind_tables__file(tables, 1), &key, sizeof(key));
	assert_int_equal(packed_tables__nr_mapped_chunks(), 0);
	unwind_tables__free(tables);
}

#define TABLES_TEST(function) \
	cmocka_unit_test_setup_teardown(function, packed_tables__begin, packed_tables__end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLES_TEST(test_real_files),
		TABLES_TEST(test_edges_of_pages),
		TABLES_TEST(test_files_without_tables),
		TABLES_TEST(test_code_where_no_table_reaches),
		TABLES_TEST(test_no_memory_for_a_chunk),
		TABLES_TEST(test_requests_that_are_not_answered),
		TABLES_TEST(test_after_the_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
