/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells a service manager that we are ready, or stopping: one datagram to the socket that
 * $NOTIFY_SOCKET names, as sd_notify(3) describes it.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#define NOTIFY_READY "READY=1"
#define NOTIFY_STOPPING "STOPPING=1"

/*
 * socket_name: "/path", or "@name" in the abstract namespace. NULL or "" means that nobody wants to
 * know, and succeeds. Waits a second at most. Returns 0 or -errno.
 */
int notify__send(const char *socket_name, const char *state);

#endif
