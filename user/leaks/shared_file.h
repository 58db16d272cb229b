/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file that shared memory is mapped from. It has pages that the process's page table lacks:
 * those that were written by another mapping of it, that the process gave back by madvise(), or
 * that are in swap.
 */
#ifndef SHARED_FILE_H
#define SHARED_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "leaks/glibc_arenas.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"

struct shared_file {
	int fd;
	uint64_t start, end; /* of the area */
	uint64_t offset; /* of the file's byte at start */
};

/*
 * Opens the file of an area of that thread's memory, if it is one of the kernel's own memory
 * (tmpfs): another file system could keep the tracer waiting. Returns false where it is not, or
 * can't be had.
 */
bool shared_file__open(struct shared_file *file, pid_t tid, const struct area *area);
void shared_file__close(struct shared_file *file);

/* The next run of pages from the address on that the file has. False: there are no more. */
bool shared_file__next(const struct shared_file *file, uint64_t from, struct address_range *run);

/* Reads the file by addresses of the area. The reader uses the file. */
struct memory_reader shared_file__reader(struct shared_file *file);

#endif
