// SPDX-License-Identifier: GPL-2.0
/* See sysv_segments.h. The table has had these columns, in this order, since Linux 2.6.34. */
#include "stays/sysv_segments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"

#define MAX_SEGMENTS 65536
#define SHM_DEST 01000
#define HUGE_PAGE_BYTES (2ULL << 20)

static bool parse_line(const char *line, struct sysv_segment *segment)
{
	int32_t key, creator;
	uint64_t size_bytes, rss_bytes, swap_bytes, most_bytes;
	unsigned int permissions;

	/* key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap */
	if (sscanf(line,
		   "%" SCNd32 " %" SCNu32 " %o %" SCNu64 " %" SCNd32 " %*d %" SCNu64
		   " %*u %*u %*u %*u %*u %*u %" SCNd64 " %" SCNu64 " %" SCNu64,
		   &key, &segment->id, &permissions, &size_bytes, &creator, &segment->nr_attached,
		   &segment->changed_s, &rss_bytes, &swap_bytes) != 9 ||
	    __builtin_add_overflow(rss_bytes, swap_bytes, &segment->bytes) ||
	    __builtin_add_overflow(size_bytes, HUGE_PAGE_BYTES - 1, &most_bytes))
		return false;
	/* Linux 6.18 counts each huge page once for every small page that it is made of. */
	most_bytes &= ~(HUGE_PAGE_BYTES - 1);
	if (segment->bytes > most_bytes)
		segment->bytes = most_bytes;
	segment->key = (uint32_t)key;
	segment->creator = creator;
	segment->removed = permissions & SHM_DEST;
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct sysv_segment *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

int sysv_segments__read(FILE *file, struct sysv_segment **segments, size_t *nr)
{
	size_t capacity = 0;
	char line[512];
	int err = 0;

	*segments = NULL;
	*nr = 0;
	while (!err && fgets(line, sizeof(line), file)) {
		struct sysv_segment segment;

		if (!parse_line(line, &segment))
			continue;
		err = *nr == MAX_SEGMENTS ? -ENOSPC : array__reserve(segments, &capacity, *nr + 1);
		if (err)
			break;
		(*segments)[(*nr)++] = segment;
	}
	if (!err && ferror(file))
		err = -EIO;
	if (err) {
		free(*segments);
		*segments = NULL;
		*nr = 0;
		return err;
	}
	if (*nr)
		qsort(*segments, *nr, sizeof(**segments), by_id);
	return 0;
}

const struct sysv_segment *sysv_segments__find(const struct sysv_segment *segments, size_t nr,
					       uint32_t id)
{
	const struct sysv_segment wanted = { .id = id };

	return nr ? bsearch(&wanted, segments, nr, sizeof(*segments), by_id) : NULL;
}
