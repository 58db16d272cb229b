/* SPDX-License-Identifier: GPL-2.0 */
/* The threads of a process that stands still, and their registers. */
#ifndef PAUSED_PROCESS_H
#define PAUSED_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* General registers that can hold a pointer. */
#define PAUSED_GENERAL_REGISTERS 16
/*
 * All other registers, as XSAVE lays them out: from xmm0 on, over the upper parts of the vectors of
 * AVX and AVX-512, to where the tiles of AMX begin.
 */
#define PAUSED_VECTOR_WORDS 316

struct paused_thread {
	pid_t tid;
	uint64_t instruction_pointer, stack_pointer, frame_pointer;
	uint64_t thread_pointer; /* fs_base: its TCB */
	bool asked_to_end; /* its own or the process's, by the system call that it is in */
	bool in_syscall; /* then vector registers hold nothing of the caller's */
	uint64_t general[PAUSED_GENERAL_REGISTERS];
	uint64_t vectors[PAUSED_VECTOR_WORDS];
	uint64_t saved[PAUSED_GENERAL_REGISTERS]; /* found on a part of the stack that is gone */
};

struct paused_process {
	pid_t tgid;
	bool at_end; /* it stands at its end, and runs no more of its own code */
	struct paused_thread *threads; /* those that live */
	size_t nr_threads;
	uint64_t paused_ns; /* CLOCK_MONOTONIC, when all of them stood still */
};

#endif
