/* SPDX-License-Identifier: GPL-2.0 */
/* A figure that may be absent: text says "unknown", JSON says null; never 0 by default. */
#ifndef FIGURE_H
#define FIGURE_H

#include <stdint.h>

#define FIGURE_UNKNOWN INT64_MIN
typedef int64_t figure;

#endif
