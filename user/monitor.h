/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run of the tool: sets everything up for the options, follows processes until they have ended
 * or somebody says stop, and has each report written when it is due.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "options.h"

/* Returns the tool's exit status. */
int monitor__run(const struct options *options);

#endif
