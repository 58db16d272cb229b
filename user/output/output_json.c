// SPDX-License-Identifier: GPL-2.0
/*
 * Reports as JSON Lines. A line is built in memory and written at once: when there is no memory for
 * it, a message says so, and no half line is written. json_pack's "o" takes over its value even
 * when it fails, so a builder only passes on what it made. Field names are part of the interface;
 * memleak-bpf(8) lists them.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "report/losses.h"
#include "output/output.h"
#include "output/verdict_words.h"
#include "base/sanitize_text.h"

/* ASCII only: some readers of lines end a line at a raw U+0085 or U+2028. */
#define DUMP_FLAGS \
	(JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static json_t *string_or_null(const char *text)
{
	char *valid;
	json_t *string;

	if (!text)
		return json_null();
	valid = sanitize_text__utf8(text);
	if (!valid)
		return NULL;
	string = json_string(valid);
	free(valid);
	return string;
}

/* JSON readers, jansson among them, have no larger integers. */
static json_int_t clamp(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (json_int_t)number;
}

static json_t *figure_or_null(figure number)
{
	return number == FIGURE_UNKNOWN ? json_null() : json_integer(number);
}

/* For fields in which report.h says that 0 is "unknown". */
static json_t *nonzero_or_null(int64_t number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *seconds_or_null(double seconds)
{
	return isfinite(seconds) && seconds >= 0 ? json_real(seconds) : json_null();
}

static json_t *hex(uint64_t number)
{
	return json_sprintf("0x%" PRIx64, number);
}

/* RFC 3339 in UTC. It has no years of more than four digits: null. */
static json_t *time_or_null(const struct timespec *time)
{
	struct tm utc;

	if (!gmtime_r(&time->tv_sec, &utc) || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900)
		return json_null();
	return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
			    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
			    (int)(time->tv_nsec / 1000000));
}

/* Takes over value. *array becomes NULL on failure, or when the builder of either had failed. */
static void append(json_t **array, json_t *value)
{
	if (json_array_append_new(*array, value)) {
		json_decref(*array);
		*array = NULL;
	}
}

static json_t *build_frame(const struct report_frame *frame)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s?}", "function",
			 string_or_null(frame->function), "file", string_or_null(frame->file),
			 "line", nonzero_or_null(frame->line), "module",
			 string_or_null(frame->module), "offset",
			 frame->module ? hex(frame->module_offset) : json_null(), "address",
			 frame->address ? hex(frame->address) : json_null(), "inlined",
			 frame->inlined, "build_id", frame->build_id);
}

static json_t *build_frames(const struct report_stack *stack)
{
	json_t *frames = json_array();

	for (size_t i = 0; frames && i < stack->nr_frames; i++)
		append(&frames, build_frame(&stack->frames[i]));
	return frames;
}

static json_t *build_blocks_or_null(const struct report_stack *stack)
{
	json_t *blocks;

	if (!stack->block_list)
		return json_null();
	blocks = json_array();
	for (size_t i = 0; blocks && i < stack->nr_block_list; i++) {
		const struct report_block *block = &stack->block_list[i];

		append(&blocks,
		       json_pack("{s:o, s:I, s:o}", "address", hex(block->address), "bytes",
				 clamp(block->size_bytes), "age_s", seconds_or_null(block->age_s)));
	}
	return blocks;
}

/*
 * Adds the members of part after those of *line, and takes part over; either may be NULL from a
 * failed builder.
 */
static void join(json_t **line, json_t *part)
{
	if (!*line || !part || json_object_update(*line, part)) {
		json_decref(*line);
		*line = NULL;
	}
	json_decref(part);
}

static const char *const stack_ends[NR_STACK_ENDS] = {
	[STACK_COMPLETE] = "complete",
	[STACK_FULL] = "full",
	[STACK_FRAME_POINTERS] = "frame_pointers",
	[STACK_NO_TABLE] = "no_table",
	[STACK_BUSY] = "busy",
	[STACK_NO_CODE] = "no_code",
	[STACK_UNREADABLE] = "unreadable",
	[STACK_BAD_RULE] = "bad_rule",
};

