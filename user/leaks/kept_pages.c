// SPDX-License-Identifier: GPL-2.0
/*
 * Each page has one place where it can be kept, by its number. Pages come from a process, bytes of
 * them go to the heuristics.
 */
#include "leaks/kept_pages.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096
#define NR_PAGES 256

struct kept_page {
	uint64_t address;
	size_t size_bytes; /* what could be read */
	bool used;
	unsigned char bytes[PAGE_BYTES];
};

struct kept_pages {
	const struct memory_reader *memory;
	struct kept_page pages[NR_PAGES];
};

struct kept_pages *kept_pages__new(const struct memory_reader *memory)
{
	struct kept_pages *pages = calloc(1, sizeof(*pages));

	if (pages)
		pages->memory = memory;
	return pages;
}

void kept_pages__free(struct kept_pages *pages)
{
	free(pages);
}

static const struct kept_page *find_page(struct kept_pages *pages, uint64_t address)
{
	struct kept_page *page = &pages->pages[address / PAGE_BYTES % NR_PAGES];

	if (!page->used || page->address != address) {
		page->used = true;
		page->address = address;
		page->size_bytes = pages->memory->read(pages->memory->context, address, page->bytes,
						       sizeof(page->bytes));
	}
	return page;
}

static size_t read_kept(void *context, uint64_t address, void *buffer, size_t size)
{
	unsigned char *to = buffer;
	size_t done = 0;

	while (done < size) {
		uint64_t from = address + done;
		size_t offset = from % PAGE_BYTES, part = size - done;
		const struct kept_page *page;

		if (from < address)
			break;
		page = find_page(context, from - offset);
		if (page->size_bytes <= offset)
			break;
		if (part > page->size_bytes - offset)
			part = page->size_bytes - offset;
		memcpy(to + done, page->bytes + offset, part);
		done += part;
		/* Nothing can be read after a page's missing end. */
		if (page->size_bytes < PAGE_BYTES)
			break;
	}
	return done;
}

struct memory_reader kept_pages__reader(struct kept_pages *pages)
{
	return (struct memory_reader){ .read = read_kept, .context = pages };
}
