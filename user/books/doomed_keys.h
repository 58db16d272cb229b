/* SPDX-License-Identifier: GPL-2.0 */
/* Keys that are to be deleted from a BPF map, gathered so that one system call deletes many. */
#ifndef DOOMED_KEYS_H
#define DOOMED_KEYS_H

#include <stddef.h>

struct doomed_keys {
	int map_fd;
	size_t key_bytes;
	char *keys; /* owned */
	size_t nr, capacity;
};

/* Returns 0 or -ENOMEM. */
int doomed_keys__add(struct doomed_keys *doomed, const void *key);

/*
 * Deletes the keys from the map and empties the list. A key that isn't there any more is passed
 * over.
 */
void doomed_keys__delete(struct doomed_keys *doomed);

/* Frees the list; deletes nothing from the map. */
void doomed_keys__free(struct doomed_keys *doomed);

#endif
