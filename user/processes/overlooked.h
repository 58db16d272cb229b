/* SPDX-License-Identifier: GPL-2.0 */
/*
 * No allocator found in a process's files is one thing, a file that nobody has looked into is
 * another.
 */
#ifndef OVERLOOKED_H
#define OVERLOOKED_H

#include "base/mapping.h"

/*
 * Why the file of one of the mappings was not looked into, in words; NULL when all were. mappings
 * NULL or empty: they were not seen. The text is good until the next call.
 */
const char *overlooked__why(const struct mapping_set *mappings);

#endif
