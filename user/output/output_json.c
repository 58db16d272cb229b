// SPDX-License-Identifier: GPL-2.0
/*
 * Reports as JSON Lines. A line is built in memory and written at once: when there is no memory for
 * it, a message says so, and no half line is written. Field names are part of the interface;
 * memleak-bpf(8) lists them.
 */
#include <jansson.h>

#include "base/log.h"
#include "output/json_leaks.h"
#include "output/json_stacks.h"
#include "output/json_value.h"
#include "output/output.h"
#include "output/verdict_words.h"
#include "report/losses.h"

/* ASCII only: some readers of lines end a line at a raw U+0085 or U+2028. */
#define DUMP_FLAGS \
	(JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static json_t *build_lost(const struct report_lost *lost)
{
	json_t *causes = json_object();

	for (int i = 0; i < NR_LOSSES; i++)
		if (lost->by_cause[i])
			json_object_set_new(causes, loss_causes[i].name,
					    json_integer(json_value__whole(lost->by_cause[i])));
	return json_pack("{s:I, s:I, s:I, s:o}", "events",
			 json_value__whole(losses__sum(lost, LOSS_OF_EVENTS)), "blocks",
			 json_value__whole(losses__sum(lost, LOSS_OF_BLOCKS)), "stacks",
			 json_value__whole(losses__sum(lost, LOSS_OF_STACKS)), "causes", causes);
}

static json_t *build_held(uint64_t bytes, uint64_t blocks)
{
	return json_pack("{s:I, s:I}", "bytes", json_value__whole(bytes), "blocks",
			 json_value__whole(blocks));
}

static json_t *build_held_or_null(const struct process_report *process)
{
	if (!process->has_allocator)
		return json_null();
	return build_held(process->held_bytes, process->held_blocks);
}

static json_t *build_inherited(const struct process_report *process)
{
	json_t *from = json_value__nonzero(process->inherited_from);

	if (!process->has_allocator)
		return json_pack("{s:n, s:n, s:n, s:n, s:o}", "bytes", "blocks", "freed_blocks",
				 "freed_bytes", "from_pid", from);
	return json_pack("{s:o, s:I, s:I, s:o, s:o}", "bytes",
			 json_value__figure(process->inherited_bytes), "blocks",
			 json_value__whole(process->inherited_blocks), "freed_blocks",
			 json_value__whole(process->inherited_freed_blocks), "freed_bytes",
			 json_value__figure(process->inherited_freed_bytes), "from_pid", from);
}

static json_t *build_totals_or_null(const struct process_report *process)
{
	if (!process->has_allocator)
		return json_null();
	/* With -z or -Z, a free of a block that was left out can't be told from an unknown free. */
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "allocated_bytes",
			 json_value__whole(process->allocated_bytes), "allocated_blocks",
			 json_value__whole(process->allocated_blocks), "freed_bytes",
			 json_value__whole(process->freed_bytes), "freed_blocks",
			 json_value__whole(process->freed_blocks), "failed",
			 json_value__whole(process->failed), "unknown_frees",
			 process->filtered ?
				 json_null() :
				 json_integer(json_value__whole(process->unknown_frees)),
			 "peak_bytes", json_value__figure(process->peak_bytes));
}

static json_t *build_end(const struct report_end *end)
{
	static const char *const kinds[] = {
		[END_EXITED] = "exited", [END_SIGNALLED] = "signalled", [END_OOM] = "oom",
		[END_EXEC] = "exec",	 [END_UNKNOWN] = NULL,
	};
	bool has_signal = end->kind == END_SIGNALLED || end->kind == END_OOM;

	return json_pack("{s:s?, s:o, s:o, s:b, s:o, s:b}", "kind", kinds[end->kind], "code",
			 end->kind == END_EXITED ? json_integer(end->code) : json_null(), "signal",
			 has_signal ? json_value__nonzero(end->signal) : json_null(), "core_dumped",
			 end->core_dumped, "exec_to",
			 json_value__text(end->kind == END_EXEC ? end->exec_to : NULL),
			 "memory_gone", end->memory_gone);
}

