/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A breakpoint is put at an offset of a file, whatever stands there. If a probed file were written
 * to, its next process would run into breakpoints in the middle of instructions, and die. So the
 * tracer holds a read lease (fcntl(2), F_SETLEASE) on each probed file: whoever opens the file for
 * writing, or truncates it, waits until the probes are gone, some milliseconds. Should the tracer
 * not answer, the kernel lets them go on after /proc/sys/fs/lease-break-time, 45 seconds.
 */
#ifndef WRITE_LEASE_H
#define WRITE_LEASE_H

#include <stdbool.h>

struct lease_watcher;

/*
 * Starts a thread that calls look whenever somebody waits for a lease. look finds out for which,
 * and releases it. Returns NULL and errno on failure.
 */
struct lease_watcher *lease_watcher__start(void (*look)(void *context), void *context);

/* look is not called any more; leases stay. NULL: there is none. */
void lease_watcher__stop(struct lease_watcher *watcher);

/*
 * Takes a lease on the file of fd, which may be closed afterwards. Returns the lease, -EAGAIN when
 * the file is open for writing, -EINVAL where its file system has no leases, or -errno.
 */
int write_lease__take(const struct lease_watcher *watcher, int fd);

/* Does somebody wait for it? */
bool write_lease__is_asked_for(int lease);

/* lease < 0: there is none. */
void write_lease__release(int lease);

#endif
