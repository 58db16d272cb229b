// SPDX-License-Identifier: GPL-2.0
/* See option_leaks.h. Used by option_table.c and options.c. The words are Valgrind's. */
#include "option_leaks.h"

#include <errno.h>
#include <string.h>

#include "base/parse_number.h"
#include "leaks/leak_kind.h"

struct set_word {
	const char *name;
	unsigned int bit;
};

static const struct set_word kind_words[] = {
	{ "definite", LEAK_KIND_BIT(LEAK_DEFINITE) },
	{ "indirect", LEAK_KIND_BIT(LEAK_INDIRECT) },
	{ "possible", LEAK_KIND_BIT(LEAK_POSSIBLE) },
	{ "reachable", LEAK_KIND_BIT(LEAK_REACHABLE) },
	{ NULL, 0 },
};

static const struct set_word heuristic_words[] = {
	{ "stdstring", LEAK_HEURISTIC_BIT(HEURISTIC_STDSTRING) },
	{ "length64", LEAK_HEURISTIC_BIT(HEURISTIC_LENGTH64) },
	{ "newarray", LEAK_HEURISTIC_BIT(HEURISTIC_NEWARRAY) },
	{ "multipleinheritance", LEAK_HEURISTIC_BIT(HEURISTIC_MULTIPLE_INHERITANCE) },
	{ NULL, 0 },
};

/* 0: the word, which ends at length, is none of them. */
static unsigned int bit_of(const struct set_word *words, const char *word, size_t length)
{
	for (; words->name; words++) {
		if (strlen(words->name) == length && strncmp(words->name, word, length) == 0)
			return words->bit;
	}
	return 0;
}

/* "all", "none", or words with commas between. */
static bool parse_set(const struct set_word *words, const char *value, unsigned int *set)
{
	*set = 0;
	if (strcmp(value, "none") == 0)
		return true;
	if (strcmp(value, "all") == 0) {
		for (; words->name; words++)
			*set |= words->bit;
		return true;
	}
	for (;;) {
		size_t length = strcspn(value, ",");
		unsigned int bit = bit_of(words, value, length);

		if (!bit)
			return false;
		*set |= bit;
		if (!value[length])
			return true;
		value += length + 1;
	}
}

/* The first option that only shapes a leak check is the one that errors name. */
static void note_detail(struct option_parser *parser, const struct option_entry *entry)
{
	if (!parser->leak_detail)
		parser->leak_detail = entry->name;
}

int option_leaks__check(struct option_parser *parser, const struct option_entry *entry,
			const char *shown, char *value)
{
	enum leak_check *check = &parser->options->leak_check;

	(void)entry;
	parser->leak_check_given = true;
	if (strcmp(value, "no") == 0)
		*check = LEAK_CHECK_NO;
	else if (strcmp(value, "summary") == 0)
		*check = LEAK_CHECK_SUMMARY;
	else if (strcmp(value, "full") == 0 || strcmp(value, "yes") == 0)
		*check = LEAK_CHECK_FULL;
	else
		return option_parser__refuse(parser, "%s takes " LEAK_CHECKS ", not " QUOTED, shown,
					     value);
	return 0;
}

int option_leaks__kinds(struct option_parser *parser, const struct option_entry *entry,
			const char *shown, char *value)
{
	note_detail(parser, entry);
	if (!parse_set(kind_words, value, option_parser__field(parser, entry)))
		return option_parser__refuse(
			parser,
			"%s takes all, none, or some of definite,indirect,possible,reachable, "
			"not " QUOTED,
			shown, value);
	return 0;
}

int option_leaks__error_kinds(struct option_parser *parser, const struct option_entry *entry,
			      const char *shown, char *value)
{
	parser->error_kinds_given = true;
	return option_leaks__kinds(parser, entry, shown, value);
}

int option_leaks__heuristics(struct option_parser *parser, const struct option_entry *entry,
			     const char *shown, char *value)
{
	note_detail(parser, entry);
	if (!parse_set(heuristic_words, value, &parser->options->leak_heuristics))
		return option_parser__refuse(
			parser,
			"%s takes all, none, or some of stdstring,length64,newarray,"
			"multipleinheritance, not " QUOTED,
			shown, value);
	return 0;
}

int option_leaks__suppressions(struct option_parser *parser, const struct option_entry *entry,
			       const char *shown, char *value)
{
	struct options *options = parser->options;

	note_detail(parser, entry);
	if (!*value)
		return option_parser__refuse(parser, "%s takes a %s, not ''", shown, entry->value);
	if (options->nr_suppressions == OPTIONS_MAX_SUPPRESSIONS)
		return option_parser__refuse(parser, "%s can be given at most %d times", shown,
					     OPTIONS_MAX_SUPPRESSIONS);
	options->suppressions[options->nr_suppressions++] = value;
	return 0;
}

/* One of two words. Returns whether it was. */
static bool parse_switch(const char *value, const char *on, bool *is_on)
{
	*is_on = strcmp(value, on) == 0;
	return *is_on || strcmp(value, "no") == 0;
}

int option_leaks__generate(struct option_parser *parser, const struct option_entry *entry,
			   const char *shown, char *value)
{
	(void)entry;
	if (!parse_switch(value, "all", &parser->options->gen_suppressions))
		return option_parser__refuse(parser, "%s takes no or all, not " QUOTED, shown,
					     value);
	return 0;
}

int option_leaks__fail_on(struct option_parser *parser, const struct option_entry *entry,
			  const char *shown, char *value)
{
	(void)entry;
	if (!fail_rules__parse(&parser->options->fail_on, value))
		return option_parser__refuse(parser, "%s takes " FAIL_RULES ", not " QUOTED, shown,
					     value);
	return 0;
}

