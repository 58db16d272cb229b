// SPDX-License-Identifier: GPL-2.0
/* See probe_text.h. Input: the probes that allocators.c and defined_functions.c made. */
#include "allocators/probe_text.h"

#include <stdio.h>

static bool is_ret(const struct allocator_probe *probe)
{
	return probe->function == FUNCTION_NEW_RETURN;
}

enum probe_return probe_text__return(const struct allocator_probe *probe)
{
	switch (probe->function) {
	case FUNCTION_FREE:
	case FUNCTION_DEFINED_FREE:
	case FUNCTION_NEW_RETURN:
		return PROBE_RETURN_NONE;
	case FUNCTION_NEW:
	case FUNCTION_DEFINED_BY_RET:
		return PROBE_RETURN_RETS;
	default:
		return PROBE_RETURN_PROBE;
	}
}

static void write_place(const struct allocator_probe *probe, char *text, size_t size)
{
	unsigned long long offset = probe->file_offset, after = probe->probe_offset - offset;

	if (is_ret(probe))
		snprintf(text, size, "0x%llx", offset);
	else
		snprintf(text, size, "0x%llx+%llu", offset, after);
}

static const char *describe_return(const struct allocator_probe *probe, char *text, size_t size)
{
	switch (probe_text__return(probe)) {
	case PROBE_RETURN_PROBE:
		return "return probe";
	case PROBE_RETURN_RETS:
		snprintf(text, size, "%u ret%s", probe->nr_rets, probe->nr_rets == 1 ? "" : "s");
		return text;
	case PROBE_RETURN_NONE:
		break;
	}
	return is_ret(probe) ? "a ret of it" : "";
}

void probe_text__write(const struct allocator_probe *probe, char text[PROBE_TEXT_BYTES])
{
	bool slow = !is_ret(probe) && !probe->emulated;
	char place[48], rets[32];
	const char *seen = describe_return(probe, rets, sizeof(rets));

	write_place(probe, place, sizeof(place));
	if (*seen || slow)
		snprintf(text, PROBE_TEXT_BYTES, "%-24s %-13s %-14s %s%s%s", probe->symbol, place,
			 probe->found_in, seen, *seen && slow ? ", " : "", slow ? "slow" : "");
	else
		snprintf(text, PROBE_TEXT_BYTES, "%-24s %-13s %s", probe->symbol, place,
			 probe->found_in);
}
