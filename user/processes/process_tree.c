// SPDX-License-Identifier: GPL-2.0
/*
 * See process_tree.h. Used by monitor_targets.c when it attaches, and by descendants.c. The format
 * is that of proc(5).
 */
#include "processes/process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/living_thread.h"

#define STAT_BYTES 1024
/* Fields of stat are counted from 1; the state follows the name. */
#define FIELD_STATE 3
#define FIELD_PARENT 4
#define FIELD_START_TIME 22
#define FIELD_START_CODE 26
#define FIELD_START_STACK 28
#define FIELD_START_BRK 47

int process_tree__parse(const char *text, struct process_entry *entry)
{
	/* The name is in parentheses, and may contain anything. */
	const char *at = strrchr(text, ')');
	int field = FIELD_STATE - 1;

	*entry = (struct process_entry){ .tgid = (pid_t)strtol(text, NULL, 10) };
	if (!at || entry->tgid <= 0)
		return -EBADMSG;
	for (at = strchr(at, ' '); at; at = strchr(at + 1, ' ')) {
		switch (++field) {
		case FIELD_STATE:
			entry->state = at[1];
			break;
		case FIELD_PARENT:
			entry->parent = (pid_t)strtol(at, NULL, 10);
			break;
		case FIELD_START_TIME:
			entry->start_ticks = strtoull(at, NULL, 10);
			break;
		case FIELD_START_CODE:
			entry->layout.code = strtoull(at, NULL, 10);
			break;
		case FIELD_START_STACK:
			entry->layout.stack = strtoull(at, NULL, 10);
			break;
		case FIELD_START_BRK:
			entry->layout.heap = strtoull(at, NULL, 10);
			return 0;
		}
	}
	return -EBADMSG;
}

static int read_entry(pid_t tid, struct process_entry *entry)
{
	char path[64], text[STAT_BYTES];
	FILE *file;
	size_t nr;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	nr = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[nr] = '\0';
	return process_tree__parse(text, entry);
}

int process_tree__read_one(pid_t tgid, struct process_entry *entry)
{
	int err = read_entry(tgid, entry);
	pid_t living;

	if (err || (entry->state != 'Z' && entry->state != 'X'))
		return err;
	/* The first thread of a process can end before the others. */
	living = living_thread__of(tgid);
	err = living == tgid ? -ESRCH : read_entry(living, entry);
	entry->tgid = tgid;
	return err;
}

static int add(struct process_tree *tree, size_t *capacity, const struct process_entry *entry)
{
	int err = array__reserve(&tree->entries, capacity, tree->nr + 1);

	if (err)
		return err;
	tree->entries[tree->nr++] = *entry;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct process_entry *left = a, *right = b;

	return (left->tgid > right->tgid) - (left->tgid < right->tgid);
}

int process_tree__read(struct process_tree *tree)
{
	DIR *proc = opendir("/proc");
	const struct dirent *name;
	size_t capacity = 0;
	int err = 0;

	*tree = (struct process_tree){ 0 };
	if (!proc)
		return -errno;
	while (!err && (name = readdir(proc))) {
		pid_t tgid = (pid_t)strtol(name->d_name, NULL, 10);
		struct process_entry entry = { 0 };

		if (tgid > 0 && tgid != getpid() && !process_tree__read_one(tgid, &entry))
			err = add(tree, &capacity, &entry);
	}
	closedir(proc);
	if (tree->nr)
		qsort(tree->entries, tree->nr, sizeof(*tree->entries), compare);
	return err;
}

void process_tree__free(struct process_tree *tree)
{
	free(tree->entries);
	*tree = (struct process_tree){ 0 };
}

const struct process_entry *process_tree__find(const struct process_tree *tree, pid_t tgid)
{
	struct process_entry wanted = { .tgid = tgid };

	return tree->nr ? bsearch(&wanted, tree->entries, tree->nr, sizeof(wanted), compare) : NULL;
}

static bool are_copies(const struct process_entry *a, const struct process_entry *b)
{
	return a->layout.stack && a->layout.code == b->layout.code &&
	       a->layout.stack == b->layout.stack && a->layout.heap == b->layout.heap;
}

pid_t process_tree__relative(const struct process_tree *tree, pid_t tgid)
{
	const struct process_entry *process = process_tree__find(tree, tgid), *parent;

	if (!process)
		return 0;
	parent = process_tree__find(tree, process->parent);
	if (parent && are_copies(process, parent))
		return parent->tgid;
	for (size_t i = 0; i < tree->nr; i++)
		if (tree->entries[i].parent == tgid && are_copies(process, &tree->entries[i]))
			return tree->entries[i].tgid;
	return 0;
}
