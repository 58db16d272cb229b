/* SPDX-License-Identifier: GPL-2.0 */
/*
 * STAGE in the environment of a victim, for tools/allocators-table:
 * "late": the victim makes blocks, says "ready" and waits for a byte on stdin, so that a tracer can
 * attach; then it frees half of them. Its truth has none of these blocks.
 * "idle": the victim makes no blocks after that. What is reported then is not the victim's own.
 */
#ifndef STAGE_H
#define STAGE_H

#include <stdbool.h>

#include "truth.h"

#define EARLY_BLOCKS 10

/* Whether the victim shall go on and make its blocks. */
static inline bool stage__begin(void *(*make)(size_t size), void (*give_back)(void *block))
{
	const char *stage = getenv("STAGE");
	void *early[EARLY_BLOCKS];
	char byte;

	if (stage && strstr(stage, "late")) {
		for (size_t i = 0; i < EARLY_BLOCKS; i++) {
			early[i] = make(1000 + i);
			__asm__ volatile("" : : "r"(early[i]) : "memory");
		}
		say("ready\n");
		if (read(STDIN_FILENO, &byte, 1) != 1)
			die("nobody says that the tracer is there");
		for (size_t i = 0; i < EARLY_BLOCKS; i += 2)
			give_back(early[i]);
	}
	return !stage || !strstr(stage, "idle");
}

#endif
