/* SPDX-License-Identifier: GPL-2.0 */
/* --features: shows what this kernel offers, and how it is used. */
#ifndef FEATURES_REPORT_H
#define FEATURES_REPORT_H

#include "options.h"

/*
 * Tries everything and prints it to stdout, as text or as one line of JSON. Returns an exit status:
 * STATUS_KERNEL, with one line on stderr, when this kernel can't be traced at all, or not by the
 * paths or with the definitions that were asked for.
 */
int features_report__print(const struct options *options);

#endif
