// SPDX-License-Identifier: GPL-2.0
/* See ranking.h. Called by reporter.c at each interval. */
#include "report/ranking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/losses.h"

/* An address space, and what it held the last time. */
struct held {
	uint64_t serial;
	uint64_t bytes;
};

struct ranking {
	bool has_last; /* a ranking was made before */
	struct held *last; /* by serial */
	size_t nr_last;
	struct ranking_row *rows;
};

struct ranking *ranking__new(void)
{
	return calloc(1, sizeof(struct ranking));
}

void ranking__free(struct ranking *ranking)
{
	if (!ranking)
		return;
	free(ranking->last);
	free(ranking->rows);
	free(ranking);
}

static int by_serial(const void *a, const void *b)
{
	const struct held *left = a, *right = b;

	return left->serial < right->serial ? -1 : left->serial > right->serial;
}

static int by_held(const void *a, const void *b)
{
	const struct ranking_row *left = a, *right = b;

	if (left->held_bytes != right->held_bytes)
		return left->held_bytes > right->held_bytes ? -1 : 1;
	if (left->held_blocks != right->held_blocks)
		return left->held_blocks > right->held_blocks ? -1 : 1;
	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static int by_growth(const void *a, const void *b)
{
	const struct ranking_row *left = a, *right = b;

	if (left->growth_bytes != right->growth_bytes)
		return left->growth_bytes > right->growth_bytes ? -1 : 1;
	return by_held(a, b);
}

static int by_blocks(const void *a, const void *b)
{
	const struct ranking_row *left = a, *right = b;

	if (left->held_blocks != right->held_blocks)
		return left->held_blocks > right->held_blocks ? -1 : 1;
	return by_held(a, b);
}

/* At the first ranking all is growth; ages of a process's blocks are not summed up. */
static int (*comparison(const struct ranking *ranking, enum stack_order order))(const void *a,
										const void *b)
{
	if (order == ORDER_BLOCKS)
		return by_blocks;
	return ranking->has_last && (order == ORDER_GROWTH || order == ORDER_RATE) ? by_growth :
										     by_held;
}

static uint64_t held_before(const struct ranking *ranking, uint64_t serial)
{
	struct held key = { .serial = serial };
	const struct held *found = ranking->nr_last ? bsearch(&key, ranking->last, ranking->nr_last,
							      sizeof(key), by_serial) :
						      NULL;

	return found ? found->bytes : 0;
}

static void fill_row(const struct ranking *ranking, struct ranking_row *row,
		     const struct space *space)
{
	struct report_lost lost = { 0 };

	row->pid = (pid_t)space->tgid;
	row->comm = space->comm;
	row->held_bytes = space->held_bytes;
	row->held_blocks = space->held_blocks;
	row->growth_bytes = (int64_t)(space->held_bytes - held_before(ranking, space->serial));
	row->late_attach = space->flags & SPACE_LATE;
	losses__add_space(&lost, space);
	row->at_least = losses__lessen_sums(&lost);
}

static void sum_up(struct ranking_report *report, const struct space *space)
{
	report->processes += space->held_blocks > 0;
	report->held_bytes += space->held_bytes;
	report->held_blocks += space->held_blocks;
	losses__add_space(&report->lost, space);
}

static void cut(struct ranking_report *report, uint64_t top)
{
	for (size_t i = (size_t)(top < report->nr_rows ? top : report->nr_rows);
	     i < report->nr_rows; i++) {
		report->more_rows++;
		report->more_rows_bytes += report->rows[i].held_bytes;
		report->more_rows_blocks += report->rows[i].held_blocks;
	}
	report->nr_rows -= report->more_rows;
}

int ranking__fill(struct ranking *ranking, struct ranking_report *report,
		  const struct space *spaces, size_t nr_spaces, uint64_t top,
		  enum stack_order order)
{
	struct ranking_row *rows = calloc(nr_spaces + 1, sizeof(*rows));
	struct held *now = calloc(nr_spaces + 1, sizeof(*now));
	size_t nr_rows = 0;

	if (!rows || !now) {
		free(rows);
		free(now);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr_spaces; i++) {
		now[i] = (struct held){ spaces[i].serial, spaces[i].held_bytes };
		sum_up(report, &spaces[i]);
		if (spaces[i].held_blocks)
			fill_row(ranking, &rows[nr_rows++], &spaces[i]);
	}
	qsort(rows, nr_rows, sizeof(*rows), comparison(ranking, order));
	qsort(now, nr_spaces, sizeof(*now), by_serial);
	free(ranking->rows);
	free(ranking->last);
	ranking->rows = rows;
	ranking->last = now;
	ranking->nr_last = nr_spaces;
	ranking->has_last = true;
	report->rows = rows;
	report->nr_rows = nr_rows;
	cut(report, top);
	return 0;
}
