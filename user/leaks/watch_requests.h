/* SPDX-License-Identifier: GPL-2.0 */
/* What the tracer asks of the tracing process, and what is to be done about it as time passes. */
#ifndef WATCH_REQUESTS_H
#define WATCH_REQUESTS_H

#include "leaks/tracing_state.h"

/* Replies now or later. */
void watch_requests__handle(struct tracing *tracing, const struct watch_request *request);

/* A thread of the process has stopped or ended. May forget the process. */
void watch_requests__settle(struct tracing *tracing, struct watched_process *process);

/* Does what is due, and sets when the next is. */
void watch_requests__look(struct tracing *tracing, uint64_t now_ns);

/*
 * Lets all processes that stand still go on if the tracer is stopped, as by Ctrl-Z: it can be a
 * long time until it goes on. Sets when to look again.
 */
void watch_requests__mind_tracer(struct tracing *tracing, uint64_t now_ns);

/* Tells the tracer of ends for which the bell had no room. */
void watch_requests__ring(struct tracing *tracing);
bool watch_requests__has_bell_due(const struct tracing *tracing);

/*
 * Lets all processes go on. They can be left alone, too, once no thread is on its way to a stop
 * that comes of an interrupt or of a restart: the kernel would end its call with EINTR.
 */
void watch_requests__let_all_go(struct tracing *tracing);
bool watch_requests__can_leave(const struct tracing *tracing);

#endif
