/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process that takes breakpoints out of translators, and the protocol between it and its parent
 * (translators.c), over a socket. A process of its own answers in microseconds even while the
 * tracer writes a report. It also outlives a tracer that is killed, for as long as breakpoints are
 * left.
 */
#ifndef TRANSLATOR_GUARD_H
#define TRANSLATOR_GUARD_H

#include <stdint.h>

#include "allocators/allocators.h"
#include "probes/guard/breakpoints.h"

#define GUARD_PATH_BYTES 256

/* Each request is answered by GUARD_DONE. */
enum guard_request_type {
	GUARD_ADD_FILE, /* functions that will be probed; the file's descriptor is attached */
	GUARD_FORGET_FILE, /* the file is not probed any more */
	GUARD_ATTACHING, /* from now on the kernel may put breakpoints into running processes */
	GUARD_ATTACHED, /* the end of that */
	GUARD_QUIT, /* the guard should exit: no probe is left */
};

struct guard_request {
	uint32_t type;
	uint32_t nr;
	int32_t file; /* the tracer's descriptor number of the file, as its name */
	uint32_t pad;
	struct breakpoint list[ALLOCATOR_PROBES_MAX];
};

enum guard_message_type {
	GUARD_READY, /* once, at the start; error tells whether the guard can work */
	GUARD_DONE,
	GUARD_GUARDED, /* breakpoints were taken out of a process: its calls go unseen */
	GUARD_FAILED, /* breakpoints can't be taken out of a process */
};

struct guard_message {
	uint32_t type;
	int32_t error; /* -errno */
	int32_t tgid;
	uint32_t pad;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	char exe[GUARD_PATH_BYTES];
};

/* The main function of the guard. It ends after the parent's end of the socket is closed. */
_Noreturn void translator_guard__run(int socket_fd);

#endif