static json_t *build_walks(const uint64_t walks[NR_STACK_ENDS])
{
	json_t *line = json_object();

	for (int i = 0; i < NR_STACK_ENDS; i++)
		json_object_set_new(line, stack_ends[i], json_integer(clamp(walks[i])));
	return line;
}

static json_t *build_stack(const struct report_stack *stack)
{
	static const char *const kinds[] = {
		[LEAK_DEFINITE] = "definite",
		[LEAK_INDIRECT] = "indirect",
		[LEAK_POSSIBLE] = "possible",
		[LEAK_REACHABLE] = "reachable",
	};
	json_t *line = json_pack("{s:I, s:I, s:s?, s:b, s:s, s:o, s:o}", "bytes",
				 clamp(stack->bytes), "blocks", clamp(stack->blocks), "kind",
				 kinds[stack->kind], "truncated", stack->end != STACK_COMPLETE,
				 "end", stack_ends[stack->end], "frames", build_frames(stack),
				 "block_list", build_blocks_or_null(stack));

	if (stack->nr_processes)
		join(&line, json_pack("{s:I}", "processes", (json_int_t)stack->nr_processes));
	return line;
}

/* The members that stacks have in a line. */
static json_t *build_stacks(const struct report_stacks *stacks)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < stacks->nr; i++)
		append(&array, build_stack(&stacks->list[i]));
	return json_pack("{s:o, s:I, s:I, s:I}", "stacks", array, "more_stacks",
			 clamp(stacks->more), "more_bytes", clamp(stacks->more_bytes),
			 "more_blocks", clamp(stacks->more_blocks));
}

static json_t *build_lost(const struct report_lost *lost)
{
	json_t *causes = json_object();

	for (int i = 0; i < NR_LOSSES; i++)
		if (lost->by_cause[i])
			json_object_set_new(causes, loss_causes[i].name,
					    json_integer(clamp(lost->by_cause[i])));
	return json_pack("{s:I, s:I, s:I, s:o}", "events", clamp(losses__sum(lost, LOSS_OF_EVENTS)),
			 "blocks", clamp(losses__sum(lost, LOSS_OF_BLOCKS)), "stacks",
			 clamp(losses__sum(lost, LOSS_OF_STACKS)), "causes", causes);
}

static json_t *build_held(uint64_t bytes, uint64_t blocks)
{
	return json_pack("{s:I, s:I}", "bytes", clamp(bytes), "blocks", clamp(blocks));
}

static json_t *build_held_or_null(const struct process_report *process)
{
	if (!process->has_allocator)
		return json_null();
	return build_held(process->held_bytes, process->held_blocks);
}

static json_t *build_inherited(const struct process_report *process)
{
	json_t *from = nonzero_or_null(process->inherited_from);

	if (!process->has_allocator)
		return json_pack("{s:n, s:n, s:n, s:n, s:o}", "bytes", "blocks", "freed_blocks",
				 "freed_bytes", "from_pid", from);
	return json_pack("{s:o, s:I, s:I, s:o, s:o}", "bytes",
			 figure_or_null(process->inherited_bytes), "blocks",
			 clamp(process->inherited_blocks), "freed_blocks",
			 clamp(process->inherited_freed_blocks), "freed_bytes",
			 figure_or_null(process->inherited_freed_bytes), "from_pid", from);
}

static json_t *build_totals_or_null(const struct process_report *process)
{
	if (!process->has_allocator)
		return json_null();
	/* With -z or -Z, a free of a block that was left out can't be told from an unknown free. */
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "allocated_bytes",
			 clamp(process->allocated_bytes), "allocated_blocks",
			 clamp(process->allocated_blocks), "freed_bytes",
			 clamp(process->freed_bytes), "freed_blocks", clamp(process->freed_blocks),
			 "failed", clamp(process->failed), "unknown_frees",
			 process->filtered ? json_null() :
					     json_integer(clamp(process->unknown_frees)),
			 "peak_bytes", figure_or_null(process->peak_bytes));
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
			 has_signal ? nonzero_or_null(end->signal) : json_null(), "core_dumped",
			 end->core_dumped, "exec_to",
			 string_or_null(end->kind == END_EXEC ? end->exec_to : NULL), "memory_gone",
			 end->memory_gone);
}

