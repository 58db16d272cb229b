/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where uprobes may have put breakpoints, by file offset, what was there before, and how it is put
 * back in one process. A place is told by its bytes, not by the file's device and inode, which
 * stat, the kernel's records and /proc name differently on overlayfs and btrfs.
 */
#ifndef BREAKPOINTS_H
#define BREAKPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"

/* So many bytes of code tell a function from any other thing at that offset of another file. */
#define BREAKPOINT_CODE_BYTES 16

/* One place that is or will be probed. */
struct breakpoint {
	uint64_t file_offset;
	uint8_t code[BREAKPOINT_CODE_BYTES]; /* what the file has there */
	uint32_t nr_code; /* fewer than all at a file's end */
	uint32_t pad;
};

/*
 * Those that are known. One thread adds, others read while it does: what is there never moves nor
 * changes.
 */
#define BREAKPOINTS_MAX 65536
struct breakpoints {
	size_t nr;
	struct breakpoint list[BREAKPOINTS_MAX]; /* pages that are not used take no memory */
};

enum code_state {
	CODE_OTHER, /* something else is mapped there */
	CODE_ORIGINAL,
	CODE_BREAKPOINT,
};

/* What was found in the memory of a process where the function would be. Pure. */
enum code_state breakpoint__state(const struct breakpoint *breakpoint, const uint8_t *code,
				  size_t nr);

/* Adds one, unless it is known. Returns 0 or -ENOSPC. */
int breakpoints__add(struct breakpoints *breakpoints, const struct breakpoint *breakpoint);
size_t breakpoints__nr(const struct breakpoints *breakpoints);

/*
 * Calls visit with the address of each known function that a mapping of the process behind mem_fd
 * (its /proc/PID/mem) shows, with a breakpoint in it or without.
 */
void breakpoints__find(const struct breakpoints *breakpoints, int mem_fd, const struct mapping *map,
		       void (*visit)(size_t index, uint64_t address, void *context), void *context);

/*
 * Takes a breakpoint at that address out of that process, and of no other: its page is its own copy
 * since the breakpoint was written. Returns 1 when it did, 0 when there is none, -ENOENT when the
 * function isn't there (any more), or -errno.
 */
int breakpoint__take_out(const struct breakpoint *breakpoint, int mem_fd, uint64_t address);

#endif
