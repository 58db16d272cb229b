/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the /proc folder that shows a process. A process's first thread can exit before the others
 * (pthread_exit in main): the process lives on, but /proc/PID shows a zombie, without memory,
 * program, root and files. /proc/TID of any other thread shows them all.
 */
#ifndef LIVING_THREAD_H
#define LIVING_THREAD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * The first thread of a process if it still lives, else another one. The process's own number if
 * no thread has memory (a kernel thread, a zombie, a process that is gone).
 */
pid_t living_thread__of(pid_t tgid);

/* Has its first thread exited while others live? */
bool living_thread__leader_left(pid_t tgid);

/*
 * Is a thread of the process neither a zombie nor gone? The last one gives the memory back before
 * it becomes a zombie.
 */
bool living_thread__remains(pid_t tgid);

/* Opens a file of /proc/PID, such as "maps", by such a thread. NULL and errno on failure. */
FILE *living_thread__open(pid_t tgid, const char *name);

#endif
