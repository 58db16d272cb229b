/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parents and children among processes, and processes whose memories are copies of each other, from
 * one reading of /proc/PID/stat of all processes.
 */
#ifndef PROCESS_TREE_H
#define PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The places where a program's memory begins. exec puts it at random places, and fork copies it in
 * place. All 0 when not known.
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

/* Parses the text of a /proc/PID/stat. Returns 0 or -EBADMSG. */
int process_tree__parse(const char *text, struct process_entry *entry);

/* Reads one process. Returns 0, or -errno when it has ended, also if it is still a zombie. */
int process_tree__read_one(pid_t tgid, struct process_entry *entry);

/* Reads all processes except zombies and the caller. 0 or -errno; free *tree in either case. */
int process_tree__read(struct process_tree *tree);
void process_tree__free(struct process_tree *tree);

const struct process_entry *process_tree__find(const struct process_tree *tree, pid_t tgid);

/*
 * Returns a parent or child whose memory is a copy of this process's: neither has called exec since
 * one was forked from the other. 0: there is none.
 */
pid_t process_tree__relative(const struct process_tree *tree, pid_t tgid);

#endif
