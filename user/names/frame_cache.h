/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frames found for the addresses of one file, so that each address is looked up once. Points to
 * strings that outlive it.
 */
#ifndef FRAME_CACHE_H
#define FRAME_CACHE_H

#include <stdint.h>

#include "names/lines.h"

struct frame_cache;

struct frame_cache *frame_cache__new(void);
void frame_cache__free(struct frame_cache *cache);
void frame_cache__clear(struct frame_cache *cache);

/*
 * The frames of a file offset and their number; 0 when it isn't known. *frames is valid until the
 * next call of frame_cache__add.
 */
unsigned int frame_cache__find(const struct frame_cache *cache, uint64_t offset,
			       const struct line_frame **frames);

/*
 * Remembers the frames of a file offset that isn't known yet; does nothing when memory or room has
 * run out.
 */
void frame_cache__add(struct frame_cache *cache, uint64_t offset, const struct line_frame *frames,
		      unsigned int nr);

#endif
