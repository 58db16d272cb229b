/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which process is the child of which, and whose memory is a copy of whose: from one reading of
 * /proc/PID/stat of all processes.
 */
#ifndef PROCESS_TREE_H
#define PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where a program's memory begins: exec puts it at random places, fork copies it where it is. All 0
 * when it is not known.
 */
struct memory_layout {
	uint64_t code, stack, heap;
};

struct process_entry {
	pid_t tgid, parent;
	char state; /* as ps(1) shows it */
	uint64_t start_ticks; /* CLOCK_BOOTTIME in ticks of sysconf(_SC_CLK_TCK) */
	struct memory_layout layout;
};

struct process_tree {
	struct process_entry *entries; /* in ascending order of tgid */
	size_t nr;
};

/* The text of a /proc/PID/stat. Returns 0 or -EBADMSG. */
int process_tree__parse(const char *text, struct process_entry *entry);

/* One process. Returns 0, or -errno when it has ended, too when its parent has not waited for it. */
int process_tree__read_one(pid_t tgid, struct process_entry *entry);

/* All processes with memory, but the caller's. Returns 0 or -errno; *tree must be freed either way.
 */
int process_tree__read(struct process_tree *tree);
void process_tree__free(struct process_tree *tree);

const struct process_entry *process_tree__find(const struct process_tree *tree, pid_t tgid);

/*
 * A parent or child whose memory and that of this process are copies of each other: neither has
 * called exec since one was forked from the other. 0: there is none.
 */
pid_t process_tree__relative(const struct process_tree *tree, pid_t tgid);

#endif
