// SPDX-License-Identifier: GPL-2.0
/* See verdict_words.h. report/reclaim.c finds the reasons. */
#include "output/verdict_words.h"

#include <stdio.h>

#include "base/text_units.h"

static const char *is_or_are(int64_t number)
{
	return number == 1 ? "is" : "are";
}

static struct unit_text pages(int64_t number)
{
	return text_units__nouns((uint64_t)number, "page");
}

static void say_left_over(struct verdict_text *words, const struct report_why *why)
{
	static const struct {
		const char *one, *more;
	} nouns[] = {
		[COUNTER_ANON] = { "anonymous page", "anonymous pages" },
		[COUNTER_FILE] = { "file page", "file pages" },
		[COUNTER_SHMEM] = { "shared memory page", "shared memory pages" },
		[COUNTER_SWAP] = { "swap entry", "swap entries" },
		[COUNTER_HUGETLB] = { "huge page", "huge pages" },
		[COUNTER_PAGE_TABLE_BYTES] = { "byte of page tables", "bytes of page tables" },
	};
	uint64_t amount = why->number < 0 ? -(uint64_t)why->number : (uint64_t)why->number;

	snprintf(words->text, sizeof(words->text), "left after the teardown: %s%s %s",
		 why->number < 0 ? "-" : "", text_units__count(amount).text,
		 amount == 1 ? nouns[why->left_over].one : nouns[why->left_over].more);
}

static void say_shared(struct verdict_text *words, const struct report_why *why)
{
	const char *verb = is_or_are(why->number);

	if (why->relative)
		snprintf(words->text, sizeof(words->text),
			 "the counters are zero; %s %s shared with PID %d", pages(why->number).text,
			 verb, (int)why->relative);
	else
		snprintf(words->text, sizeof(words->text),
			 "the counters are zero; %s %s shared with a relative, or merged",
			 pages(why->number).text, verb);
}

struct verdict_text verdict_words__why(const struct report_why *why)
{
	/* Reasons that have no number. */
	static const char *const plain[] = {
		[REASON_BEFORE_UNREAD] = "the memory was not read before its teardown",
		[REASON_AFTER_UNREAD] = "the teardown's end was not seen",
		[REASON_STILL_IN_USE] = "something else still uses the memory",
		[REASON_COUNTERS_ALONE] = "the counters are zero; page frames were not measured",
	};
	const char *was_or_were = why->number == 1 ? "was" : "were";
	struct verdict_text words = { "" };

	switch (why->reason) {
	case REASON_NONE:
		break;
	case REASON_BEFORE_UNREAD:
	case REASON_AFTER_UNREAD:
	case REASON_STILL_IN_USE:
	case REASON_COUNTERS_ALONE:
		snprintf(words.text, sizeof(words.text), "%s", plain[why->reason]);
		break;
	case REASON_FRAMES_MISSING:
		snprintf(words.text, sizeof(words.text),
			 "the counters are zero, but %s %s not seen returning to the allocator",
			 pages(why->number).text, was_or_were);
		break;
	case REASON_LEFT_OVER:
		say_left_over(&words, why);
		break;
	case REASON_FRAMES_FREED:
		snprintf(words.text, sizeof(words.text),
			 "%s went back to the allocator; the address space's counters are zero",
			 text_units__nouns((uint64_t)why->number, "page frame").text);
		break;
	case REASON_SHARED:
		say_shared(&words, why);
		break;
	case REASON_REAPED:
		snprintf(words.text, sizeof(words.text),
			 "the counters are zero; %s %s taken before the teardown by the OOM reaper"
			 " or process_mrelease",
			 pages(why->number).text, was_or_were);
		break;
	}
	return words;
}
