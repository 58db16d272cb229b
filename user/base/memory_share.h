/* SPDX-License-Identifier: GPL-2.0 */
/* A bound for memory whose size others decide: a part of the machine's memory. */
#ifndef MEMORY_SHARE_H
#define MEMORY_SHARE_H

#include <stdint.h>
#include <unistd.h>

/* 1/parts of the machine's memory, but at most max_bytes. */
static inline uint64_t memory_share(uint64_t parts, uint64_t max_bytes)
{
	uint64_t share =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / parts;

	return share < max_bytes ? share : max_bytes;
}

#endif
