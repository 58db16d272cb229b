/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How to get from a function to its caller: one rule for a stretch of code. The user side makes the
 * rules from .eh_frame, the BPF side follows them. Fixed width, explicit padding, size asserted.
 */
#ifndef WIRE_UNWIND_H
#define WIRE_UNWIND_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/*
 * Where the canonical frame address is: what rsp was before the call. The return address lies
 * below it, at cfa - 8, except where said otherwise; the caller's rsp is the cfa.
 */
enum unwind_cfa {
	UNWIND_CFA_FRAME_POINTER, /* no table here: walk by frame pointer */
	UNWIND_CFA_RSP, /* rsp + cfa_offset */
	UNWIND_CFA_RBP, /* rbp + cfa_offset */
	UNWIND_CFA_PLT, /* rsp + 8 + (((rip & 15) >= N) << 3), N in cfa_offset */
	UNWIND_CFA_RBP_DEREF, /* *(rbp + deref_offset) + cfa_offset: DRAP */
	UNWIND_CFA_RSP_DEREF, /* *(rsp + deref_offset) + cfa_offset */
	/*
	 * A signal frame, all of it relative to rsp: the interrupted rip is *(rsp + deref_offset),
	 * its rsp *(rsp + cfa_offset), its rbp *(rsp + rbp_offset); rbp says nothing. That rip is
	 * no return address: it is looked up as it is, not minus one.
	 */
	UNWIND_CFA_SIGNAL,
	UNWIND_CFA_END, /* outermost frame */
	UNWIND_CFA_BAD, /* CFI that the rules can't express */
};

/* Where the caller's rbp is. */
enum unwind_rbp {
	UNWIND_RBP_SAME,
	UNWIND_RBP_AT_CFA, /* *(cfa + rbp_offset) */
	UNWIND_RBP_AT_RBP, /* *(rbp + rbp_offset), by expression with DRAP */
	UNWIND_RBP_UNDEFINED, /* lost, or where the rules can't say: only rsp leads further up */
};

/* Fields that a rule does not use are 0, so that equal rules are equal bytes. */
struct unwind_rule {
	__u8 cfa; /* enum unwind_cfa */
	__u8 rbp; /* enum unwind_rbp */
	__s16 rbp_offset;
	__s16 deref_offset;
	__u16 pad;
	__s32 cfa_offset;
};

/*
 * The tables of all files are one sequence of words. It is kept in chunks of 1 MiB, which are
 * arrays with 16 words an element and are made as they are needed. The table of a file begins with
 * an index for each page of 64 KiB of the file: the word at which the rows of that page begin,
 * counted from the start of the table. One more index, after that of the last page, says where the
 * rows end. The rows follow. A row is the low 16 bits of the file offset from which on a rule
 * holds, above the index of that rule in unwind_rules. The rows of a page ascend, and the first is
 * at the start of the page.
 */
#define UNWIND_PAGE_BITS 16
#define UNWIND_ELEMENT_BITS 4 /* words in an element */
#define UNWIND_CHUNK_BITS 18 /* words in a chunk */
#define UNWIND_ELEMENTS (1 << (UNWIND_CHUNK_BITS - UNWIND_ELEMENT_BITS)) /* in a chunk */
#define UNWIND_MAX_CHUNKS 64

struct unwind_words {
	__u32 word[1 << UNWIND_ELEMENT_BITS];
};

#define UNWIND_MAX_RULES 65536

#define UNWIND_MAX_FILES 16384 /* that have tables at one time */
#define UNWIND_MAX_IDS 65536 /* of files in frames, and 0, which is none */

/* A file as the kernel knows it. stat(2) can say something else. */
struct unwind_file_key {
	__u64 inode;
	__u32 device; /* major << 20 | minor */
	__u32 generation; /* of the inode */
};

/* The file that a mapping really shows, below any file system that is stacked on it. */
struct file_identity {
	/* Of the kernel's inode: no other's, as long as it is open, mapped or probed. 0: unknown. */
	__u64 address;
	struct unwind_file_key key;
	__u32 filesystem; /* its magic number */
	__u32 pad;
};

/* A file in unwind_files. id and nr_pages are 0 until user space has answered the walk that asked. */
struct unwind_file {
	__u32 id; /* of the file, in frames; 0: unknown */
	__u32 nr_pages; /* of its table; 0: it has none, and is walked by frame pointers */
	__u32 first_word;
	__u32 pad;
};

/* The number of elements of mappings_changed. */
#define WIRE_MAPPING_GENERATIONS 256

/* Asks user space for the table of a file that was met on a stack. */
struct unwind_request {
	__u32 type; /* EVENT_UNWIND_REQUEST */
	__u32 tgid;
	struct unwind_file_key key;
	__u64 start, end; /* the mapping it was met in */
};

/* The most words of a stack that are copied, for user space to finish a walk. */
#define WIRE_STACK_COPY_WORDS 1024

/*
 * The most walks of an address space that are left to user space. Should a table never come, the
 * later walks end there, and share the stacks that are cut so.
 */
#define WIRE_UNFINISHED_WALKS 4096

/*
 * A walk that reached a file whose table was missing, and the stack from there on, for user space
 * to finish it. The frames up to there are in `stacks` under the id, which no other walk has.
 */
struct unfinished_walk {
	__u32 type; /* EVENT_UNFINISHED_WALK */
	__u32 tgid;
	__u64 stack_id;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 ip, sp, bp; /* of the frame whose table was missing */
	struct unwind_file_key file; /* whose table was missing */
	__u64 base; /* the address of the file's first byte */
	__u32 exact; /* ip is an instruction, no return address */
	__u32 nr_words;
	__u64 words[WIRE_STACK_COPY_WORDS]; /* from sp on */
};

_Static_assert(sizeof(struct unfinished_walk) == 80 + 8 * WIRE_STACK_COPY_WORDS, "unfinished_walk");
_Static_assert(sizeof(struct unwind_rule) == 12, "unwind_rule");
_Static_assert(sizeof(struct unwind_words) == 64, "unwind_words");
_Static_assert(sizeof(struct unwind_file_key) == 16, "unwind_file_key");
_Static_assert(sizeof(struct file_identity) == 32, "file_identity");
_Static_assert(sizeof(struct unwind_file) == 16, "unwind_file");
_Static_assert(sizeof(struct unwind_request) == 40, "unwind_request");

#endif
