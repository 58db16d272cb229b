// SPDX-License-Identifier: GPL-2.0
/* See reclaim.h. */
#include "report/reclaim.h"

/*
 * Frames that another CPU's batch (a page vector or a per-CPU free list) still holds when the
 * teardown ends are not seen returning then. The worst case measured was 32 pages; twice that is
 * allowed.
 */
#define TOLERATED_PAGES_FOR_EACH_OTHER_CPU 64

static figure pages_to_bytes(const struct reclaim_input *input, int64_t pages)
{
	/* A per-CPU sum that raced can be a little below zero; a figure can't. */
	return pages < 0 ? 0 : pages * (figure)input->page_bytes;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The memory that it held at first: others may have begun to take it before the teardown. */
static struct memory_counters held_before(const struct reclaim_input *input)
{
	struct memory_counters held = input->before;

	if (!input->reaped)
		return held;
	held.anon = larger(held.anon, input->early.anon);
	held.file = larger(held.file, input->early.file);
	held.shmem = larger(held.shmem, input->early.shmem);
	held.swap = larger(held.swap, input->early.swap);
	return held;
}

static void fill_reclaimed(const struct reclaim_input *input, struct process_report *report)
{
	struct report_reclaimed *reclaimed = &report->reclaimed;
	struct memory_counters before = held_before(input);

	*reclaimed = (struct report_reclaimed){
		FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN,
		FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN,
	};
	report->freed_frames = FIGURE_UNKNOWN;
	if (input->before_read) {
		reclaimed->rss_anon_bytes = pages_to_bytes(input, before.anon);
		reclaimed->rss_file_bytes = pages_to_bytes(input, before.file);
		reclaimed->rss_shmem_bytes = pages_to_bytes(input, before.shmem);
		reclaimed->swap_bytes = pages_to_bytes(input, before.swap);
		reclaimed->hugetlb_bytes = pages_to_bytes(input, before.hugetlb);
		reclaimed->page_table_bytes = (figure)before.page_table_bytes;
		reclaimed->virtual_bytes = pages_to_bytes(input, (int64_t)before.virtual_pages);
	}
	if (input->frames_measured) {
		report->freed_frames = (figure)(input->freed_anon_pages + input->freed_other_pages);
		reclaimed->freed_page_bytes = pages_to_bytes(input, report->freed_frames);
	}
}

/* The number of resident anonymous pages not seen returning, beyond what may be in batches. */
static int64_t missing_pages(const struct reclaim_input *input)
{
	int64_t missing = input->before.anon - (int64_t)input->freed_anon_pages;
	int64_t tolerated = input->nr_cpus > 1 ? (int64_t)(input->nr_cpus - 1) *
							 TOLERATED_PAGES_FOR_EACH_OTHER_CPU :
						 0;

	return missing > tolerated ? missing : 0;
}

static void fill_stays(const struct reclaim_input *input, struct process_report *report)
{
	struct report_stays *stays = &report->stays;

	/* The process's counters can't tell whether shared memory outlives it. */
	*stays = (struct report_stays){ .page_cache_bytes = FIGURE_UNKNOWN,
					.shared_bytes = FIGURE_UNKNOWN,
					.shmem_bytes = FIGURE_UNKNOWN };
	if (!input->before_read)
		return;
	stays->page_cache_bytes = pages_to_bytes(input, held_before(input).file);
	if (!input->frames_measured)
		return;
	if (!input->has_relatives)
		stays->shared_bytes = 0;
	else
		stays->shared_bytes = pages_to_bytes(input, missing_pages(input));
}

/* Finds the first counter that is not zero after the teardown; false when all are zero. */
static bool find_left_over(const struct memory_counters *after, struct report_why *why)
{
	const int64_t amounts[] = {
		[COUNTER_ANON] = after->anon,
		[COUNTER_FILE] = after->file,
		[COUNTER_SHMEM] = after->shmem,
		[COUNTER_SWAP] = after->swap,
		[COUNTER_HUGETLB] = after->hugetlb,
		[COUNTER_PAGE_TABLE_BYTES] = (int64_t)after->page_table_bytes,
	};

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		if (!amounts[i])
			continue;
		*why = (struct report_why){ .reason = REASON_LEFT_OVER,
					    .number = amounts[i],
					    .left_over = (enum memory_counter)i };
		return true;
	}
	return false;
}

/* All counters are zero: do the page frames agree? */
static struct report_why compare_frames(const struct reclaim_input *input)
{
	int64_t missing = missing_pages(input);
	int64_t early = input->early.anon - input->before.anon;

	if (!input->frames_measured)
		return (struct report_why){ .reason = REASON_COUNTERS_ALONE };
	if (!missing)
		return (struct report_why){
			.reason = REASON_FRAMES_FREED,
			.number = (int64_t)(input->freed_anon_pages + input->freed_other_pages),
		};
	if (input->has_relatives)
		return (struct report_why){ .reason = REASON_SHARED,
					    .number = missing,
					    .relative = input->relative };
	if (input->reaped)
		return (struct report_why){ .reason = REASON_REAPED,
					    .number = larger(early, missing) };
	return (struct report_why){ .reason = REASON_FRAMES_MISSING, .number = missing };
}

static struct report_why find_reason(const struct reclaim_input *input)
{
	struct report_why why = { .reason = REASON_NONE };

	if (input->still_in_use)
		why.reason = REASON_STILL_IN_USE;
	else if (!input->after_read)
		why.reason = REASON_AFTER_UNREAD;
	else if (!input->before_read)
		why.reason = REASON_BEFORE_UNREAD;
	else if (!find_left_over(&input->after, &why))
		why = compare_frames(input);
	return why;
}

void reclaim__judge(const struct reclaim_input *input, struct process_report *report)
{
	static const enum verdict verdicts[] = {
		[REASON_NONE] = VERDICT_UNKNOWN,
		[REASON_BEFORE_UNREAD] = VERDICT_UNKNOWN,
		[REASON_AFTER_UNREAD] = VERDICT_UNKNOWN,
		[REASON_STILL_IN_USE] = VERDICT_UNKNOWN,
		[REASON_FRAMES_MISSING] = VERDICT_UNKNOWN,
		[REASON_LEFT_OVER] = VERDICT_FALSE,
		[REASON_FRAMES_FREED] = VERDICT_TRUE,
		[REASON_COUNTERS_ALONE] = VERDICT_TRUE,
		[REASON_SHARED] = VERDICT_TRUE,
		[REASON_REAPED] = VERDICT_TRUE,
	};

	fill_reclaimed(input, report);
	fill_stays(input, report);
	report->why = find_reason(input);
	report->verified = verdicts[report->why.reason];
}
