// SPDX-License-Identifier: GPL-2.0
/* Unwind tables when there is no room left: what is refused, what goes, and what then comes in. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_set.h"
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

/* A million empty pages: two million words, an eighth of all. */
#define FAR_AWAY (PAGE_BYTES << 20)

static void test_no_room_is_left(void **state)
{
	struct unwind_tables *tables = packed_tables__new();
	struct unwind_file_key first = packed_tables__key_of(1);
	int fd = packed_tables__file_with_code_at(FAR_AWAY);
	struct unwind_rows rows;

	(void)state;
	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	close(fd);
	for (uint64_t inode = 1; inode <= 7; inode++)
		assert_int_equal(packed_tables__add(tables, inode,
						    packed_tables__file_with_code_at(FAR_AWAY)),
				 0);
	fd = packed_tables__file_with_code_at(FAR_AWAY);
	assert_int_equal(packed_tables__add(tables, 8, dup(fd)), -ENOSPC);
	packed_tables__assert_by_frame_pointer(tables, 8);
	assert_int_equal(unwind_tables__nr_refused(tables), 1);
	/* It was not asked for twice, and a smaller one has room. */
	assert_int_equal(packed_tables__add(tables, 8, fd), 0);
	packed_tables__add_code_at(tables, 9, 0x1000);
	for (size_t i = 0; i < rows.nr; i++)
		packed_tables__assert_same_rule(&rows, &first, rows.row[i].file_offset);
	packed_tables__assert_same_rule(&rows, &first, 0);
	unwind_rows__free(&rows);
	unwind_tables__free(tables);
}

/* The file has its old number, and the table of what it is now. */
static void test_overwritten_files(void **state)
{
	struct unwind_tables *tables = packed_tables__new();
	struct unwind_file_key key = packed_tables__key_of(1);
	int before = packed_tables__file_with_code_at(FAR_AWAY), after;

	(void)state;
	assert_int_equal(packed_tables__add(tables, 1, dup(before)), 0);
	assert_true(unwind_tables__has_current(tables, &key, before));
	/* The clock of file systems moves in steps. */
	usleep(20000);
	after = packed_tables__file_with_code_at(0x1000);
	assert_false(unwind_tables__has_current(tables, &key, after));
	close(after);
	packed_tables__add_code_at(tables, 1, 0x1000);
	assert_int_equal(packed_tables__find_entry(&key)->file.id, 1);
	assert_false(unwind_tables__has_current(tables, &key, before));
	/* First the entry goes, then the caches; then it waits for walks that had seen it. */
	assert_int_equal(packed_tables.changed, 1);
	assert_int_equal(packed_tables.changed_when_deleted, 0);
	assert_int_equal(packed_tables.changed_when_waited, 1);
	/* Its room is free again: the others fill it. */
	for (uint64_t inode = 2; inode <= 8; inode++)
		assert_int_equal(packed_tables__add(tables, inode,
						    packed_tables__file_with_code_at(FAR_AWAY)),
				 0);
	close(before);
	unwind_tables__free(tables);
}

/* The files with these numbers of inodes are mapped. */
static int sweep_but(struct unwind_tables *tables, uint64_t first, uint64_t last)
{
	struct file_set *mapped = file_set__new();
	int err;

	assert_non_null(mapped);
	for (uint64_t inode = first; inode <= last; inode++) {
		struct file_key file = file_key__of_device(PACKED_DEVICE, inode);

		assert_int_equal(file_set__add(mapped, &file), 0);
	}
	err = unwind_tables__sweep(tables, mapped);
	file_set__free(mapped);
	return err;
}

