// SPDX-License-Identifier: GPL-2.0
/* See run_total.h. Used by reporter.c. */
#include "run_total.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/meminfo.h"
#include "books/snapshot.h"
#include "report/losses.h"

bool run_total__is_mere_copy(const struct process_report *report)
{
	return report->fork_copy && report->end.kind == END_EXEC;
}

void run_total__add(struct run_total *total, const struct space *space,
		    const struct process_report *report)
{
	struct total_report *sums = &total->sums;
	uint64_t *const verdicts[] = {
		[VERDICT_UNKNOWN] = &sums->unverified,
		[VERDICT_TRUE] = &sums->verified,
		[VERDICT_FALSE] = &sums->not_reclaimed,
	};

	sums->processes++;
	sums->fork_copies += run_total__is_mere_copy(report);
	++*verdicts[report->verified];
	sums->held_bytes += space->held_bytes;
	if (report->reclaimed.freed_page_bytes != FIGURE_UNKNOWN)
		sums->reclaimed_bytes += (uint64_t)report->reclaimed.freed_page_bytes;
	losses__add_space(&sums->lost, space);
}

static bool read_memory(struct memory_report *memory)
{
	FILE *file = fopen("/proc/meminfo", "re");
	bool known = file && !meminfo__read(file, memory);

	if (file)
		fclose(file);
	file = fopen("/proc/zoneinfo", "re");
	if (!known || !file)
		return known;
	memory->per_cpu_lists_bytes =
		meminfo__read_per_cpu_lists(file, (size_t)sysconf(_SC_PAGESIZE));
	fclose(file);
	return known;
}

void run_total__note_before(struct run_total *total)
{
	total->sums.has_memory = read_memory(&total->sums.before);
}

void run_total__note_after(struct run_total *total)
{
	total->after_known = read_memory(&total->sums.after);
}

/* 0: unknown. (getrusage would count the memory that our parent had resident when it forked us.) */
static uint64_t peak_bytes(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[256];

	if (!status)
		return 0;
	while (!kib && fgets(line, sizeof(line), status))
		sscanf(line, "VmHWM: %llu kB", &kib);
	fclose(status);
	return kib * 1024;
}

/* Fills in the tracer's own use so far. */
static void fill_cost(struct total_report *total)
{
	struct rusage usage;

	total->tracer_cpu_s = -1;
	if (getrusage(RUSAGE_SELF, &usage))
		return;
	total->tracer_cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	total->tracer_peak_bytes = peak_bytes();
}

struct total_report run_total__report(struct run_total *total, const struct tracer_maps *maps,
				      const struct report_lost *lost_by_tracer)
{
	struct total_report report;

	if (!total->after_known)
		run_total__note_after(total);
	report = total->sums;
	report.has_memory = report.has_memory && total->after_known;
	for (int i = 0; i < NR_LOSSES; i++)
		report.lost.by_cause[i] += lost_by_tracer->by_cause[i];
	for (int i = NR_SPACE_LOSSES; i < NR_LOSSES; i++)
		report.lost.by_cause[i] += snapshot__read_loss(maps, i);
	fill_cost(&report);
	return report;
}
