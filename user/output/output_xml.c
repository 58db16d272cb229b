// SPDX-License-Identifier: GPL-2.0
/*
 * Leak checks in the XML of Valgrind's memcheck, protocol 4 (Valgrind's
 * docs/internals/xml-output-protocol4.txt, and what 3.19 prints): each shown loss record is an
 * <error>. What has no place in the protocol is left out: what is held of a process that nobody
 * checked, what the kernel reclaimed, rankings and totals. A line about what limits a check, or
 * stood against it, is a comment.
 *
 * A document has one <pid>: that of the command, or of the one process of -p, else of the first
 * process that is reported. The errors of all processes are in it, as they come; those of another
 * process say so in an <auxwhat>. <status> FINISHED comes when the process of the <pid> ends,
 * before the errors that were found at its end, as in Valgrind. A process that calls exec goes on.
 * A number that the protocol demands is 0 where it is not known.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/text_units.h"
#include "output/leak_words.h"
#include "output/output.h"
#include "output/xml_errors.h"
#include "output/xml_text.h"
#include "report/losses.h"

#define DAY_S 86400
#define MAX_TIME_S (99999.0 * DAY_S) /* more is shown as this */

struct suppression_count {
	char *name;
	uint64_t records;
};

struct xml_state {
	bool started; /* the preamble is written */
	bool headed; /* all up to RUNNING is written */
	bool finished; /* FINISHED is written */
	pid_t pid, ppid;
	const char *const *command;
	uint64_t nr_errors;
	struct suppression_count *suppressions;
	size_t nr_suppressions, capacity;
};

static void begin(void *state, FILE *out, const struct output_settings *settings)
{
	(void)state;
	(void)settings;
	fputs("<?xml version=\"1.0\"?>\n\n<valgrindoutput>\n\n"
	      "<protocolversion>4</protocolversion>\n<protocoltool>memcheck</protocoltool>\n\n",
	      out);
}

static void print_command(FILE *out, const char *const *command)
{
	fputs("  <line>Command:", out);
	for (size_t i = 0; command[i]; i++) {
		fputc(' ', out);
		xml_text__print(out, command[i]);
	}
	fputs("</line>\n", out);
}

/* start NULL: a document that was begun in the midst of a run. */
static void print_preamble(FILE *out, const struct start_report *start)
{
	fputs("<preamble>\n", out);
	if (start) {
		fputs("  <line>memleak-bpf ", out);
		xml_text__print(out, start->version);
		fputs(", Linux ", out);
		xml_text__print(out, start->kernel);
		fputs("</line>\n", out);
	} else {
		xml_text__element(out, 2, "line", "memleak-bpf");
	}
	for (size_t i = 0; start && start->degraded[i]; i++)
		xml_text__element(out, 2, "line", start->degraded[i]);
	if (start && start->command)
		print_command(out, start->command);
	fputs("</preamble>\n\n", out);
}

static void print_args(FILE *out, const char *const *command, const char *exe)
{
	fputs("<args>\n  <vargv>\n", out);
	xml_text__element(out, 4, "exe", "memleak-bpf");
	fputs("  </vargv>\n  <argv>\n", out);
	xml_text__element(out, 4, "exe", command && command[0] ? command[0] : exe);
	for (size_t i = 1; command && command[0] && command[i]; i++)
		xml_text__element(out, 4, "arg", command[i]);
	fputs("  </argv>\n</args>\n\n", out);
}

/* Time is the process's own, in Valgrind's format: days, hours, minutes, seconds. */
static void print_status(FILE *out, const char *state, double run_s)
{
	double time_s = run_s > MAX_TIME_S ? MAX_TIME_S : run_s > 0 ? run_s : 0;
	uint64_t whole_ms = (uint64_t)(time_s * 1000), whole_s = whole_ms / 1000;

	fprintf(out,
		"<status>\n  <state>%s</state>\n"
		"  <time>%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64
		" </time>\n</status>\n\n",
		state, whole_s / DAY_S, whole_s / 3600 % 24, whole_s / 60 % 60, whole_s % 60,
		whole_ms % 1000);
}

static void print_head(struct xml_state *xml, FILE *out, const char *exe, double run_s)
{
	if (!xml->started)
		print_preamble(out, NULL);
	fprintf(out, "<pid>%d</pid>\n<ppid>%d</ppid>\n<tool>memcheck</tool>\n\n", xml->pid,
		xml->ppid);
	print_args(out, xml->command, exe);
	print_status(out, "RUNNING", run_s);
	xml->started = xml->headed = true;
}

static void report_start(struct xml_state *xml, FILE *out, const struct start_report *start)
{
	if (xml->started)
		return;
	print_preamble(out, start);
	xml->started = true;
	xml->command = start->command;
	xml->pid = start->pid;
	xml->ppid = start->ppid;
	if (xml->pid && xml->command)
		print_head(xml, out, NULL, 0);
}