static json_t *build_reclaimed(const struct report_reclaimed *reclaimed)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rss_anon_bytes",
			 json_value__figure(reclaimed->rss_anon_bytes), "rss_file_bytes",
			 json_value__figure(reclaimed->rss_file_bytes), "rss_shmem_bytes",
			 json_value__figure(reclaimed->rss_shmem_bytes), "swap_bytes",
			 json_value__figure(reclaimed->swap_bytes), "hugetlb_bytes",
			 json_value__figure(reclaimed->hugetlb_bytes), "page_table_bytes",
			 json_value__figure(reclaimed->page_table_bytes), "virtual_bytes",
			 json_value__figure(reclaimed->virtual_bytes), "freed_page_bytes",
			 json_value__figure(reclaimed->freed_page_bytes));
}

static json_t *build_kept(const struct report_stays *stays)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < stays->nr_kept; i++) {
		const struct report_kept *kept = &stays->kept[i];

		json_value__append(&array, json_pack("{s:o, s:o, s:o, s:o}", "kind",
						     json_value__text(kept->kind), "name",
						     json_value__text(kept->name), "why",
						     json_value__text(kept->why), "bytes",
						     json_value__figure(kept->bytes)));
	}
	return array;
}

static json_t *build_stays(const struct report_stays *stays)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "page_cache_bytes",
			 json_value__figure(stays->page_cache_bytes), "shared_bytes",
			 json_value__figure(stays->shared_bytes), "shmem_bytes",
			 json_value__figure(stays->shmem_bytes), "kept", build_kept(stays));
}

static json_t *build_identity(const char *event, const struct process_report *process)
{
	json_t *line = json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "event", event, "time",
				 json_value__time(&process->time), "pid", (int)process->pid, "ppid",
				 json_value__nonzero(process->ppid), "pid_in_namespace",
				 json_value__nonzero(process->pid_in_namespace), "comm",
				 json_value__text(process->comm), "exe",
				 json_value__text(process->exe));

	json_value__join(
		&line,
		json_pack("{s:I, s:o, s:o, s:o, s:b, s:b, s:o, s:b, s:o}", "uid",
			  (json_int_t)process->uid, "cgroup", json_value__text(process->cgroup),
			  "run_s", json_value__seconds(process->run_s), "held_back_s",
			  json_value__seconds(process->held_back_s), "late_attach",
			  process->late_attach, "has_allocator", process->has_allocator,
			  "not_looked_at", json_value__text(process->not_looked_at), "filtered",
			  process->filtered, "min_age_s", json_value__seconds(process->min_age_s)));
	return line;
}

static json_t *build_heap(const struct process_report *process)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "held", build_held_or_null(process), "inherited",
			 build_inherited(process), "totals", build_totals_or_null(process),
			 "unexplained_bytes", json_value__figure(process->unexplained_bytes));
}

static json_t *build_fate(const struct process_report *process)
{
	static const int verdicts[] = {
		[VERDICT_UNKNOWN] = -1, [VERDICT_TRUE] = 1, [VERDICT_FALSE] = 0
	};
	int verdict = verdicts[process->verified];
	struct verdict_text why = verdict_words__why(&process->why);

	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "reclaimed",
			 build_reclaimed(&process->reclaimed), "freed_frames",
			 json_value__figure(process->freed_frames), "stays",
			 build_stays(&process->stays), "verified",
			 verdict < 0 ? json_null() : json_boolean(verdict), "verified_why",
			 json_value__text(why.text[0] ? why.text : NULL));
}

static json_t *build_rows(const struct process_report *process)
{
	json_t *line = json_stacks__build(&process->stacks, process->leaks);

	json_value__join(&line, json_pack("{s:o}", "walks", json_stacks__walks(process->walks)));
	json_value__join(&line, json_leaks__build(process));
	json_value__join(&line, json_pack("{s:o}", "lost", build_lost(&process->lost)));
	return line;
}

