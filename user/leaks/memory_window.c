// SPDX-License-Identifier: GPL-2.0
/* The moves of a window over another process's memory, for what walks its heaps. */
#include <stdlib.h>

#include "base/array.h"
#include "leaks/memory_window.h"

/* What comes after so few bytes that were not asked for, is taken as the next in order. */
#define MAX_SKIPPED_BYTES 4096

int memory_window__open(struct memory_window *window, const struct memory_reader *memory)
{
	*window = (struct memory_window){ .memory = memory };
	return array__reserve(&window->buffer, &window->capacity, MEMORY_WINDOW_MIN_BYTES);
}

void memory_window__close(struct memory_window *window)
{
	free(window->buffer);
	*window = (struct memory_window){ 0 };
}

void memory_window__set_limit(struct memory_window *window, uint64_t limit)
{
	window->limit = limit;
	window->start = 0;
	window->nr_bytes = 0;
	window->read_bytes = 0;
}

size_t memory_window__move(struct memory_window *window, uint64_t address)
{
	size_t bytes = MEMORY_WINDOW_MIN_BYTES;

	if (address >= window->start &&
	    address - window->start <= window->nr_bytes + MAX_SKIPPED_BYTES &&
	    bytes < 2 * window->read_bytes)
		bytes = 2 * window->read_bytes;
	if (bytes > MEMORY_WINDOW_MAX_BYTES)
		bytes = MEMORY_WINDOW_MAX_BYTES;
	/* Where there is no room for more, the smaller window serves as well. */
	if (array__reserve(&window->buffer, &window->capacity, bytes))
		bytes = window->capacity;
	if (address >= window->limit)
		bytes = 0;
	else if (bytes > window->limit - address)
		bytes = window->limit - address;
	window->start = address;
	window->read_bytes = bytes;
	window->nr_bytes = 0;
	if (bytes)
		window->nr_bytes = window->memory->read(window->memory->context, address,
							window->buffer, bytes);
	if (window->nr_bytes > bytes)
		window->nr_bytes = bytes;
	return window->nr_bytes;
}
