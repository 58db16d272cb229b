// SPDX-License-Identifier: GPL-2.0
/* See end_filter.h. Used by reporter.c. */
#include "end_filter.h"

#include <fnmatch.h>
#include <string.h>

#include "base/parse_number.h"

static bool add_glob(const struct end_filter *filter, uint16_t *globs, size_t *nr, const char *glob)
{
	if (!*glob || *nr == END_FILTER_MAX_GLOBS)
		return false;
	globs[(*nr)++] = (uint16_t)(glob - filter->text);
	return true;
}

static bool add_uid(struct end_filter *filter, const char *value)
{
	uint64_t uid;

	if (filter->nr_uids == END_FILTER_MAX_GLOBS ||
	    !parse_number__between(value, 0, UINT32_MAX - 1, &uid))
		return false;
	filter->uids[filter->nr_uids++] = (uid_t)uid;
	return true;
}

/* What stands after the start, or NULL. */
static const char *after(const char *term, const char *start)
{
	size_t length = strlen(start);

	return strncmp(term, start, length) != 0 ? NULL : term + length;
}

static bool parse_term(struct end_filter *filter, const char *term)
{
	const char *value;

	if (!strcmp(term, "oom"))
		return filter->oom = true;
	if (!strcmp(term, "signalled"))
		return filter->signalled = true;
	if (!strcmp(term, "failed"))
		return filter->failed = true;
	/* ">" needs quotes in a shell, so it may be left out. */
	if ((value = after(term, "held>=")) || (value = after(term, "held=")))
		return parse_number__size(value, &filter->held_bytes);
	if ((value = after(term, "comm=")))
		return add_glob(filter, filter->comms, &filter->nr_comms, value);
	if ((value = after(term, "unit=")))
		return add_glob(filter, filter->units, &filter->nr_units, value);
	value = after(term, "uid=");
	return value && add_uid(filter, value);
}

bool end_filter__parse(struct end_filter *filter, const char *text)
{
	size_t size = strlen(text) + 1;
	char *rest = filter->text + filter->used, *term;

	if (size > sizeof(filter->text) - filter->used)
		return false;
	memcpy(rest, text, size);
	filter->used += size;
	filter->is_set = true;
	while ((term = strsep(&rest, ",")))
		if (!parse_term(filter, term))
			return false;
	return true;
}

static bool kind_is_shown(const struct end_filter *filter, const struct report_end *end)
{
	if (!filter->oom && !filter->signalled && !filter->failed)
		return true;
	switch (end->kind) {
	case END_OOM:
		return filter->oom || filter->signalled;
	case END_SIGNALLED:
		return filter->signalled;
	case END_EXITED:
		return filter->failed && end->code;
	default:
		return false;
	}
}

static bool matches_any(const struct end_filter *filter, const uint16_t *globs, size_t nr,
			const char *text)
{
	for (size_t i = 0; i < nr; i++)
		if (!fnmatch(filter->text + globs[i], text, 0))
			return true;
	return !nr;
}

/* A unit is a folder of the cgroup's path: /system.slice/redis.service. */
static bool unit_is_shown(const struct end_filter *filter, const char *cgroup)
{
	char folder[256];

	if (!filter->nr_units)
		return true;
	while (cgroup && *cgroup) {
		size_t length = strcspn(cgroup, "/");

		if (length && length < sizeof(folder)) {
			memcpy(folder, cgroup, length);
			folder[length] = '\0';
			if (matches_any(filter, filter->units, filter->nr_units, folder))
				return true;
		}
		cgroup += length + (cgroup[length] == '/');
	}
	return false;
}

static bool uid_is_shown(const struct end_filter *filter, uid_t uid)
{
	for (size_t i = 0; i < filter->nr_uids; i++)
		if (filter->uids[i] == uid)
			return true;
	return !filter->nr_uids;
}

/* Who asks for large ones is not shown those of which nobody knows what they held. */
static bool held_is_shown(const struct end_filter *filter, const struct process_report *process)
{
	return !filter->held_bytes ||
	       (process->has_allocator && process->held_bytes >= filter->held_bytes);
}

bool end_filter__shows(const struct end_filter *filter, const struct process_report *process)
{
	if (!filter->is_set || process->verified == VERDICT_FALSE)
		return true;
	return kind_is_shown(filter, &process->end) && held_is_shown(filter, process) &&
	       matches_any(filter, filter->comms, filter->nr_comms, process->comm) &&
	       unit_is_shown(filter, process->cgroup) && uid_is_shown(filter, process->uid);
}
