// SPDX-License-Identifier: GPL-2.0
/*
 * See debuggers.h. Called by monitor_setup.c before probes are attached and before they are
 * removed.
 */
#include "probes/guard/debuggers.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "leaks/tracing_process.h"
#include "probes/guard/process_view.h"
#include "base/sanitize_text.h"

#define NAME_BYTES 32

struct debugged {
	pid_t tgid, by;
	char name[NAME_BYTES]; /* the debugger's */
	size_t nr;
};

/* The process that traces tgid by ptrace, or 0. */
static pid_t debugger_of(pid_t tgid)
{
	char path[64], line[256];
	FILE *status;
	int by = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tgid);
	status = fopen(path, "re");
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "TracerPid: %d", &by) == 1)
			break;
	fclose(status);
	return by;
}

static void read_name(pid_t tgid, char *name)
{
	char path[64];
	FILE *comm;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tgid);
	comm = fopen(path, "re");
	if (!comm || !fgets(name, NAME_BYTES, comm))
		*name = '\0';
	if (comm)
		fclose(comm);
	name[strcspn(name, "\n")] = '\0';
}

static void visit(pid_t tgid, void *context)
{
	struct debugged *debugged = context;
	char name[NAME_BYTES];
	pid_t by = debugger_of(tgid);

	if (!by)
		return;
	read_name(by, name);
	/* These set no breakpoints; the second is the leak check of another memleak-bpf. */
	if (!strcmp(name, "strace") || !strcmp(name, TRACING_PROCESS_NAME))
		return;
	if (!debugged->nr++) {
		debugged->tgid = tgid;
		debugged->by = by;
		memcpy(debugged->name, name, sizeof(name));
	}
}

void debuggers__warn(const pid_t *tgids, size_t nr, bool ending)
{
	struct debugged debugged = { .nr = 0 };
	char more[48] = "";

	for (size_t i = 0; tgids && i < nr; i++)
		visit(tgids[i], &debugged);
	if (!tgids)
		process_view__each_process(visit, &debugged);
	if (!debugged.nr)
		return;
	if (debugged.nr > 1)
		snprintf(more, sizeof(more), " (and %zu more)", debugged.nr - 1);
	if (ending)
		log__warning(
			"PID %d%s is debugged by PID %d (%s), and is ended by SIGTRAP if the debugger set a breakpoint on an allocator function while it was traced",
			(int)debugged.tgid, more, (int)debugged.by, debugged.name);
	else
		log__warning(
			"PID %d%s is debugged by PID %d (%s): a breakpoint that the debugger has on an allocator function doesn't work now and hides calls; SIGTRAP ends the process if it is not deleted before the tracing ends",
			(int)debugged.tgid, more, (int)debugged.by, debugged.name);
}
