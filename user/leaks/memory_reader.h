/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of another process, as a function, so that what interprets memory can be tested over plain
 * bytes.
 */
#ifndef MEMORY_READER_H
#define MEMORY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memory_reader {
	/* Reads from address on. Returns how many bytes were read, from the first: 0 to size. */
	size_t (*read)(void *context, uint64_t address, void *buffer, size_t size);
	void *context;
};

/* Whether all of it was read. */
static inline bool memory_reader__all(const struct memory_reader *reader, uint64_t address,
				      void *buffer, size_t size)
{
	return reader->read(reader->context, address, buffer, size) == size;
}

/*
 * The memory of a living process, read by process_vm_readv (it needs CAP_SYS_PTRACE). tid: of any
 * thread of it that still has its memory; *tid must outlive the reader.
 */
struct memory_reader memory_reader__of_thread(const pid_t *tid);

#endif
