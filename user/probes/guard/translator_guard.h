/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process that takes breakpoints out of translators, and what it and its parent
 * (translators.c) say to each other over a socket. It is a process of its own so that it answers
 * in microseconds while the tracer writes a report, and so that it outlives a tracer that is
 * killed, for as long as breakpoints are left.
 */
#ifndef TRANSLATOR_GUARD_H
#define TRANSLATOR_GUARD_H

#include <stdint.h>

#include "allocators/allocators.h"
#include "probes/guard/breakpoints.h"

#define GUARD_PATH_BYTES 256

/* Each is answered by GUARD_DONE. */
enum guard_request_type {
	GUARD_ADD_FILE, /* functions that will be probed; the file's descriptor comes along */
	GUARD_FORGET_FILE, /* they are not probed any more */
	GUARD_ATTACHING, /* from now on breakpoints may be written into processes that run */
	GUARD_ATTACHED, /* no more */
	GUARD_QUIT, /* no probe is left */
};

struct guard_request {
	uint32_t type;
	uint32_t nr;
	int32_t file; /* the tracer's number for it */
	uint32_t pad;
	struct breakpoint list[ALLOCATOR_PROBES_MAX];
};

enum guard_message_type {
	GUARD_READY, /* once, at the beginning; error tells whether it can work */
	GUARD_DONE,
	GUARD_GUARDED, /* breakpoints were taken out of a process: its calls are not seen */
	GUARD_FAILED, /* of a process from which they can't be taken */
};

struct guard_message {
	uint32_t type;
	int32_t error; /* -errno */
	int32_t tgid;
	uint32_t pad;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	char exe[GUARD_PATH_BYTES];
};

/* The life of the process; the parent's end of the socket ends it. */
_Noreturn void translator_guard__run(int socket_fd);

#endif
