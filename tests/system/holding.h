/* SPDX-License-Identifier: GPL-2.0 */
/* --hold-new: programs that are new to the tracer, started as something that may be held. */
#ifndef HOLDING_H
#define HOLDING_H

#include "harness.h"

/* A hold takes that long at most; HOLD_BOUND_NS. */
#define HOLD_BOUND_S 0.5
/* With what a busy machine adds. */
#define HOLD_PATIENCE_S 20.0

/*
 * A group setup: gives up the terminal, so that what this program starts may be held. Use it in
 * place of harness__begin.
 */
int holding__begin(void **state);

/* Skips the test where --hold-new is refused. */
void skip_unless_held_here(void);

/* Copies a file, which is new then. Returns to. */
const char *new_copy(const char *from, const char *to);

/* For struct child_options: makes the child lead a session of its own, as a service does. */
int lead_session(void *context);
/* Runs a program that leads a session, to its end. */
struct run *run_as_service(const char *const *argv);

/*
 * Makes a child that is set up by prepare and maps the code of a new file. Returns whether it was
 * seen to stop, which a busy machine can hide; it must end by itself, and well.
 */
bool is_held_after(int (*prepare)(void *context), void *context);
/* The same, again and again until one is seen to stop. */
bool is_ever_held_after(int (*prepare)(void *context), void *context);

/* The tracer's keeper; 0 when there is none. */
pid_t keeper_of(pid_t tracer);

#endif
