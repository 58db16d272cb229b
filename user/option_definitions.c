// SPDX-License-Identifier: GPL-2.0
/* See option_definitions.h. Used by option_table.c and main.c. */
#include "option_definitions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "allocators/defined_functions.h"
#include "base/log.h"

#define LINE_BYTES 512

static int add_option(struct option_parser *parser, const char *shown, enum definition_kind kind,
		      const char *text)
{
	struct options *options = parser->options;

	if (options->nr_definitions == OPTIONS_MAX_DEFINITIONS)
		return option_parser__refuse(
			parser,
			"%s: --alloc, --free and --definitions can be given %d times in all", shown,
			OPTIONS_MAX_DEFINITIONS);
	options->definitions[options->nr_definitions++] =
		(struct option_definition){ .kind = kind, .text = text };
	return 0;
}

int option_definitions__alloc(struct option_parser *parser, const struct option_entry *entry,
			      const char *shown, char *value)
{
	struct definition definition;
	const char *wrong = definition__parse_alloc(value, &definition);

	(void)entry;
	if (wrong)
		return option_parser__refuse(
			parser,
			"%s takes a function such as 'libpool.so:pool_get(size=1) -> ret', not " QUOTED
			": %s",
			shown, value, wrong);
	return add_option(parser, shown, DEFINITION_ALLOC, value);
}

int option_definitions__free(struct option_parser *parser, const struct option_entry *entry,
			     const char *shown, char *value)
{
	struct definition definition;
	const char *wrong = definition__parse_free(value, &definition);

	(void)entry;
	if (wrong)
		return option_parser__refuse(
			parser,
			"%s takes a function such as 'libpool.so:pool_put(1)', not " QUOTED ": %s",
			shown, value, wrong);
	return add_option(parser, shown, DEFINITION_FREE, value);
}

int option_definitions__file(struct option_parser *parser, const struct option_entry *entry,
			     const char *shown, char *value)
{
	(void)entry;
	if (!*value)
		return option_parser__refuse(parser, "%s takes the name of a file", shown);
	return add_option(parser, shown, DEFINITION_FILE, value);
}

/* Returns what is wrong, or NULL. */
static const char *add(const struct definition *definition)
{
	int err = defined_functions__add(definition);

	if (err == -EEXIST)
		return "the function is defined already";
	return err ? "that is one definition too many (32 in all)" : NULL;
}

static const char *take_line(const char *line)
{
	struct definition definition;
	const char *wrong = definition__parse_line(line, &definition);

	return wrong || !*definition.function ? wrong : add(&definition);
}

static int take_lines(const char *name, FILE *file)
{
	char line[LINE_BYTES];
	const char *wrong = NULL;
	unsigned int number = 0;

	while (!wrong && fgets(line, sizeof(line), file)) {
		size_t length = strcspn(line, "\n");

		number++;
		if (!line[length] && !feof(file))
			wrong = "the line is longer than 510 characters, or holds a zero byte";
		line[length] = '\0';
		if (!wrong)
			wrong = take_line(line);
	}
	if (wrong)
		log__error("%s:%u: %s", name, number, wrong);
	else if (ferror(file))
		log__error("cannot read the definitions of %s: %s", name, strerror(errno));
	return wrong || ferror(file) ? STATUS_USAGE : STATUS_OK;
}

static int take_file(const char *name)
{
	FILE *file = fopen(name, "re");
	int status;

	if (!file) {
		log__error("cannot read the definitions of %s: %s", name, strerror(errno));
		return STATUS_USAGE;
	}
	status = take_lines(name, file);
	fclose(file);
	return status;
}

static int take(const struct option_definition *given)
{
	struct definition definition;
	const char *wrong;

	switch (given->kind) {
	case DEFINITION_FILE:
		return take_file(given->text);
	case DEFINITION_ALLOC:
		definition__parse_alloc(given->text, &definition);
		break;
	case DEFINITION_FREE:
		definition__parse_free(given->text, &definition);
		break;
	}
	wrong = add(&definition);
	if (wrong)
		log__error(QUOTED ": %s", given->text, wrong);
	return wrong ? STATUS_USAGE : STATUS_OK;
}

int option_definitions__take(const struct options *options)
{
	int status = STATUS_OK;

	for (size_t i = 0; i < options->nr_definitions && status == STATUS_OK; i++)
		status = take(&options->definitions[i]);
	return status;
}
