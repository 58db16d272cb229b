/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the parts of an ELF program or library of this machine that unwinding needs: its code,
 * .eh_frame, and the code that is known to have no call frame information. ELF bytes are hostile
 * input: nothing is mapped, every table is bounded.
 */
#ifndef UNWIND_IMAGE_H
#define UNWIND_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_headers.h"

#define UNWIND_STUBS_MAX 8

/* An executable PT_LOAD, up to the end of its bytes in the file. */
struct unwind_segment {
	uint64_t address;
	uint64_t offset;
	uint64_t nr_bytes;
};

/* A section of stubs, which call functions of other files. */
struct unwind_stubs {
	uint64_t begin;
	uint64_t end;
	uint64_t offset;
	bool lazy; /* a stub's first call goes through the dynamic linker */
};

struct unwind_image {
	uint64_t entry; /* address of a process's first code; 0: none begins here */
	struct unwind_segment *segments; /* sorted by offset; no byte or address is in two */
	size_t nr_segments;
	struct unwind_stubs stubs[UNWIND_STUBS_MAX]; /* sorted by address */
	size_t nr_stubs;
	uint64_t eh_frame_address;
	uint64_t eh_frame_offset;
	uint64_t eh_frame_bytes; /* 0: there is none */
	bool eh_frame_unbounded; /* only its terminator tells where it ends within these bytes */
	uint64_t got_address; /* the base of DW_EH_PE_datarel; 0: not known */
};

/*
 * Returns 0; -ENOEXEC when it is no ELF program or library of this machine; -EBADMSG when its
 * headers are damaged; -ENOTSUP when .eh_frame is compressed; -ENOMEM; -errno.
 */
int unwind_image__open(const struct elf_source *source, struct unwind_image *image);
void unwind_image__close(struct unwind_image *image);

#endif
