// SPDX-License-Identifier: GPL-2.0
/*
 * See breakpoints.h. The kernel tolerates a missing breakpoint when it removes its uprobes
 * (verify_opcode in kernel/events/uprobes.c). A thread that is just hitting a removed breakpoint is
 * still handled, since its uprobe is still registered.
 */
#include "probes/guard/breakpoints.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INT3 0xcc

enum code_state breakpoint__state(const struct breakpoint *breakpoint, const uint8_t *code,
				  size_t nr)
{
	if (nr > breakpoint->nr_code)
		nr = breakpoint->nr_code;
	if (!nr)
		return CODE_OTHER;
	/* Another probe may have its breakpoint within these bytes. */
	for (size_t i = 1; i < nr; i++)
		if (code[i] != breakpoint->code[i] && code[i] != INT3)
			return CODE_OTHER;
	if (code[0] == breakpoint->code[0])
		return CODE_ORIGINAL;
	return code[0] == INT3 ? CODE_BREAKPOINT : CODE_OTHER;
}

size_t breakpoints__nr(const struct breakpoints *breakpoints)
{
	return __atomic_load_n(&breakpoints->nr, __ATOMIC_ACQUIRE);
}

int breakpoints__add(struct breakpoints *breakpoints, const struct breakpoint *breakpoint)
{
	size_t nr = breakpoints->nr;

	for (size_t i = 0; i < nr; i++)
		if (breakpoints->list[i].file_offset == breakpoint->file_offset &&
		    !memcmp(breakpoints->list[i].code, breakpoint->code, sizeof(breakpoint->code)))
			return 0;
	if (nr == BREAKPOINTS_MAX)
		return -ENOSPC;
	breakpoints->list[nr] = *breakpoint;
	__atomic_store_n(&breakpoints->nr, nr + 1, __ATOMIC_RELEASE);
	return 0;
}

static enum code_state read_state(const struct breakpoint *breakpoint, int mem_fd, uint64_t address,
				  size_t limit)
{
	uint8_t code[BREAKPOINT_CODE_BYTES];
	size_t wanted = limit < sizeof(code) ? limit : sizeof(code);
	ssize_t nr = pread(mem_fd, code, wanted, (off_t)address);

	return breakpoint__state(breakpoint, code, nr > 0 ? (size_t)nr : 0);
}

void breakpoints__find(const struct breakpoints *breakpoints, int mem_fd, const struct mapping *map,
		       void (*visit)(size_t index, uint64_t address, void *context), void *context)
{
	uint64_t bytes = map->end - map->start;
	size_t nr = breakpoints__nr(breakpoints);

	for (size_t i = 0; i < nr; i++) {
		const struct breakpoint *breakpoint = &breakpoints->list[i];
		uint64_t into = breakpoint->file_offset - map->file_offset;

		if (breakpoint->file_offset < map->file_offset || into >= bytes)
			continue;
		if (read_state(breakpoint, mem_fd, map->start + into, (size_t)(bytes - into)) !=
		    CODE_OTHER)
			visit(i, map->start + into, context);
	}
}

int breakpoint__take_out(const struct breakpoint *breakpoint, int mem_fd, uint64_t address)
{
	int err;

	switch (read_state(breakpoint, mem_fd, address, BREAKPOINT_CODE_BYTES)) {
	case CODE_OTHER:
		return -ENOENT;
	case CODE_ORIGINAL:
		return 0;
	case CODE_BREAKPOINT:
		break;
	}
	if (pwrite(mem_fd, breakpoint->code, 1, (off_t)address) == 1)
		return 1;
	err = -errno;
	/* The write may have been refused, or the code unmapped meanwhile. */
	return read_state(breakpoint, mem_fd, address, BREAKPOINT_CODE_BYTES) == CODE_BREAKPOINT ?
		       err :
		       -ENOENT;
}
