/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a process was held back (--hold-new), so that the tracer could look into a file that it had
 * just mapped. It ran none of that file's code before the hold was over.
 */
#ifndef IMAGE_HOLDS_H
#define IMAGE_HOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"

struct image_hold {
	uint64_t from_ns; /* CLOCK_MONOTONIC, as all times here */
	uint64_t until_ns; /* 0: it is not known to be over */
	uint64_t address; /* in the mapping that it was for; 0: in all that its exec made */
};

/* The holds of one program, in the order of time. All zero: there was none. */
struct image_holds {
	struct image_hold *list;
	size_t nr, capacity;
};

/* Returns 0 or -ENOMEM. */
int image_holds__add(struct image_holds *holds, uint64_t from_ns, uint64_t address);
bool image_holds__has(const struct image_holds *holds, uint64_t from_ns);
/* Ends the hold that began at that time. */
void image_holds__end(struct image_holds *holds, uint64_t from_ns, uint64_t until_ns);

/* Replaces *copy, which is empty. Without memory it stays empty. */
void image_holds__copy(struct image_holds *copy, const struct image_holds *holds);
void image_holds__free(struct image_holds *holds);

/*
 * The time until which no code of that mapping had run: the end of the hold that it caused, or when
 * it was made. UINT64_MAX: that hold is not over. 0: it was there when the tracer came.
 */
uint64_t image_holds__unused_until(const struct image_holds *holds, const struct mapping *map);

/*
 * How long those took that began after since_ns: a fork's copy has its parent's, too. One that is
 * not known to be over lasts until end_ns.
 */
uint64_t image_holds__sum_ns(const struct image_holds *holds, uint64_t since_ns, uint64_t end_ns);

#endif
