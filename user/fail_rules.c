// SPDX-License-Identifier: GPL-2.0
/* See fail_rules.h. Reports come from reporter.c; monitor.c tells what was broken. */
#include "fail_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/parse_number.h"
#include "base/text_units.h"
#include "leaks/leak_kind.h"
#include "report/losses.h"

static const char *const names[NR_FAIL_RULES] = {
	[FAIL_HELD] = "held", [FAIL_DEFINITE] = "definite",	[FAIL_POSSIBLE] = "possible",
	[FAIL_KEPT] = "kept", [FAIL_UNVERIFIED] = "unverified", [FAIL_LOST] = "lost",
};

static bool parse_word(struct fail_rules *rules, const char *word)
{
	if (!strncmp(word, "held=", strlen("held="))) {
		rules->is_set[FAIL_HELD] = true;
		return parse_number__size(word + strlen("held="), &rules->held_bytes);
	}
	for (int i = 0; i < NR_FAIL_RULES; i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		rules->is_set[i] = true;
		return true;
	}
	return false;
}

bool fail_rules__parse(struct fail_rules *rules, const char *text)
{
	char word[64];

	for (;;) {
		size_t length = strcspn(text, ",");

		if (length >= sizeof(word))
			return false;
		memcpy(word, text, length);
		word[length] = '\0';
		if (!parse_word(rules, word))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

bool fail_rules__any(const struct fail_rules *rules)
{
	for (int i = 0; i < NR_FAIL_RULES; i++)
		if (rules->is_set[i])
			return true;
	return false;
}

/* Counts it, and returns whether it is the first, which is to be described. */
static bool add(struct broken_rules *broken, enum fail_rule rule)
{
	return !broken->times[rule]++;
}

static void add_held(struct broken_rules *broken, const struct fail_rules *rules,
		     const struct process_report *process)
{
	if (!process->has_allocator) {
		broken->unknown_held++;
		return;
	}
	if (!process->held_blocks || process->held_bytes < rules->held_bytes)
		return;
	if (add(broken, FAIL_HELD))
		snprintf(broken->first[FAIL_HELD], sizeof(broken->first[FAIL_HELD]),
			 "PID %d (%s) held %s at its end", process->pid, process->comm,
			 text_units__held(process->held_bytes, process->held_blocks).text);
}

static void add_unverified(struct broken_rules *broken, const struct process_report *process)
{
	if (process->verified != VERDICT_TRUE && add(broken, FAIL_UNVERIFIED))
		snprintf(broken->first[FAIL_UNVERIFIED], sizeof(broken->first[FAIL_UNVERIFIED]),
			 process->verified == VERDICT_FALSE ?
				 "not all memory of PID %d (%s) was reclaimed" :
				 "it is not known whether all memory of PID %d (%s) was reclaimed",
			 process->pid, process->comm);
}

static void add_kept(struct broken_rules *broken, const struct process_report *process)
{
	if (process->stays.nr_kept && add(broken, FAIL_KEPT))
		snprintf(broken->first[FAIL_KEPT], sizeof(broken->first[FAIL_KEPT]),
			 "shared memory outlives PID %d (%s): %.60s", process->pid, process->comm,
			 process->stays.kept[0].name ? process->stays.kept[0].name :
						       process->stays.kept[0].kind);
}

void broken_rules__add_end(struct broken_rules *broken, const struct fail_rules *rules,
			   const struct process_report *process)
{
	if (rules->is_set[FAIL_UNVERIFIED])
		add_unverified(broken, process);
	if (process->end.kind == END_EXEC)
		return;
	if (rules->is_set[FAIL_HELD])
		add_held(broken, rules, process);
	if (rules->is_set[FAIL_KEPT])
		add_kept(broken, process);
}

void broken_rules__add_lost(struct broken_rules *broken, const struct fail_rules *rules,
			    const struct report_lost *lost)
{
	for (int i = 0; i < NR_LOSSES && rules->is_set[FAIL_LOST]; i++) {
		if (!lost->by_cause[i] || !add(broken, FAIL_LOST))
			continue;
		snprintf(broken->first[FAIL_LOST], sizeof(broken->first[FAIL_LOST]), "lost %s %s",
			 text_units__nouns(lost->by_cause[i], loss_causes[i].noun).text,
			 loss_causes[i].why);
	}
}

void broken_rules__add_leaks(struct broken_rules *broken, const struct fail_rules *rules,
			     unsigned int kinds)
{
	static const char found[] = "a leak check found such blocks";

	if (rules->is_set[FAIL_DEFINITE] && kinds & LEAK_KIND_BIT(LEAK_DEFINITE) &&
	    add(broken, FAIL_DEFINITE))
		memcpy(broken->first[FAIL_DEFINITE], found, sizeof(found));
	if (rules->is_set[FAIL_POSSIBLE] && kinds & LEAK_KIND_BIT(LEAK_POSSIBLE) &&
	    add(broken, FAIL_POSSIBLE))
		memcpy(broken->first[FAIL_POSSIBLE], found, sizeof(found));
}

bool broken_rules__tell(const struct broken_rules *broken, enum fail_rule rule, char *line,
			size_t size)
{
	int length;

	if (!broken->times[rule])
		return false;
	length = snprintf(line, size, "--fail-on %s: %s", names[rule], broken->first[rule]);
	if (broken->times[rule] > 1 && length > 0 && (size_t)length < size)
		snprintf(line + length, size - (size_t)length, ", and %s more",
			 text_units__count(broken->times[rule] - 1).text);
	return true;
}
