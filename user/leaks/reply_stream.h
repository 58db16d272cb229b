/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replies of the tracing process, written as the tracer reads them: a tracer that is busy, or
 * stopped, must not keep the tracing process from passing on the signals of others. There is one
 * reply at a time.
 */
#ifndef REPLY_STREAM_H
#define REPLY_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "leaks/paused_process.h"
#include "leaks/watch_messages.h"

struct reply_stream {
	int fd;
	bool busy;
	struct watch_reply reply;
	struct paused_thread *threads;
	size_t sent_bytes;
};

/* Takes threads, which may be NULL; there are reply->nr_threads. */
void reply_stream__begin(struct reply_stream *stream, const struct watch_reply *reply,
			 struct paused_thread *threads);

/* Sends what the socket takes. Returns 0, or -errno when the tracer is gone. */
int reply_stream__send(struct reply_stream *stream);

#endif
