/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells at once when a program begins, anywhere on the system. events.c hears of that too, but
 * wakes its reader only now and then.
 */
#ifndef EXEC_WATCH_H
#define EXEC_WATCH_H

#include <sys/types.h>

struct exec_watch_handlers {
	/* A new program took over the process; the kernel may still be setting it up. */
	void (*execed)(pid_t tgid, void *context);
	/* The kernel dropped records. */
	void (*lost)(void *context);
	void *context;
};

struct exec_watch;

/* NULL and errno on failure. */
struct exec_watch *exec_watch__new(const struct exec_watch_handlers *handlers);
void exec_watch__free(struct exec_watch *watch);

/* Readable when a record waits. */
int exec_watch__fd(const struct exec_watch *watch);
/* Hands all that has arrived to the handlers. */
void exec_watch__drain(struct exec_watch *watch);

#endif
