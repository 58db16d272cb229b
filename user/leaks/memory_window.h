/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A part of another process's memory, held in a buffer that moves along. Addresses asked in rising
 * order cost one read for each MiB; where they jump, only little is read.
 */
#ifndef MEMORY_WINDOW_H
#define MEMORY_WINDOW_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "leaks/memory_reader.h"

#define MEMORY_WINDOW_MIN_BYTES ((size_t)4096)
#define MEMORY_WINDOW_MAX_BYTES ((size_t)1 << 20)

struct memory_window {
	const struct memory_reader *memory;
	uint8_t *buffer;
	size_t capacity; /* of the buffer */
	uint64_t start; /* the address of the buffer's first byte */
	uint64_t limit; /* nothing is read from there on: another area may begin */
	size_t nr_bytes; /* that were read */
	size_t read_bytes; /* how many were asked for */
};

/* Returns 0 or -ENOMEM. Nothing can be read before there is a limit. */
int memory_window__open(struct memory_window *window, const struct memory_reader *memory);
void memory_window__close(struct memory_window *window);

/* Sets the limit, and forgets what was read. */
void memory_window__set_limit(struct memory_window *window, uint64_t limit);

/* Moves the window to the address. Returns how many bytes it has from there on. */
size_t memory_window__move(struct memory_window *window, uint64_t address);

/*
 * The bytes at the address, until the next call, or NULL when not all of them can be read. size: at
 * most MEMORY_WINDOW_MIN_BYTES.
 */
static inline const uint8_t *memory_window__at(struct memory_window *window, uint64_t address,
					       size_t size)
{
	uint64_t offset = address - window->start;

	if (address < window->start || offset > window->nr_bytes ||
	    size > window->nr_bytes - offset) {
		if (memory_window__move(window, address) < size)
			return NULL;
		offset = 0;
	}
	return window->buffer + offset;
}

static inline uint64_t memory_window__word(const uint8_t *bytes, size_t offset)
{
	uint64_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

#endif
