/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the tracing process share. */
#ifndef TRACING_STATE_H
#define TRACING_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "leaks/reply_stream.h"
#include "leaks/watched_threads.h"

struct tracing {
	struct watched_threads watched;
	struct reply_stream replies;
	int bell_fd;
	bool follow; /* children of watched processes are watched too */
	bool closing; /* everything is let go */
	uint64_t mind_ns; /* when the tracer is looked at next; see watch_requests__mind_tracer */
	uint64_t wake_ns; /* something is to be done then, if nothing comes before */
};

/* A thread stands in one stop, and an interrupt a moment later makes another. */
#define TRACING_LIMIT_NS NS_PER_S

static inline void tracing__wake_at(struct tracing *tracing, uint64_t time_ns)
{
	if (time_ns < tracing->wake_ns)
		tracing->wake_ns = time_ns;
}

static inline void tracing__reply(struct tracing *tracing, int result)
{
	const struct watch_reply reply = { .result = result };

	reply_stream__begin(&tracing->replies, &reply, NULL);
}

#endif
