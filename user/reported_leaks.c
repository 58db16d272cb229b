// SPDX-License-Identifier: GPL-2.0
/* See reported_leaks.h. Used by reporter.c. */
#include "reported_leaks.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "report/suppressions.h"

static void copy_figures(struct report_leaks *leaks, const struct leak_findings *findings,
			 const struct options *options)
{
	const struct leak_result *result = &findings->result;

	*leaks = (struct report_leaks){
		.limits = result->limits,
		.full = options->leak_check == LEAK_CHECK_FULL,
		.shown_kinds = options->leak_check == LEAK_CHECK_FULL ? options->show_leak_kinds :
									0,
		.pause_s = findings->pause_s,
		.since_s = findings->since_s,
		.scanned_bytes = result->scanned_bytes,
		.has_arenas = result->has_arenas,
		.unknown_bytes = result->unknown_bytes,
		.unknown_chunks = result->unknown_chunks,
		.has_old_lost = result->has_old_lost,
		.old_lost = { result->old_lost_bytes, result->old_lost_chunks },
		.free_bytes = result->free_bytes,
	};
	for (size_t i = 0; i < NR_LEAK_HEURISTICS; i++)
		leaks->by_heuristic[i] = (struct leak_sum){ result->heuristic_bytes[i],
							    result->heuristic_blocks[i] };
}

static int fill_stacks(struct leak_reporting *reporting, const struct report_sources *sources,
		       const struct reported_process *process, const struct leak_findings *findings,
		       struct report_leaks *leaks, struct process_report *report)
{
	struct leak_stacks_request request = {
		.sites = findings->sites,
		.nr_sites = findings->nr_sites,
		.error_kinds = sources->options->error_leak_kinds,
		.top = report_sources__nr_stacks(sources),
		.suppressions = reporting->suppressions,
	};
	struct aggregate_source source =
		report_sources__stacks(sources, process->image, findings->checked_ns);

	return leak_stacks__fill(report, leaks, &request, &source);
}

static void list_used(struct reported_leaks *reported, struct suppressions *suppressions)
{
	size_t nr = suppressions ? suppressions__used(suppressions, NULL, 0) : 0;

	if (!nr)
		return;
	reported->used = calloc(nr, sizeof(*reported->used));
	if (!reported->used)
		return;
	reported->leaks.nr_used = suppressions__used(suppressions, reported->used, nr);
	reported->leaks.used = reported->used;
}

bool reported_leaks__fill(struct reported_leaks *reported, const struct report_sources *sources,
			  const struct reported_process *process, bool ended,
			  struct process_report *report)
{
	struct leak_reporting *reporting = sources->leaks;
	const struct leak_findings *findings;
	int err;

	*reported = (struct reported_leaks){ 0 };
	if (!reporting->checks || !report->has_allocator)
		return false;
	findings = leak_checks__of(reporting->checks, process->space, ended);
	/* On a whole system most ends are of processes that nobody watched. */
	if (ended && sources->options->mode == MODE_SYSTEM && !findings->was_due)
		return false;
	if (findings->why) {
		report->leaks_why = findings->why;
		reporting->found.unchecked |= findings->was_due;
		return false;
	}
	copy_figures(&reported->leaks, findings, sources->options);
	if (reporting->suppressions)
		suppressions__reset_counts(reporting->suppressions);
	err = fill_stacks(reporting, sources, process, findings, &reported->leaks, report);
	if (err) {
		report->leaks_why = "the tracer has not enough memory";
		reporting->found.unchecked = true;
		log__warning("no leak check of PID %d: %s", report->pid, strerror(-err));
		return false;
	}
	list_used(reported, reporting->suppressions);
	report->leaks = &reported->leaks;
	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		if (reported->leaks.of_kind[kind].blocks)
			reporting->found.kinds |= LEAK_KIND_BIT(kind);
	return true;
}

void reported_leaks__free(struct reported_leaks *reported)
{
	free(reported->used);
	*reported = (struct reported_leaks){ 0 };
}
