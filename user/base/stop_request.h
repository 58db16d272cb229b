/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has somebody asked the tracer to stop, by a signal that its loop has not read yet? Long work asks
 * here: signals are blocked, so nothing else tells.
 */
#ifndef STOP_REQUEST_H
#define STOP_REQUEST_H

#include <stdbool.h>

bool stop_request__is_pending(void);

#endif
