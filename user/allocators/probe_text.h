/* SPDX-License-Identifier: GPL-2.0 */
/* What is told of a probe, in one line. Pure. */
#ifndef PROBE_TEXT_H
#define PROBE_TEXT_H

#include "allocators/allocator_probes.h"

#define PROBE_TEXT_BYTES 256

/* How the return of a function is seen. */
enum probe_return {
	PROBE_RETURN_NONE, /* it is not: a free; or the probe is on a ret itself */
	PROBE_RETURN_PROBE,
	PROBE_RETURN_RETS, /* by probes at its ret instructions */
};

enum probe_return probe_text__return(const struct allocator_probe *probe);

/*
 * Writes one line without a newline: the function; its place in the file and how many bytes after
 * that the probe is; where the function was found; how its return is seen; and "slow" where the
 * kernel must single-step the instruction. The function's name is as hostile as its file.
 */
void probe_text__write(const struct allocator_probe *probe, char text[PROBE_TEXT_BYTES]);

#endif