/* Takes line over; `what` names it in the message when it can't be written. */
static void write_line(FILE *out, json_t *line, const char *what)
{
	char *text = line ? json_dumps(line, DUMP_FLAGS) : NULL;
	json_free_t free_text;

	json_decref(line);
	if (!text) {
		log__error("out of memory: a line of JSON (%s) was not written", what);
		return;
	}
	fprintf(out, "%s\n", text);
	/* Allocated by jansson, whose allocator a program may have replaced. */
	json_get_alloc_funcs(NULL, &free_text);
	free_text(text);
}

static void write_start(FILE *out, const struct start_report *start)
{
	json_t *probes = json_pack("{s:I, s:I, s:o, s:o, s:o}", "allocator_functions",
				   (json_int_t)start->allocator_functions, "allocator_files",
				   (json_int_t)start->allocator_files, "exit",
				   json_value__text(start->exit_before), "exit_after",
				   json_value__text(start->exit_after), "uprobe",
				   json_value__text(start->uprobe));
	json_t *degraded = json_array();

	for (size_t i = 0; start->degraded[i]; i++)
		json_array_append_new(degraded, json_string(start->degraded[i]));
	write_line(out,
		   json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "event", "start", "version",
			     json_value__text(start->version), "kernel",
			     json_value__text(start->kernel), "mode", json_value__text(start->mode),
			     "probes", probes, "degraded", degraded),
		   "start");
}

static void write_exit(FILE *out, const struct process_report *process)
{
	json_t *line = build_identity("exit", process);

	json_value__join(&line, json_pack("{s:b, s:o}", "fork_copy", process->fork_copy, "end",
					  build_end(&process->end)));
	json_value__join(&line, build_heap(process));
	json_value__join(&line, build_fate(process));
	json_value__join(&line, build_rows(process));
	write_line(out, line, "exit");
}

static json_t *build_growth_or_null(const struct process_report *process)
{
	if (!process->growth.known)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:o, s:o}", "bytes", (json_int_t)process->growth.bytes,
			 "blocks", (json_int_t)process->growth.blocks, "long_bytes",
			 (json_int_t)process->growth.long_bytes, "anon_bytes",
			 json_value__figure(process->growth.anon_bytes), "since_s",
			 json_value__seconds(process->growth_s));
}

static json_t *build_resident_or_null(const struct process_report *process)
{
	const struct resident *resident = &process->resident;

	if (!process->has_resident)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "anon_bytes",
			 json_value__figure(resident->anon_bytes), "file_bytes",
			 json_value__figure(resident->file_bytes), "shmem_bytes",
			 json_value__figure(resident->shmem_bytes), "swap_bytes",
			 json_value__figure(resident->swap_bytes));
}

static void write_outstanding(FILE *out, const struct process_report *process)
{
	json_t *line = build_identity("outstanding", process);

	json_value__join(&line, build_heap(process));
	json_value__join(&line, json_pack("{s:o, s:o}", "growth", build_growth_or_null(process),
					  "resident", build_resident_or_null(process)));
	json_value__join(&line, build_rows(process));
	write_line(out, line, "outstanding");
}

static json_t *build_top(const struct ranking_report *ranking)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < ranking->nr_rows; i++) {
		const struct ranking_row *row = &ranking->rows[i];

		json_value__append(&array,
				   json_pack("{s:i, s:o, s:o, s:I, s:b, s:b}", "pid", (int)row->pid,
					     "comm", json_value__text(row->comm), "held",
					     build_held(row->held_bytes, row->held_blocks),
					     "growth_bytes", (json_int_t)row->growth_bytes,
					     "late_attach", row->late_attach, "at_least",
					     row->at_least));
	}
	return array;
}

