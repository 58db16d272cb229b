/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tracer (exit_watch.c) and the tracing process say to each other. The tracer asks on the
 * control socket, one request at a time, and each gets one reply. The bell is a second socket: each
 * process that comes to stand at its end is one message on it, a pid_t.
 */
#ifndef WATCH_MESSAGES_H
#define WATCH_MESSAGES_H

#include <stdint.h>

/* More threads than any process here has; a bound for what a reply may announce. */
#define WATCH_MAX_THREADS 65536

enum watch_request_kind {
	WATCH_ADD,
	WATCH_PAUSE,
	WATCH_TAKE_END, /* the registers of a process that the bell told of */
	WATCH_RESUME,
};

struct watch_request {
	uint32_t kind; /* enum watch_request_kind */
	int32_t tgid;
};

/* nr_threads times a struct paused_thread follow. */
struct watch_reply {
	int32_t result; /* 0 or -errno */
	int32_t tracer; /* with -EBUSY: who traces it */
	uint32_t nr_threads;
	uint32_t unused;
	uint64_t paused_ns;
};

_Static_assert(sizeof(struct watch_request) == 8, "a message has no padding");
_Static_assert(sizeof(struct watch_reply) == 24, "a message has no padding");

#endif
