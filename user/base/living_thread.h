/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where in /proc a process is to be looked at. Its first thread can leave before the others
 * (pthread_exit in main): the process lives on, but /proc/PID shows a zombie, without memory,
 * program, root and files. /proc/TID of any other thread shows them all.
 */
#ifndef LIVING_THREAD_H
#define LIVING_THREAD_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The first thread of a process when it is still there, else another one. The process's own number
 * when it has none with memory (a kernel thread, a zombie, a process that is gone).
 */
pid_t living_thread__of(pid_t tgid);

/* Has its first thread left while others live? */
bool living_thread__leader_left(pid_t tgid);

#endif
