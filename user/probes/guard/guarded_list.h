/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of the guarded processes, and whose turn it is: patrols give all of them work, and a
 * budget limits the work for one. Any thread may call any function.
 */
#ifndef GUARDED_LIST_H
#define GUARDED_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probes/guard/guarded_process.h"

#define GUARDED_LIST_MAX 4096

struct guarded_list;

/*
 * epoll_fd is readable when a listed process has ended; give the event's data to
 * guarded_list__forget_ended. There is no free: the list ends with the calling process. NULL and
 * errno on failure.
 */
struct guarded_list *guarded_list__new(int epoll_fd);

/*
 * Takes over the reference. When the list is full, a process that needs no guard any more makes
 * room. Returns 0; -EEXIST when a process with that PID is listed; -ENOSPC; -errno.
 */
int guarded_list__add(struct guarded_list *list, struct guarded_process *process);
/* A reference for the caller; NULL: not listed. */
struct guarded_process *guarded_list__find(struct guarded_list *list, pid_t tgid);
/* References to all for the caller. Returns how many. */
size_t guarded_list__find_all(struct guarded_list *list,
			      struct guarded_process *processes[GUARDED_LIST_MAX]);
void guarded_list__forget(struct guarded_list *list, pid_t tgid);
void guarded_list__forget_ended(struct guarded_list *list, uint64_t event_data);

/* Were all mappings of every process looked at in that round? */
bool guarded_list__round_is_complete(struct guarded_list *list, unsigned int round);

/* Adds the work to all processes. */
void guarded_list__want(struct guarded_list *list, enum guard_work work);
/* Wakes a thread that waits for work. Call after adding processes. */
void guarded_list__wake(struct guarded_list *list);
/*
 * Waits for a process with work, of the list's or of a patrol, that has not had more than its
 * share. A reference for the caller.
 */
struct guarded_process *guarded_list__wait_for_work(struct guarded_list *list);
/* Adds to the cost of the present patrol. The next one begins the later, the more this one cost. */
void guarded_list__add_patrol_cost(struct guarded_list *list, uint64_t ns);

/*
 * If the process has had more than its share, its new mapping is looked at later, with all others.
 * Returns whether that is so. *tell: it is time to warn of that.
 */
bool guarded_list__put_off(struct guarded_list *list, struct guarded_process *process, bool *tell);
/* Counts the time spent on the process. */
void guarded_list__spend(struct guarded_list *list, struct guarded_process *process, uint64_t ns);

#endif
