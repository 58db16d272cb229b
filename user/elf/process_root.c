// SPDX-License-Identifier: GPL-2.0
/* See process_root.h. The symbolizer keeps roots; elf_file.c opens files through them. */
#include "elf/process_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file_key.h"

/*
 * Each root takes a descriptor. For files of further roots, debug files are searched for in ours
 * alone.
 */
#define MAX_ROOTS 1024

struct process_root {
	int fd;
	struct file_key key;
	size_t prefix_length; /* of the root's path as we see it; 0: we can't see it */
	unsigned int nr_more_owners;
	char prefix[];
};

static struct process_root *new_root(int fd, const struct stat *status, const char *prefix)
{
	size_t length = strlen(prefix);
	struct process_root *root = calloc(1, sizeof(*root) + length + 1);

	if (!root)
		return NULL;
	root->fd = fd;
	root->key = file_key__of_stat(status);
	memcpy(root->prefix, prefix, length + 1);
	/* "/" is what another mount namespace's root looks like. */
	root->prefix_length = length > 1 && prefix[0] == '/' ? length : 0;
	return root;
}

struct process_root *process_root__enter(const char *path)
{
	struct process_root *root = NULL;
	char prefix[PATH_MAX];
	struct stat status;
	ssize_t length;
	int err, fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	length = readlink(path, prefix, sizeof(prefix) - 1);
	prefix[length > 0 ? length : 0] = '\0';
	err = fstat(fd, &status) ? errno : 0;
	if (!err)
		root = new_root(fd, &status, prefix);
	if (!err && !root)
		err = ENOMEM;
	if (!root)
		close(fd);
	errno = err;
	return root;
}

/* NULL when it is our own root (errno is 0), or with errno set. */
static struct process_root *open_root(const char *path)
{
	struct process_root *root = process_root__enter(path);
	struct file_key own = { 0 };
	struct stat status;
	int err = root ? 0 : errno;

	if (root && stat("/", &status))
		err = errno;
	else if (root)
		own = file_key__of_stat(&status);
	if (root && (err || file_key__same_numbers(&root->key, &own))) {
		process_root__free(root);
		root = NULL;
	}
	errno = err;
	return root;
}

struct process_root *process_root__share(struct process_root *root)
{
	if (root)
		root->nr_more_owners++;
	return root;
}

void process_root__free(struct process_root *root)
{
	if (!root)
		return;
	if (root->nr_more_owners) {
		root->nr_more_owners--;
		return;
	}
	close(root->fd);
	free(root);
}

int process_root__place(const struct process_root *root, const char **path)
{
	if (!root)
		return -1;
	if (root->prefix_length && !strncmp(*path, root->prefix, root->prefix_length) &&
	    (*path)[root->prefix_length] == '/')
		*path += root->prefix_length;
	return root->fd;
}

static struct process_root *find_same(const struct process_root_list *list,
				      const struct process_root *root)
{
	for (size_t i = 0; i < list->nr; i++)
		if (file_key__same_numbers(&list->roots[i]->key, &root->key))
			return list->roots[i];
	return NULL;
}

struct process_root *process_root_list__get(struct process_root_list *list, const char *path)
{
	struct process_root *root = open_root(path);
	struct process_root *known = root ? find_same(list, root) : NULL;

	if (known || !root) {
		process_root__free(root);
		return known;
	}
	if (list->nr >= MAX_ROOTS || array__reserve(&list->roots, &list->capacity, list->nr + 1)) {
		process_root__free(root);
		errno = ENOSPC;
		return NULL;
	}
	return list->roots[list->nr++] = root;
}

void process_root_list__sweep(struct process_root_list *list)
{
	size_t nr = 0;

	for (size_t i = 0; i < list->nr; i++) {
		if (list->roots[i]->nr_more_owners)
			list->roots[nr++] = list->roots[i];
		else
			process_root__free(list->roots[i]);
	}
	list->nr = nr;
}

void process_root_list__clear(struct process_root_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		process_root__free(list->roots[i]);
	free(list->roots);
	*list = (struct process_root_list){ 0 };
}