/* A document without a process of its own takes the first one. */
static void report_first(struct xml_state *xml, FILE *out, const struct process_report *process,
			 bool ended)
{
	if (!xml->pid)
		xml->pid = process->pid;
	if (!xml->ppid && xml->pid == process->pid)
		xml->ppid = process->ppid;
	print_head(xml, out, xml->pid == process->pid ? process->exe : NULL,
		   ended ? 0 : process->run_s);
}

static void print_comment(FILE *out, pid_t pid, const char *before, const char *text)
{
	fprintf(out, "<!-- PID %d: %s", pid, before);
	xml_text__print_comment(out, text);
	fputs(" -->\n", out);
}

/* Says why the errors are not the whole truth, or why there are none. */
static void print_comments(FILE *out, const struct process_report *process)
{
	const struct report_leaks *leaks = process->leaks;

	if (process->leaks_why)
		print_comment(out, process->pid, "leak check not done: ", process->leaks_why);
	for (int i = 0; leaks && i < NR_LEAK_LIMITS; i++)
		if (leaks->limits & leak_limits[i].limit)
			print_comment(out, process->pid, "", leak_limits[i].why);
	for (int i = 0; i < NR_LOSSES; i++) {
		const struct loss_cause *cause = &loss_causes[i];
		char number[96];

		if (!process->lost.by_cause[i])
			continue;
		snprintf(number, sizeof(number), "%s ",
			 text_units__nouns(process->lost.by_cause[i], cause->noun).text);
		print_comment(out, process->pid, number, cause->why);
	}
}

static struct suppression_count *find_suppression(struct xml_state *xml, const char *name)
{
	struct suppression_count *count;

	for (size_t i = 0; i < xml->nr_suppressions; i++)
		if (strcmp(xml->suppressions[i].name, name) == 0)
			return &xml->suppressions[i];
	if (array__reserve(&xml->suppressions, &xml->capacity, xml->nr_suppressions + 1))
		return NULL;
	count = &xml->suppressions[xml->nr_suppressions];
	*count = (struct suppression_count){ .name = strdup(name) };
	if (!count->name)
		return NULL;
	xml->nr_suppressions++;
	return count;
}

/* The counts are written at the end; the names of a report don't live so long. */
static void count_suppressions(struct xml_state *xml, const struct report_leaks *leaks)
{
	for (size_t i = 0; i < leaks->nr_used; i++) {
		const struct report_suppression *used = &leaks->used[i];
		struct suppression_count *count =
			find_suppression(xml, used->name ? used->name : "?");

		if (count)
			count->records += used->records;
		else
			log__error("out of memory: XML lacks how often a suppression was used");
	}
}

static void report_process(struct xml_state *xml, FILE *out, const struct process_report *process,
			   bool ended)
{
	bool is_other;

	if (!xml->headed)
		report_first(xml, out, process, ended);
	is_other = process->pid != xml->pid;
	if (ended && !is_other && !xml->finished && process->end.kind != END_EXEC) {
		print_status(out, "FINISHED", process->run_s);
		xml->finished = true;
	}
	print_comments(out, process);
	if (!process->leaks)
		return;
	xml->nr_errors = xml_errors__print(out, process, is_other, xml->nr_errors);
	count_suppressions(xml, process->leaks);
}

static void report(void *state, FILE *out, const struct report *item)
{
	if (item->kind == REPORT_START)
		report_start(state, out, item->start);
	else if (item->kind == REPORT_EXIT || item->kind == REPORT_OUTSTANDING)
		report_process(state, out, item->process, item->kind == REPORT_EXIT);
}

/* Valgrind counts no leak as an error there: <errorcounts> is always empty. */
static void end(void *state, FILE *out)
{
	struct xml_state *xml = state;

	if (!xml->headed)
		print_head(xml, out, NULL, 0);
	if (!xml->finished)
		print_status(out, "FINISHED", 0);
	fputs("<errorcounts>\n</errorcounts>\n\n<suppcounts>\n", out);
	for (size_t i = 0; i < xml->nr_suppressions; i++) {
		fprintf(out, "  <pair>\n    <count>%" PRIu64 "</count>\n",
			xml->suppressions[i].records);
		xml_text__element(out, 4, "name", xml->suppressions[i].name);
		fputs("  </pair>\n", out);
		free(xml->suppressions[i].name);
	}
	fputs("</suppcounts>\n\n</valgrindoutput>\n\n", out);
	free(xml->suppressions);
}

const struct output_format output_xml = {
	.name = "xml",
	.state_bytes = sizeof(struct xml_state),
	.begin = begin,
	.report = report,
	.end = end,
};
