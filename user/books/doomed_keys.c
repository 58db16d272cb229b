// SPDX-License-Identifier: GPL-2.0
/* See doomed_keys.h. */
#include "books/doomed_keys.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int doomed_keys__add(struct doomed_keys *doomed, const void *key)
{
	int err = array__reserve_sized(&doomed->keys, &doomed->capacity, doomed->nr + 1,
				       doomed->key_bytes);

	if (err)
		return err;
	memcpy(doomed->keys + doomed->nr++ * doomed->key_bytes, key, doomed->key_bytes);
	return 0;
}

void doomed_keys__delete(struct doomed_keys *doomed)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	const char *at = doomed->keys;
	size_t nr = doomed->nr;

	doomed->nr = 0;
	while (nr) {
		__u32 done = (__u32)nr;

		/* A batch ends at the first key that isn't there, and tells how far it came. */
		if (!bpf_map_delete_batch(doomed->map_fd, at, &done, &options))
			return;
		at += (done + 1) * doomed->key_bytes;
		nr -= done + 1 < nr ? done + 1 : nr;
	}
}

void doomed_keys__free(struct doomed_keys *doomed)
{
	free(doomed->keys);
	doomed->keys = NULL;
	doomed->nr = doomed->capacity = 0;
}
