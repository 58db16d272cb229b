/* SPDX-License-Identifier: GPL-2.0 */
/* The terminal that a stream is written to, if it is one. */
#ifndef TERMINAL_H
#define TERMINAL_H

/* Its current width, which can change at any time; 0 when it is no terminal, or does not say. */
unsigned int terminal__columns(int fd);

#endif
