// SPDX-License-Identifier: GPL-2.0
/* See resident.h. proc(5) has the lines. The kernel escapes newlines in the name, which is first. */
#include "base/resident.h"

#include <string.h>

#include "base/living_thread.h"
#include "base/parse_number.h"

/* "RssAnon:	     172 kB" */
static void parse_line(const char *line, const char *label, figure *bytes)
{
	size_t length = strlen(label), digits;
	uint64_t kib;

	if (strncmp(line, label, length) != 0)
		return;
	line += length;
	line += strspn(line, " \t");
	digits = strspn(line, "0123456789");
	if (!strcmp(line + digits, " kB\n") && parse_number__whole(line, digits, &kib) &&
	    kib <= (uint64_t)INT64_MAX / 1024)
		*bytes = (figure)(kib * 1024);
}

struct resident resident__parse(FILE *status)
{
	struct resident resident = { FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN,
				     FIGURE_UNKNOWN };
	char line[256];

	while (fgets(line, sizeof(line), status)) {
		parse_line(line, "RssAnon:", &resident.anon_bytes);
		parse_line(line, "RssFile:", &resident.file_bytes);
		parse_line(line, "RssShmem:", &resident.shmem_bytes);
		parse_line(line, "VmSwap:", &resident.swap_bytes);
	}
	return resident;
}

struct resident resident__read(pid_t tgid)
{
	struct resident resident = { FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN,
				     FIGURE_UNKNOWN };
	FILE *status = living_thread__open(tgid, "status");

	if (!status)
		return resident;
	resident = resident__parse(status);
	fclose(status);
	return resident;
}
