/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has somebody asked the tracer to stop, by a signal that its loop has not come to yet? For work
 * that takes long: signals are blocked, so nothing else tells.
 */
#ifndef STOP_REQUEST_H
#define STOP_REQUEST_H

#include <stdbool.h>

bool stop_request__is_pending(void);

#endif
