/* SPDX-License-Identifier: GPL-2.0 */
/* The reason of a verdict in words, the same in every format. */
#ifndef VERDICT_WORDS_H
#define VERDICT_WORDS_H

#include "report/report.h"

struct verdict_text {
	char text[200]; /* "" when no reason is recorded */
};

struct verdict_text verdict_words__why(const struct report_why *why);

#endif
