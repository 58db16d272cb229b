/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether an entry matches a stack. In Valgrind a stack begins with the allocator's own function,
 * such as malloc, which our stacks lack: the first line of an entry is compared with the names that
 * it may have there. A stack that begins with operator new stands for the same stack in Valgrind,
 * where operator new is the allocator. Of functions, an entry can give
 *   - the symbol, mangled, as Valgrind does;
 *   - the demangled function, or another symbol of it: versions and a compiler's clones then don't
 *     matter, nor which of a constructor's symbols it is;
 *   - of an inlined function its bare name, since Valgrind knows no other.
 * A mangled name with wildcards matches nothing but the symbol. Names that are unknown are "???",
 * as in Valgrind. The time grows with the product of the lengths at worst, for characters as for
 * frames.
 */
#ifndef SUPPRESSION_MATCH_H
#define SUPPRESSION_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "names/frame.h"
#include "report/suppression_file.h"

/* locations: those of the file that the entry is from. Its kinds are not looked at. */
bool suppression__matches(const struct suppression *entry,
			  const struct suppression_location *locations,
			  const struct report_frame *frames, size_t nr);

/* How many frames at the start are operator new. */
size_t suppression__nr_news(const struct report_frame *frames, size_t nr);

/*
 * The name of a demangled function without its scope, types and parameters, such as put<int>.
 * Returns false when there is none, or it can't be told.
 */
bool suppression__bare_name(const char *function, char *buffer, size_t size);

#endif