static void write_ranking(FILE *out, const struct ranking_report *ranking)
{
	json_t *more = json_pack("{s:I, s:I, s:I}", "processes",
				 json_value__whole(ranking->more_rows), "bytes",
				 json_value__whole(ranking->more_rows_bytes), "blocks",
				 json_value__whole(ranking->more_rows_blocks));
	json_t *line = json_pack("{s:s, s:o, s:I, s:o, s:o, s:o}", "event", "ranking", "time",
				 json_value__time(&ranking->time), "processes",
				 json_value__whole(ranking->processes), "held",
				 build_held(ranking->held_bytes, ranking->held_blocks), "top",
				 build_top(ranking), "more", more);

	json_value__join(&line, json_stacks__build(&ranking->stacks, NULL));
	json_value__join(&line, json_pack("{s:o}", "lost", build_lost(&ranking->lost)));
	write_line(out, line, "ranking");
}

static void write_trace(FILE *out, const struct trace_report *event)
{
	const char *kind = event->is_free ? "free" : "alloc";

	write_line(out,
		   json_pack("{s:s, s:o, s:i, s:i, s:o, s:o, s:o, s:o}", "event", kind, "time",
			     json_value__time(&event->time), "pid", (int)event->pid, "tid",
			     (int)event->tid, "comm", json_value__text(event->comm), "function",
			     json_value__text(event->function), "address",
			     json_value__hex(event->address), "size_bytes",
			     event->size_bytes == UINT64_MAX ?
				     json_null() :
				     json_integer(json_value__whole(event->size_bytes))),
		   kind);
}

static json_t *build_memory(const struct memory_report *memory)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "total_bytes",
			 json_value__whole(memory->total_bytes), "used_bytes",
			 json_value__whole(memory->used_bytes), "free_bytes",
			 json_value__whole(memory->free_bytes), "buff_cache_bytes",
			 json_value__whole(memory->buff_cache_bytes), "available_bytes",
			 json_value__whole(memory->available_bytes), "per_cpu_lists_bytes",
			 json_value__figure(memory->per_cpu_lists_bytes));
}

static json_t *build_tracer(const struct total_report *total)
{
	return json_pack("{s:o, s:o}", "cpu_s", json_value__seconds(total->tracer_cpu_s),
			 "peak_rss_bytes",
			 json_value__nonzero(json_value__whole(total->tracer_peak_bytes)));
}

static void write_total(FILE *out, const struct total_report *total)
{
	json_t *memory = json_null();
	json_t *line = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "event", "total", "processes",
				 json_value__whole(total->processes), "fork_copies",
				 json_value__whole(total->fork_copies), "verified",
				 json_value__whole(total->verified), "unverified",
				 json_value__whole(total->unverified), "not_reclaimed",
				 json_value__whole(total->not_reclaimed));

	if (total->has_memory)
		memory = json_pack("{s:o, s:o}", "before", build_memory(&total->before), "after",
				   build_memory(&total->after));
	json_value__join(&line, json_pack("{s:I, s:I, s:o, s:o, s:o}", "held_bytes",
					  json_value__whole(total->held_bytes), "reclaimed_bytes",
					  json_value__whole(total->reclaimed_bytes), "memory",
					  memory, "tracer", build_tracer(total), "lost",
					  build_lost(&total->lost)));
	write_line(out, line, "total");
}

static void begin(void *state, FILE *out, const struct output_settings *settings)
{
	(void)state;
	(void)out;
	(void)settings; /* JSON always says everything */
}

static void report(void *state, FILE *out, const struct report *item)
{
	(void)state;
	switch (item->kind) {
	case REPORT_START:
		return write_start(out, item->start);
	case REPORT_EXIT:
		return write_exit(out, item->process);
	case REPORT_OUTSTANDING:
		return write_outstanding(out, item->process);
	case REPORT_RANKING:
		return write_ranking(out, item->ranking);
	case REPORT_TRACE:
		return write_trace(out, item->trace);
	case REPORT_TOTAL:
		return write_total(out, item->total);
	}
}

const struct output_format output_json = {
	.name = "json",
	.suffix = ".jsonl",
	.is_whole = true,
	.state_bytes = 1, /* no state is kept: each line stands alone */
	.begin = begin,
	.report = report,
};