static json_t *build_reclaimed(const struct report_reclaimed *reclaimed)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rss_anon_bytes",
			 figure_or_null(reclaimed->rss_anon_bytes), "rss_file_bytes",
			 figure_or_null(reclaimed->rss_file_bytes), "rss_shmem_bytes",
			 figure_or_null(reclaimed->rss_shmem_bytes), "swap_bytes",
			 figure_or_null(reclaimed->swap_bytes), "hugetlb_bytes",
			 figure_or_null(reclaimed->hugetlb_bytes), "page_table_bytes",
			 figure_or_null(reclaimed->page_table_bytes), "virtual_bytes",
			 figure_or_null(reclaimed->virtual_bytes), "freed_page_bytes",
			 figure_or_null(reclaimed->freed_page_bytes));
}

static json_t *build_kept(const struct report_stays *stays)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < stays->nr_kept; i++) {
		const struct report_kept *kept = &stays->kept[i];

		append(&array,
		       json_pack("{s:o, s:o, s:o, s:o}", "kind", string_or_null(kept->kind), "name",
				 string_or_null(kept->name), "why", string_or_null(kept->why),
				 "bytes", figure_or_null(kept->bytes)));
	}
	return array;
}

static json_t *build_stays(const struct report_stays *stays)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "page_cache_bytes",
			 figure_or_null(stays->page_cache_bytes), "shared_bytes",
			 figure_or_null(stays->shared_bytes), "shmem_bytes",
			 figure_or_null(stays->shmem_bytes), "kept", build_kept(stays));
}

static json_t *build_identity(const char *event, const struct process_report *process)
{
	json_t *line = json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "event", event, "time",
				 time_or_null(&process->time), "pid", (int)process->pid, "ppid",
				 nonzero_or_null(process->ppid), "pid_in_namespace",
				 nonzero_or_null(process->pid_in_namespace), "comm",
				 string_or_null(process->comm), "exe",
				 string_or_null(process->exe));

	join(&line, json_pack("{s:I, s:o, s:o, s:b, s:b, s:o, s:b, s:o}", "uid",
			      (json_int_t)process->uid, "cgroup", string_or_null(process->cgroup),
			      "run_s", seconds_or_null(process->run_s), "late_attach",
			      process->late_attach, "has_allocator", process->has_allocator,
			      "not_looked_at", string_or_null(process->not_looked_at), "filtered",
			      process->filtered, "min_age_s", seconds_or_null(process->min_age_s)));
	return line;
}

static json_t *build_heap(const struct process_report *process)
{
	return json_pack("{s:o, s:o, s:o}", "held", build_held_or_null(process), "inherited",
			 build_inherited(process), "totals", build_totals_or_null(process));
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
			 figure_or_null(process->freed_frames), "stays",
			 build_stays(&process->stays), "verified",
			 verdict < 0 ? json_null() : json_boolean(verdict), "verified_why",
			 string_or_null(why.text[0] ? why.text : NULL));
}

/* "leaks" is null for now, so that a reader needs no change once blocks are classified. */
static json_t *build_rows(const struct process_report *process)
{
	json_t *line = build_stacks(&process->stacks);

	join(&line, json_pack("{s:o, s:n, s:o}", "walks", build_walks(process->walks), "leaks",
			      "lost", build_lost(&process->lost)));
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
				   string_or_null(start->exit_before), "exit_after",
				   string_or_null(start->exit_after), "uprobe",
				   string_or_null(start->uprobe));
	json_t *degraded = json_array();

	for (size_t i = 0; start->degraded[i]; i++)
		json_array_append_new(degraded, json_string(start->degraded[i]));
	write_line(out,
		   json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "event", "start", "version",
			     string_or_null(start->version), "kernel",
			     string_or_null(start->kernel), "mode", string_or_null(start->mode),
			     "probes", probes, "degraded", degraded),
		   "start");
}

static void write_exit(FILE *out, const struct process_report *process)
{
	json_t *line = build_identity("exit", process);

	join(&line, json_pack("{s:b, s:o}", "fork_copy", process->fork_copy, "end",
			      build_end(&process->end)));
	join(&line, build_heap(process));
	join(&line, build_fate(process));
	join(&line, build_rows(process));
	write_line(out, line, "exit");
}

