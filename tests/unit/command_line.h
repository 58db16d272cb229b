/* SPDX-License-Identifier: GPL-2.0 */
/* Command lines for tests of the options: the words that are parsed, and the words of refusals. */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <stddef.h>

#include "options.h"

#define COMMAND_LINE_MAX_WORDS 16

/* The error of the last parse. */
extern char command_line__error[256];

/*
 * Parses "memleak-bpf" and the words, up to a NULL. getopt_long must leave them in their order.
 * Returns what options__parse does. The options are good until the next call.
 */
int command_line__parse(struct options *options, const char *const words[]);

#define PARSE(options, ...) command_line__parse(options, (const char *const[]){ __VA_ARGS__, NULL })

struct refusal {
	const char *words[COMMAND_LINE_MAX_WORDS];
	const char *message;
};

/* Fails the test unless each of these command lines is refused with its message. */
void command_line__assert_refused(const struct refusal *refusals, size_t nr);

#endif
