/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A victim's own knowledge of its heap: it notes every allocation and every free next to the call,
 * and prints the sums as one JSON line on stdout. Nothing here allocates: no stdio, since stdio
 * would ask for buffers. Plain functions over __atomic builtins, for C and C++.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define MAYBE_UNUSED __attribute__((unused))

static unsigned long truth_allocated_bytes, truth_allocated_blocks;
static unsigned long truth_freed_bytes, truth_freed_blocks, truth_failed;

static inline void truth_add(unsigned long *counter, unsigned long n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* After an allocation of size bytes. */
static inline MAYBE_UNUSED void truth_allocated(const void *block, size_t size)
{
	/* The compiler may drop a new-expression whose result is not used. */
	__asm__ volatile("" : : "r"(block) : "memory");
	if (!block) {
		truth_add(&truth_failed, 1);
		return;
	}
	truth_add(&truth_allocated_bytes, size);
	truth_add(&truth_allocated_blocks, 1);
}

/* Before or after the free of a block of size bytes. */
static inline MAYBE_UNUSED void truth_freed(size_t size)
{
	truth_add(&truth_freed_bytes, size);
	truth_add(&truth_freed_blocks, 1);
}

static inline MAYBE_UNUSED void say(const char *text)
{
	size_t done = 0, size = strlen(text);

	while (done < size) {
		ssize_t n = write(STDOUT_FILENO, text + done, size - done);

		if (n <= 0)
			_exit(99);
		done += (size_t)n;
	}
}

static inline MAYBE_UNUSED void truth_print(void)
{
	char line[512];

	snprintf(
		line, sizeof(line),
		"{\"truth\":{\"held_bytes\":%lu,\"held_blocks\":%lu,\"allocated_bytes\":%lu,"
		"\"allocated_blocks\":%lu,\"freed_bytes\":%lu,\"freed_blocks\":%lu,\"failed\":%lu}}\n",
		truth_allocated_bytes - truth_freed_bytes,
		truth_allocated_blocks - truth_freed_blocks, truth_allocated_bytes,
		truth_allocated_blocks, truth_freed_bytes, truth_freed_blocks, truth_failed);
	say(line);
}

static inline MAYBE_UNUSED void die(const char *what)
{
	say(what);
	say(": victim can't go on\n");
	_exit(98);
}

#endif