static void write_outstanding(FILE *out, const struct process_report *process)
{
	json_t *line = build_identity("outstanding", process);

	join(&line, build_heap(process));
	join(&line, build_rows(process));
	write_line(out, line, "outstanding");
}

static json_t *build_top(const struct ranking_report *ranking)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < ranking->nr_rows; i++) {
		const struct ranking_row *row = &ranking->rows[i];

		append(&array,
		       json_pack("{s:i, s:o, s:o, s:I, s:b, s:b}", "pid", (int)row->pid, "comm",
				 string_or_null(row->comm), "held",
				 build_held(row->held_bytes, row->held_blocks), "growth_bytes",
				 (json_int_t)row->growth_bytes, "late_attach", row->late_attach,
				 "at_least", row->at_least));
	}
	return array;
}

static void write_ranking(FILE *out, const struct ranking_report *ranking)
{
	json_t *more = json_pack("{s:I, s:I, s:I}", "processes", clamp(ranking->more_rows), "bytes",
				 clamp(ranking->more_rows_bytes), "blocks",
				 clamp(ranking->more_rows_blocks));
	json_t *line = json_pack("{s:s, s:o, s:I, s:o, s:o, s:o}", "event", "ranking", "time",
				 time_or_null(&ranking->time), "processes",
				 clamp(ranking->processes), "held",
				 build_held(ranking->held_bytes, ranking->held_blocks), "top",
				 build_top(ranking), "more", more);

	join(&line, build_stacks(&ranking->stacks));
	join(&line, json_pack("{s:o}", "lost", build_lost(&ranking->lost)));
	write_line(out, line, "ranking");
}

static void write_trace(FILE *out, const struct trace_report *event)
{
	const char *kind = event->is_free ? "free" : "alloc";

	write_line(out,
		   json_pack("{s:s, s:o, s:i, s:i, s:o, s:o, s:o, s:o}", "event", kind, "time",
			     time_or_null(&event->time), "pid", (int)event->pid, "tid",
			     (int)event->tid, "comm", string_or_null(event->comm), "function",
			     string_or_null(event->function), "address", hex(event->address),
			     "size_bytes",
			     event->size_bytes == UINT64_MAX ?
				     json_null() :
				     json_integer(clamp(event->size_bytes))),
		   kind);
}

static json_t *build_memory(const struct memory_report *memory)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "total_bytes",
			 clamp(memory->total_bytes), "used_bytes", clamp(memory->used_bytes),
			 "free_bytes", clamp(memory->free_bytes), "buff_cache_bytes",
			 clamp(memory->buff_cache_bytes), "available_bytes",
			 clamp(memory->available_bytes), "per_cpu_lists_bytes",
			 figure_or_null(memory->per_cpu_lists_bytes));
}

static json_t *build_tracer(const struct total_report *total)
{
	return json_pack("{s:o, s:o}", "cpu_s", seconds_or_null(total->tracer_cpu_s),
			 "peak_rss_bytes", nonzero_or_null(clamp(total->tracer_peak_bytes)));
}

static void write_total(FILE *out, const struct total_report *total)
{
	json_t *memory = json_null();
	json_t *line = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "event", "total", "processes",
				 clamp(total->processes), "fork_copies", clamp(total->fork_copies),
				 "verified", clamp(total->verified), "unverified",
				 clamp(total->unverified), "not_reclaimed",
				 clamp(total->not_reclaimed));

	if (total->has_memory)
		memory = json_pack("{s:o, s:o}", "before", build_memory(&total->before), "after",
				   build_memory(&total->after));
	join(&line, json_pack("{s:I, s:I, s:o, s:o, s:o}", "held_bytes", clamp(total->held_bytes),
			      "reclaimed_bytes", clamp(total->reclaimed_bytes), "memory", memory,
			      "tracer", build_tracer(total), "lost", build_lost(&total->lost)));
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
	.state_bytes = 1, /* no state is kept: each line stands alone */
	.begin = begin,
	.report = report,
};
