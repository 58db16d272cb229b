// SPDX-License-Identifier: GPL-2.0
/*
 * Asks /proc/TID/pagemap: by its ioctl, which passes over holes of any size at once (Linux 6.7), or
 * by reading 8 bytes for each page. Where neither works, every page counts as touched.
 */
#include "leaks/touched_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE_BYTES 4096ULL

/* The ioctl's own names and layout: include/uapi/linux/fs.h of Linux 6.7. */
#define SCAN_PRESENT (1ULL << 3)
#define SCAN_SWAPPED (1ULL << 4)
#define SCAN_ZERO_PAGE (1ULL << 5)

struct scan_region {
	uint64_t start, end, categories;
};

struct scan_request {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_request)

/* An entry of pagemap: Documentation/admin-guide/mm/pagemap.rst. */
#define ENTRY_TOUCHED (3ULL << 62)

#define NR_REGIONS 512
#define NR_ENTRIES 16384

/* What reading entries may cost: 128 GiB of addresses take about half a second. */
#define ENTRIES_MAX (128ULL << 30 >> 12)

enum way { WAY_IOCTL, WAY_ENTRIES, WAY_ALL };

struct touched_pages {
	int fd;
	enum way way;
	uint64_t at, end; /* not looked at yet */
	struct scan_region regions[NR_REGIONS];
	size_t next_region, nr_regions;
	uint64_t entries[NR_ENTRIES], entries_start;
	size_t next_entry, nr_entries;
	uint64_t nr_read; /* entries, in all */
	bool incomplete;
};

struct touched_pages *touched_pages__new(pid_t tid)
{
	struct touched_pages *pages = calloc(1, sizeof(*pages));
	char path[64];

	if (!pages)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)tid);
	pages->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pages->fd < 0)
		pages->way = WAY_ALL;
	return pages;
}

void touched_pages__free(struct touched_pages *pages)
{
	if (!pages)
		return;
	if (pages->fd >= 0)
		close(pages->fd);
	free(pages);
}

void touched_pages__begin(struct touched_pages *pages, uint64_t start, uint64_t end)
{
	pages->at = start;
	pages->end = end;
	pages->next_region = pages->nr_regions = 0;
	pages->next_entry = pages->nr_entries = 0;
}

static int scan_regions(struct touched_pages *pages)
{
	struct scan_request request = {
		.size = sizeof(request),
		.start = pages->at,
		.end = pages->end,
		.vec = (uintptr_t)pages->regions,
		.vec_len = NR_REGIONS,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED | SCAN_ZERO_PAGE,
	};
	int nr = ioctl(pages->fd, SCAN_IOCTL, &request);

	if (nr < 0)
		return -errno;
	pages->nr_regions = (size_t)nr < NR_REGIONS ? (size_t)nr : NR_REGIONS;
	pages->next_region = 0;
	/* A walk that got nowhere would be tried for ever. */
	pages->at = request.walk_end > pages->at ? request.walk_end : pages->end;
	return 0;
}

static bool next_region(struct touched_pages *pages, struct address_range *run)
{
	for (;;) {
		while (pages->next_region < pages->nr_regions) {
			const struct scan_region *region = &pages->regions[pages->next_region++];

			/* A page that was read but never written to. */
			if (region->categories & SCAN_ZERO_PAGE)
				continue;
			*run = (struct address_range){ region->start, region->end };
			return true;
		}
		if (pages->at >= pages->end)
			return false;
		if (scan_regions(pages)) {
			pages->way = WAY_ENTRIES;
			return touched_pages__next(pages, run);
		}
	}
}

static int read_entries(struct touched_pages *pages)
{
	uint64_t nr = (pages->end - pages->at) / PAGE_BYTES;
	ssize_t bytes;

	if (nr > NR_ENTRIES)
		nr = NR_ENTRIES;
	if (pages->nr_read + nr > ENTRIES_MAX) {
		pages->incomplete = true;
		pages->at = pages->end;
		return 0;
	}
	bytes = pread(pages->fd, pages->entries, nr * sizeof(*pages->entries),
		      (off_t)(pages->at / PAGE_BYTES * sizeof(*pages->entries)));
	if (bytes < (ssize_t)sizeof(*pages->entries))
		return -EIO;
	pages->nr_entries = (size_t)bytes / sizeof(*pages->entries);
	pages->next_entry = 0;
	pages->nr_read += pages->nr_entries;
	pages->entries_start = pages->at;
	pages->at += pages->nr_entries * PAGE_BYTES;
	return 0;
}

static bool is_touched(const struct touched_pages *pages, size_t entry)
{
	return pages->entries[entry] & ENTRY_TOUCHED;
}

static bool next_entries(struct touched_pages *pages, struct address_range *run)
{
	for (;;) {
		size_t first;

		while (pages->next_entry < pages->nr_entries &&
		       !is_touched(pages, pages->next_entry))
			pages->next_entry++;
		first = pages->next_entry;
		while (pages->next_entry < pages->nr_entries &&
		       is_touched(pages, pages->next_entry))
			pages->next_entry++;
		if (first < pages->next_entry) {
			run->start = pages->entries_start + first * PAGE_BYTES;
			run->end = pages->entries_start + pages->next_entry * PAGE_BYTES;
			return true;
		}
		if (pages->at >= pages->end)
			return false;
		if (read_entries(pages)) {
			pages->way = WAY_ALL;
			return touched_pages__next(pages, run);
		}
	}
}

bool touched_pages__next(struct touched_pages *pages, struct address_range *run)
{
	switch (pages->way) {
	case WAY_IOCTL:
		return next_region(pages, run);
	case WAY_ENTRIES:
		return next_entries(pages, run);
	case WAY_ALL:
		break;
	}
	*run = (struct address_range){ pages->at, pages->end };
	pages->at = pages->end;
	return run->start < run->end;
}

bool touched_pages__incomplete(const struct touched_pages *pages)
{
	return pages->incomplete;
}
