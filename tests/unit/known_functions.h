/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How allocator functions of well-known libraries begin, and where their probes go: as many whole
 * instructions as 64 bytes have room for. Facts about Debian's and Ubuntu's builds for x86-64.
 */
#ifndef KNOWN_FUNCTIONS_H
#define KNOWN_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct known_function {
	const char *library, *name;
	unsigned int nr_arguments;
	unsigned int behind; /* where the probe goes */
	bool emulated;
	const char *code; /* hexadecimal */
};

extern const struct known_function known_functions[];
extern const size_t nr_known_functions;

#endif
