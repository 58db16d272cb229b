// SPDX-License-Identifier: GPL-2.0
/* See report_sources.h. Used by reporter.c and by the files that fill reports for it. */
#include "report_sources.h"

#include "base/clock.h"
#include "books/stacks.h"

bool report_sources__need_blocks(const struct report_sources *sources)
{
	return sources->options->show_allocations || sources->options->min_age_s > 0;
}

struct snapshot_request report_sources__request(const struct report_sources *sources,
						uint64_t now_ns)
{
	const struct options *options = sources->options;
	uint64_t min_age_ns = (uint64_t)(options->min_age_s * (double)NS_PER_S);

	return (struct snapshot_request){
		.with_blocks = options->show_allocations,
		.allocated_before_ns = min_age_ns ? now_ns - min_age_ns : 0,
	};
}

uint64_t report_sources__nr_stacks(const struct report_sources *sources)
{
	/* A sum by caller needs all of them, too. */
	return sources->all_stacks || sources->options->tree_percent > 0 ?
		       UINT64_MAX :
		       options__nr_shown(sources->options);
}

struct aggregate_request report_sources__shown(const struct report_sources *sources)
{
	const struct options *options = sources->options;

	return (struct aggregate_request){
		.top = report_sources__nr_stacks(sources),
		.order = options->order,
		.part = options->min_age_s > 0,
	};
}

static int read_stack(uint64_t stack_id, struct stack *stack, void *context)
{
	return stacks__read(context, stack_id, stack);
}

struct aggregate_source report_sources__stacks(const struct report_sources *sources,
					       const struct image *image, uint64_t now_ns)
{
	return (struct aggregate_source){
		.reader = { .read_stack = read_stack,
			    .context = (void *)sources->maps,
			    .tables = sources->tables },
		.mappings = image ? image->mappings : NULL,
		.code = image ? image->code : NULL,
		.symbolizer = sources->symbolizer,
		.now_ns = now_ns,
	};
}