static void test_room_is_made(void **state)
{
	struct unwind_tables *tables = packed_tables__new();
	struct unwind_file_key first = packed_tables__key_of(1), gone = packed_tables__key_of(4),
			       asked = packed_tables__key_of(99);
	int fd = packed_tables__file_with_code_at(FAR_AWAY);
	struct unwind_rows rows;

	(void)state;
	assert_int_equal(unwind_rows__of_file(fd, &rows), 0);
	close(fd);
	assert_false(unwind_tables__are_crowded(tables));
	for (uint64_t inode = 1; inode <= 7; inode++)
		assert_int_equal(packed_tables__add(tables, inode,
						    packed_tables__file_with_code_at(FAR_AWAY)),
				 0);
	assert_int_equal(packed_tables__add(tables, 8, packed_tables__file_with_code_at(FAR_AWAY)),
			 -ENOSPC);
	packed_tables__put_file(&asked, &(struct unwind_file){ 0 });
	assert_true(unwind_tables__are_crowded(tables));
	/* The eighth is mapped too, and so it may have the room. */
	assert_int_equal(sweep_but(tables, 2, 8), 0);
	assert_int_equal(packed_tables.nr_files, 6);
	assert_null(packed_tables__find_entry(&first));
	assert_null(packed_tables__find_entry(&asked));
	assert_int_equal(unwind_tables__nr_refused(tables), 0);
	/* First the entries go, then the caches; then it waits for walks that had seen them. */
	assert_int_equal(packed_tables.changed, 1);
	assert_int_equal(packed_tables.changed_when_deleted, 0);
	assert_int_equal(packed_tables.changed_when_waited, 1);
	assert_false(unwind_tables__has(tables, &first));
	assert_memory_equal(unwind_tables__file(tables, 1), &first, sizeof(first));
	assert_int_equal(packed_tables__add(tables, 8, packed_tables__file_with_code_at(FAR_AWAY)),
			 0);
	for (uint64_t inode = 2; inode <= 8; inode++) {
		struct unwind_file_key key = packed_tables__key_of(inode);

		assert_int_equal(packed_tables__find_entry(&key)->file.id, inode);
		for (size_t i = 0; i < rows.nr; i++)
			packed_tables__assert_same_rule(&rows, &key, rows.row[i].file_offset);
	}
	/* A file that comes again has its old number, wherever its table is. */
	assert_int_equal(sweep_but(tables, 6, 8), 0);
	assert_int_equal(packed_tables.changed, 2);
	packed_tables__add_code_at(tables, 4, 0x1000);
	assert_int_equal(packed_tables__find_entry(&gone)->file.id, 4);
	assert_false(unwind_tables__are_crowded(tables));
	unwind_rows__free(&rows);
	unwind_tables__free(tables);
}

static void test_not_worth_it(void **state)
{
	struct unwind_tables *tables = packed_tables__new();

	(void)state;
	for (uint64_t inode = 1; inode <= 7; inode++)
		assert_int_equal(packed_tables__add(tables, inode,
						    packed_tables__file_with_code_at(FAR_AWAY)),
				 0);
	assert_true(unwind_tables__are_crowded(tables));
	assert_int_equal(sweep_but(tables, 1, 7), -EAGAIN);
	assert_int_equal(packed_tables.nr_files, 7);
	assert_int_equal(packed_tables.changed, 0);
	unwind_tables__detach(tables);
	assert_false(unwind_tables__are_crowded(tables));
	assert_int_equal(sweep_but(tables, 1, 0), -ENOTSUP);
	unwind_tables__free(tables);
}

/* More files than the kernel's map has room for; none of them has a table. */
static void test_many_files(void **state)
{
	static bool in_use[UNWIND_MAX_IDS];
	struct unwind_tables *tables = packed_tables__new();
	struct unwind_file_key key = packed_tables__key_of(5);
	int fd = packed_tables__file_with("no ELF file", 11);
	uint64_t inode = 1;

	(void)state;
	for (; inode < UNWIND_MAX_FILES; inode++)
		assert_int_equal(packed_tables__add(tables, inode, dup(fd)), 0);
	assert_int_equal(packed_tables__add(tables, inode, dup(fd)), -ENOSPC);
	assert_int_equal(sweep_but(tables, 1, 3), 0);
	assert_int_equal(packed_tables.nr_files, 3);
	/* The fourth of the files that went is in a stack. */
	in_use[4] = true;
	unwind_tables__reuse_ids(tables, in_use);
	assert_int_equal(unwind_tables__file(tables, 4)->inode, 4);
	assert_null(unwind_tables__file(tables, 5));
	assert_false(unwind_tables__has(tables, &key));
	for (inode = 1000001; inode <= 1000010; inode++) {
		key = packed_tables__key_of(inode);
		assert_int_equal(packed_tables__add(tables, inode, dup(fd)), 0);
		assert_int_equal(packed_tables__find_entry(&key)->file.id, inode - 1000001 + 5);
	}
	key = packed_tables__key_of(4);
	assert_int_equal(packed_tables__add(tables, 4, dup(fd)), 0);
	assert_int_equal(packed_tables__find_entry(&key)->file.id, 4);
	assert_int_equal(unwind_tables__file(tables, 2)->inode, 2);
	close(fd);
	unwind_tables__free(tables);
}

#define TABLES_TEST(function) \
	cmocka_unit_test_setup_teardown(function, packed_tables__begin, packed_tables__end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLES_TEST(test_no_room_is_left), TABLES_TEST(test_overwritten_files),
		TABLES_TEST(test_room_is_made),	   TABLES_TEST(test_not_worth_it),
		TABLES_TEST(test_many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
