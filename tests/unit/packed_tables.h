/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind tables that are packed into maps, and BPF's own search that reads them back. The kernel's
 * maps are plain memory here: a test program defines libbpf's functions, which call those below.
 */
#ifndef PACKED_TABLES_H
#define PACKED_TABLES_H

#include <bpf/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/unwind_rows.h"
#include "unwind/unwind_tables.h"

#define PACKED_DEVICE 7 /* of all files */
#define PAGE_BYTES (1ULL << UNWIND_PAGE_BITS)

/* ---- the kernel's side ---- */

struct packed_file {
	struct unwind_file_key key;
	struct unwind_file file;
};

struct packed_tables {
	struct packed_file *file; /* in any order */
	size_t nr_files;
	uint32_t *chunk[UNWIND_MAX_CHUNKS];
	struct unwind_rule rule[UNWIND_MAX_RULES];
	size_t nr_chunks_left; /* that there is memory for */
	uint64_t changed, changed_when_deleted, changed_when_waited;
};

extern struct packed_tables packed_tables;

/* As libbpf's functions of these names. */
int packed_tables__map_create(enum bpf_map_type type, const char *name, __u32 key_size,
			      __u32 value_size, __u32 max_entries,
			      const struct bpf_map_create_opts *options);
int packed_tables__map_update(int map, const void *key, const void *value, __u64 flags);
int packed_tables__map_delete(int map, const void *key);
int packed_tables__map_next(int map, const void *key, void *next);

struct packed_file *packed_tables__find_entry(const struct unwind_file_key *key);
void packed_tables__put_file(const struct unwind_file_key *key, const struct unwind_file *file);

/* How many chunks the tables have mapped. Our own mappings of chunks are not writable. */
size_t packed_tables__nr_mapped_chunks(void);

/* ---- what is packed ---- */

/* Setup and teardown of a test. */
int packed_tables__begin(void **state);
int packed_tables__end(void **state);

struct unwind_tables *packed_tables__new(void);
struct unwind_file_key packed_tables__key_of(uint64_t inode);

/* A file in memory; its descriptor. */
int packed_tables__file_with(const void *bytes, size_t nr_bytes);
/* One whose code lies at that offset, however small it is itself. */
int packed_tables__file_with_code_at(uint64_t offset);

/* Adds a file and closes the descriptor. Returns what unwind_tables__add does. */
int packed_tables__add(struct unwind_tables *tables, uint64_t inode, int fd);
/* Adds a file with its code there, and looks it up. */
void packed_tables__add_code_at(struct unwind_tables *tables, uint64_t inode, uint64_t offset);

void packed_tables__assert_same_rule(const struct unwind_rows *rows,
				     const struct unwind_file_key *key, uint64_t offset);
/* At, before and after each row, and where pages begin. */
void packed_tables__assert_packed(const struct unwind_rows *rows,
				  const struct unwind_file_key *key);
void packed_tables__assert_by_frame_pointer(const struct unwind_tables *tables, uint64_t inode);

#endif
