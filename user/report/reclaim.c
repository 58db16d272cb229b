// SPDX-License-Identifier: GPL-2.0
/* See reclaim.h. */
#include "report/reclaim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text_units.h"

/*
 * Frames that another CPU's batch still holds when the teardown ends are not seen to come back
 * then: a page vector and per-CPU free lists, 32 pages here in the worst case measured, twice that
 * allowed.
 */
#define TOLERATED_PAGES_FOR_EACH_OTHER_CPU 64

static void decide(struct process_report *report, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void decide(struct process_report *report, enum verdict verdict, const char *format, ...)
{
	va_list arguments;

	report->verified = verdict;
	va_start(arguments, format);
	vsnprintf(report->verified_why, sizeof(report->verified_why), format, arguments);
	va_end(arguments);
}

static figure pages_to_bytes(const struct reclaim_input *input, int64_t pages)
{
	/* A per-CPU sum that raced can be a little below zero; a figure can't. */
	return pages < 0 ? 0 : pages * (figure)input->page_bytes;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What it held, although others may have begun to take it before the teardown. */
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

/* How many resident anonymous pages were not seen to come back, beyond what may be in batches. */
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

	/* Whether shared memory outlives the process is not for its counters to say. */
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

/* The first counter that is not zero after the teardown; NULL when the books are closed. */
static const char *left_over(const struct memory_counters *after, int64_t *amount)
{
	const struct {
		const char *name;
		int64_t amount;
	} counters[] = {
		{ "anonymous pages", after->anon },
		{ "file pages", after->file },
		{ "shared memory pages", after->shmem },
		{ "swap entries", after->swap },
		{ "huge pages", after->hugetlb },
		{ "bytes of page tables", (int64_t)after->page_table_bytes },
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		if (!counters[i].amount)
			continue;
		*amount = counters[i].amount;
		return counters[i].name;
	}
	return NULL;
}

/* All counters are zero: do the page frames agree? */
static void judge_frames(const struct reclaim_input *input, struct process_report *report)
{
	int64_t missing = missing_pages(input);
	int64_t early = input->early.anon - input->before.anon;
	uint64_t taken = (uint64_t)(early > missing ? early : missing);
	struct unit_text pages = text_units__nouns((uint64_t)missing, "page");

	if (!input->frames_measured)
		decide(report, VERDICT_TRUE,
		       "by the counters, which are zero; page frames were not measured");
	else if (!missing)
		decide(report, VERDICT_TRUE,
		       "%s went back to the allocator; the address space's counters are zero",
		       text_units__nouns(input->freed_anon_pages + input->freed_other_pages,
					 "page frame")
			       .text);
	else if (input->has_relatives && input->relative)
		decide(report, VERDICT_TRUE, "the counters are zero; %s shared with PID %d",
		       pages.text, (int)input->relative);
	else if (input->has_relatives)
		decide(report, VERDICT_TRUE,
		       "the counters are zero; %s shared with a relative or merged", pages.text);
	else if (input->reaped)
		decide(report, VERDICT_TRUE,
		       "the counters are zero; %s taken before the teardown by the OOM reaper or process_mrelease",
		       text_units__nouns(taken, "page").text);
	else
		decide(report, VERDICT_UNKNOWN,
		       "the counters are zero, but %s not seen to come back", pages.text);
}

void reclaim__judge(const struct reclaim_input *input, struct process_report *report)
{
	const char *counter;
	int64_t amount;

	fill_reclaimed(input, report);
	fill_stays(input, report);
	if (!input->before_read || !input->after_read) {
		decide(report, VERDICT_UNKNOWN, "%s",
		       input->missed	 ? input->missed :
		       input->after_read ? "the memory was not looked at before its teardown" :
					   "the teardown's end was not seen");
		return;
	}
	counter = left_over(&input->after, &amount);
	if (counter)
		decide(report, VERDICT_FALSE, "left after the teardown: %" PRId64 " %s", amount,
		       counter);
	else
		judge_frames(input, report);
}
