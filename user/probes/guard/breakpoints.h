/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The places where uprobes may have put breakpoints, by file offset; the bytes that were there
 * before; and how to restore them in one process. A place is recognised by its bytes. Device and
 * inode won't do: stat, the kernel's records and /proc show different ones on overlayfs and btrfs.
 */
#ifndef BREAKPOINTS_H
#define BREAKPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"

/* This many bytes of code distinguish a function from anything at that offset of another file. */
#define BREAKPOINT_CODE_BYTES 16

/* A place that is or will be probed. */
struct breakpoint {
	uint64_t file_offset;
	uint8_t code[BREAKPOINT_CODE_BYTES]; /* the file's bytes there */
	uint32_t nr_code; /* fewer at a file's end */
	uint32_t pad;
};

/*
 * The known places. One thread adds to the list while others read it, so an entry never moves or
 * changes.
 */
#define BREAKPOINTS_MAX 65536
struct breakpoints {
	size_t nr;
	struct breakpoint list[BREAKPOINTS_MAX]; /* unused pages take no memory */
};

enum code_state {
	CODE_OTHER, /* other code is mapped there */
	CODE_ORIGINAL,
	CODE_BREAKPOINT,
};

/* The state of the code in a process's memory where the function would be. Pure. */
enum code_state breakpoint__state(const struct breakpoint *breakpoint, const uint8_t *code,
				  size_t nr);

/* Adds a place, unless it is known. Returns 0 or -ENOSPC. */
int breakpoints__add(struct breakpoints *breakpoints, const struct breakpoint *breakpoint);
size_t breakpoints__nr(const struct breakpoints *breakpoints);

/*
 * Calls visit with the address of each known function that the mapping shows, whether or not there
 * is a breakpoint in it. mem_fd is the /proc/PID/mem of the process.
 */
void breakpoints__find(const struct breakpoints *breakpoints, int mem_fd, const struct mapping *map,
		       void (*visit)(size_t index, uint64_t address, void *context), void *context);

/*
 * Takes a breakpoint at that address out of that process alone: its page has been a private copy
 * since the kernel wrote the breakpoint. Returns 1 when it was taken out, 0 when there is none,
 * -ENOENT when the function is not there (any more), or -errno.
 */
int breakpoint__take_out(const struct breakpoint *breakpoint, int mem_fd, uint64_t address);

#endif
