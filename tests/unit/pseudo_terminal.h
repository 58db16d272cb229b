/* SPDX-License-Identifier: GPL-2.0 */
/* A terminal without a screen: text that is written to its slave can be read from its master. */
#ifndef PSEUDO_TERMINAL_H
#define PSEUDO_TERMINAL_H

struct pseudo_terminal {
	int master, slave;
};

/* Skips the running test where there are none. */
struct pseudo_terminal pseudo_terminal__open(void);
void pseudo_terminal__set_columns(const struct pseudo_terminal *terminal, unsigned short columns);
void pseudo_terminal__close(const struct pseudo_terminal *terminal);

#endif