int option_leaks__xml(struct option_parser *parser, const struct option_entry *entry,
		      const char *shown, char *value)
{
	(void)entry;
	if (!parse_switch(value, "yes", &parser->options->xml))
		return option_parser__refuse(parser, "%s takes yes or no, not " QUOTED, shown,
					     value);
	return 0;
}

int option_leaks__exit_code(struct option_parser *parser, const struct option_entry *entry,
			    const char *shown, char *value)
{
	uint64_t code;

	if (!parse_number__between(value, entry->min, entry->max, &code))
		return option_parser__refuse(
			parser, "%s takes an exit status from %llu to %llu, not " QUOTED, shown,
			(unsigned long long)entry->min, (unsigned long long)entry->max, value);
	parser->options->error_exitcode = (int)code;
	return 0;
}

void option_leaks__set_defaults(struct options *options)
{
	options->show_leak_kinds = LEAK_KINDS_LOST;
	options->error_leak_kinds = LEAK_KINDS_LOST;
	options->leak_heuristics = LEAK_HEURISTICS_ALL;
}

int option_leaks__refuse_zero(struct option_parser *parser)
{
	return option_parser__refuse(parser, INTERVAL_TAKES
				     ", not '0'; one leak check at once: -p PID --leak-check=full "
				     "0 1");
}

/* XML is the format of a leak check, and one document. */
static int complete_xml(struct option_parser *parser)
{
	struct options *options = parser->options;

	if (!options->xml) {
		if (options->xml_path)
			return option_parser__refuse(parser, "--xml-file goes with --xml=yes only");
		return 0;
	}
	if (!parser->leak_check_given)
		options->leak_check = LEAK_CHECK_FULL;
	if (!options->leak_check)
		return option_parser__refuse(
			parser, "--xml=yes reports a leak check: not with --leak-check=no");
	if (options->json)
		return option_parser__refuse(parser, "--xml=yes and --json exclude each other");
	if (options->trace)
		return option_parser__refuse(parser, "-t has no form in XML: not with --xml=yes");
	if (options->append)
		return option_parser__refuse(
			parser, "--append would put two XML documents into one file: not with "
				"--xml=yes");
	if (options->xml_path && options->nr_outputs)
		return option_parser__refuse(parser, "-w and --xml-file exclude each other: both "
						     "say where reports go");
	if (options->xml_path)
		options->output_paths[options->nr_outputs++] = options->xml_path;
	return 0;
}

/* Without a leak check: the options that would do nothing. */
static int refuse_details(struct option_parser *parser)
{
	const struct options *options = parser->options;
	const char *detail = parser->leak_detail;

	if (options->error_exitcode && !fail_rules__any(&options->fail_on))
		detail = "error-exitcode";
	else if (!detail && options->gen_suppressions)
		detail = "gen-suppressions";
	if (detail)
		return option_parser__refuse(
			parser, "--%s is for leak checks: add --leak-check=full", detail);
	return options->once ? option_leaks__refuse_zero(parser) : 0;
}

/* With --fail-on, only what it names counts. */
static int complete_fail_on(struct option_parser *parser)
{
	struct options *options = parser->options;
	const struct fail_rules *rules = &options->fail_on;
	bool leaks = rules->is_set[FAIL_DEFINITE] || rules->is_set[FAIL_POSSIBLE];

	if (!fail_rules__any(rules))
		return 0;
	if (parser->error_kinds_given)
		return option_parser__refuse(
			parser, "--fail-on and --errors-for-leak-kinds both say what is a failure: "
				"give one of them");
	if (leaks && !parser->leak_check_given)
		options->leak_check = LEAK_CHECK_FULL;
	if (leaks && !options->leak_check)
		return option_parser__refuse(
			parser, "--fail-on definite or possible needs a leak check: not with "
				"--leak-check=no");
	if (!options->error_exitcode)
		options->error_exitcode = 1;
	options->error_leak_kinds =
		(rules->is_set[FAIL_DEFINITE] ? LEAK_KIND_BIT(LEAK_DEFINITE) : 0) |
		(rules->is_set[FAIL_POSSIBLE] ? LEAK_KIND_BIT(LEAK_POSSIBLE) : 0);
	return 0;
}

int option_leaks__complete(struct option_parser *parser)
{
	const struct options *options = parser->options;
	int error = complete_xml(parser);

	if (!error)
		error = complete_fail_on(parser);
	if (error)
		return error;
	if (!options->leak_check)
		return refuse_details(parser);
	if (options->features)
		return option_parser__refuse(parser,
					     "--features traces nothing: no leak check with it");
	if (options->xml && options->mode == MODE_SYSTEM)
		return option_parser__refuse(
			parser, "XML has no form for the whole system: -p PID or -- COMMAND with "
				"--xml=yes");
	if (options->min_size_bytes || options->max_size_bytes != UINT64_MAX)
		return option_parser__refuse(
			parser, "-z and -Z don't go with --leak-check: a block that is not "
				"recorded can hold the only pointer to one that is");
	if (options->min_age_s > 0)
		return option_parser__refuse(
			parser, "-o does not go with --leak-check, which classifies blocks of "
				"every age");
	if (options->gen_suppressions && options->leak_check != LEAK_CHECK_FULL)
		return option_parser__refuse(
			parser, "--gen-suppressions writes one for each stack that is shown: it "
				"needs --leak-check=full");
	if (parser->error_kinds_given && !options->error_exitcode)
		return option_parser__refuse(
			parser, "--errors-for-leak-kinds says what --error-exitcode is for: add "
				"--error-exitcode=1");
	if (options->once && options->mode != MODE_PID)
		return option_leaks__refuse_zero(parser);
	return 0;
}
