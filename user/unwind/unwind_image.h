/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What unwinding needs of an x86-64 ELF program or library: which bytes are code, where .eh_frame
 * is, and the code that is known to have no call frame information. ELF bytes are hostile input:
 * nothing is mapped, every table is bounded.
 */
#ifndef UNWIND_IMAGE_H
#define UNWIND_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_headers.h"

#define UNWIND_STUBS_MAX 8

/* An executable PT_LOAD, as far as the file fills it. */
struct unwind_segment {
	uint64_t address;
	uint64_t offset;
	uint64_t nr_bytes;
};

/* A section of stubs by which functions of other files are called. */
struct unwind_stubs {
	uint64_t begin;
	uint64_t end;
	uint64_t offset;
	bool lazy; /* .plt: the first time they go through the dynamic linker */
};

struct unwind_image {
	uint64_t entry; /* where a process begins in it; 0: none does */
	struct unwind_segment *segments; /* by offset; no byte or address is in two */
	size_t nr_segments;
	struct unwind_stubs stubs[UNWIND_STUBS_MAX]; /* by address */
	size_t nr_stubs;
	uint64_t eh_frame_address;
	uint64_t eh_frame_offset;
	uint64_t eh_frame_bytes; /* 0: there is none */
	bool eh_frame_unbounded; /* only its terminator tells where it ends within these bytes */
	uint64_t got_address; /* what DW_EH_PE_datarel is relative to; 0: not known */
};

/*
 * Returns 0; -ENOEXEC when it is no x86-64 ELF program or library; -EBADMSG when its headers are
 * damaged; -ENOTSUP when .eh_frame is compressed; -ENOMEM; -errno.
 */
int unwind_image__open(const struct elf_source *source, struct unwind_image *image);
void unwind_image__close(struct unwind_image *image);

#endif
