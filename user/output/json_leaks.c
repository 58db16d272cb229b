// SPDX-License-Identifier: GPL-2.0
/* See json_leaks.h. Called by output_json.c and json_stacks.c. */
#include "output/json_leaks.h"

#include "output/json_value.h"
#include "output/leak_words.h"

static const char *const kind_names[NR_LEAK_KINDS] = {
	[LEAK_DEFINITE] = "definite",
	[LEAK_INDIRECT] = "indirect",
	[LEAK_POSSIBLE] = "possible",
	[LEAK_REACHABLE] = "reachable",
};

json_t *json_leaks__kind(enum leak_kind kind)
{
	return kind_names[kind] ? json_string(kind_names[kind]) : json_null();
}

static json_t *build_sum(uint64_t bytes, uint64_t blocks)
{
	return json_pack("{s:I, s:I}", "bytes", json_value__whole(bytes), "blocks",
			 json_value__whole(blocks));
}

/* Takes value over. *line becomes NULL on failure, or when the builder of either had failed. */
static void add_member(json_t **line, const char *name, json_t *value)
{
	json_value__join(line, json_pack("{s:o}", name, value));
}

static json_t *build_kinds(const struct report_leaks *leaks)
{
	json_t *line = json_object();

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		add_member(&line, kind_names[kind],
			   build_sum(leaks->of_kind[kind].bytes, leaks->of_kind[kind].blocks));
	add_member(&line, "suppressed",
		   build_sum(leaks->suppressed.bytes, leaks->suppressed.blocks));
	return line;
}

static json_t *build_heuristics(const struct report_leaks *leaks)
{
	json_t *line = json_object();

	for (int i = 0; i < NR_LEAK_HEURISTICS; i++)
		add_member(&line, leak_words__heuristic((enum leak_heuristic)i),
			   build_sum(leaks->by_heuristic[i].bytes, leaks->by_heuristic[i].blocks));
	return line;
}

static json_t *build_limits(const struct report_leaks *leaks)
{
	json_t *array = json_array();

	for (int i = 0; array && i < NR_LEAK_LIMITS; i++)
		if (leaks->limits & leak_limits[i].limit)
			json_value__append(&array, json_string(leak_limits[i].name));
	return array;
}

static bool is_lower_bound(const struct report_leaks *leaks)
{
	for (int i = 0; i < NR_LEAK_LIMITS; i++)
		if (leak_limits[i].lower_bound && leaks->limits & leak_limits[i].limit)
			return true;
	return false;
}

static json_t *build_old_lost_or_null(const struct report_leaks *leaks)
{
	if (!leaks->has_old_lost)
		return json_null();
	return json_pack("{s:I, s:I}", "bytes", json_value__whole(leaks->old_lost.bytes), "chunks",
			 json_value__whole(leaks->old_lost.blocks));
}

static json_t *build_allocator_or_null(const struct report_leaks *leaks)
{
	if (!leaks->has_arenas)
		return json_null();
	return json_pack("{s:I, s:I, s:o, s:I}", "unknown_bytes",
			 json_value__whole(leaks->unknown_bytes), "unknown_chunks",
			 json_value__whole(leaks->unknown_chunks), "unknown_lost",
			 build_old_lost_or_null(leaks), "free_bytes",
			 json_value__whole(leaks->free_bytes));
}

static json_t *build_suppressions(const struct report_leaks *leaks)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < leaks->nr_used; i++) {
		const struct report_suppression *used = &leaks->used[i];

		json_value__append(&array,
				   json_pack("{s:o, s:o, s:I, s:I, s:I}", "name",
					     json_value__text(used->name), "file",
					     json_value__text(used->file), "line",
					     (json_int_t)used->line, "bytes",
					     json_value__whole(used->hidden.bytes), "blocks",
					     json_value__whole(used->hidden.blocks)));
	}
	return array;
}

static json_t *build_leaks_or_null(const struct report_leaks *leaks)
{
	json_t *line;

	if (!leaks)
		return json_null();
	line = build_kinds(leaks);
	json_value__join(&line, json_pack("{s:o, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "heuristics",
					  build_heuristics(leaks), "lower_bound",
					  is_lower_bound(leaks), "limits", build_limits(leaks),
					  "pause_s", json_value__seconds(leaks->pause_s), "since_s",
					  json_value__seconds(leaks->since_s), "scanned_bytes",
					  json_value__whole(leaks->scanned_bytes), "allocator",
					  build_allocator_or_null(leaks), "suppressions",
					  build_suppressions(leaks)));
	return line;
}

json_t *json_leaks__build(const struct process_report *process)
{
	return json_pack("{s:o, s:o}", "leaks", build_leaks_or_null(process->leaks), "leaks_why",
			 json_value__text(process->leaks_why));
}

json_t *json_leaks__of_stack(const struct report_leaks *leaks, const struct report_stack *stack)
{
	json_t *growth = json_null();

	if (leaks->since_s >= 0)
		growth = json_pack("{s:I, s:I}", "bytes", (json_int_t)stack->growth_bytes, "blocks",
				   (json_int_t)stack->growth_blocks);
	return json_pack("{s:o, s:o}", "indirect",
			 build_sum(stack->indirect_bytes, stack->indirect_blocks), "growth",
			 growth);
}
