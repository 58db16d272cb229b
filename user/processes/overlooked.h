/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells a process whose files contain no allocator from a process with a file that was not looked
 * into.
 */
#ifndef OVERLOOKED_H
#define OVERLOOKED_H

#include "base/mapping.h"

/*
 * Returns the reason, in words, why the file of one of the mappings was not looked into; NULL when
 * all were. mappings NULL or empty: the process's mappings were not seen. The text is valid until
 * the next call.
 */
const char *overlooked__why(const struct mapping_set *mappings);

#endif
