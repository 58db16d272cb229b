// SPDX-License-Identifier: GPL-2.0
/* See definition.h. Called by option_definitions.c. */
#include "allocators/definition.h"

#include <string.h>

static const char *skip_spaces(const char *at)
{
	return at + strspn(at, " \t");
}

/* Passes over the word if it is next. */
static bool take(const char **at, const char *word)
{
	const char *here = skip_spaces(*at);
	size_t length = strlen(word);

	if (strncmp(here, word, length) != 0)
		return false;
	*at = here + length;
	return true;
}

/* The number of an argument: one digit. */
static bool take_argument(const char **at, unsigned char *argument)
{
	const char *here = skip_spaces(*at);

	if (*here < '1' || *here > '0' + DEFINITION_ARGUMENTS || (here[1] >= '0' && here[1] <= '9'))
		return false;
	*argument = (unsigned char)(*here - '0');
	*at = here + 1;
	return true;
}

/* Copies what stands before the end, without the spaces around it. */
static bool take_name(const char **at, const char *end, char *name, size_t max)
{
	const char *here = skip_spaces(*at);
	size_t length = (size_t)(end - here);

	while (length && (here[length - 1] == ' ' || here[length - 1] == '\t'))
		length--;
	if (end <= here || !length || length > max)
		return false;
	memcpy(name, here, length);
	name[length] = '\0';
	*at = end + 1;
	return true;
}

/* "OBJECT:FUNCTION(". A path may hold colons, a C++ symbol none. */
static const char *take_function(const char **at, struct definition *definition)
{
	const char *bracket = strchr(*at, '('), *colon;

	if (!bracket)
		return "there is no ( after the function";
	colon = memrchr(*at, ':', (size_t)(bracket - *at));
	if (!colon)
		return "there is no : between the object and the function";
	if (!take_name(at, colon, definition->object, DEFINITION_OBJECT_MAX))
		return "the object has no name, or one of more than 127 characters";
	if (!take_name(at, bracket, definition->function, DEFINITION_FUNCTION_MAX))
		return "the function has no name, or one of more than 127 characters";
	return NULL;
}

/* "size=1", "count=1, size=2" or nothing, up to the bracket. */
static const char *take_sizes(const char **at, struct definition *definition)
{
	if (take(at, ")"))
		return NULL;
	do {
		unsigned char *argument = take(at, "size")  ? &definition->size :
					  take(at, "count") ? &definition->count :
							      NULL;

		if (!argument)
			return "in brackets stand size=N, or count=N and size=N, or nothing";
		if (*argument)
			return "size and count can be given once";
		if (!take(at, "=") || !take_argument(at, argument))
			return "size= and count= take the number of an argument, 1 to 6";
	} while (take(at, ","));
	if (!take(at, ")"))
		return "there is no ) after the arguments";
	return definition->count && !definition->size ? "count=N needs size=N" : NULL;
}

static const char *take_result(const char **at, struct definition *definition)
{
	if (!take(at, "->"))
		return "there is no -> before where the block comes from";
	if (take(at, "ret"))
		return NULL;
	if (take(at, "*") && take_argument(at, &definition->block))
		return NULL;
	return "after -> stands ret, or *N for the place that argument N (1 to 6) points to";
}

static const char *expect_end(const char *at)
{
	return *skip_spaces(at) ? "something follows that does not belong there" : NULL;
}

const char *definition__parse_alloc(const char *text, struct definition *definition)
{
	const char *wrong;

	*definition = (struct definition){ .frees = false };
	wrong = take_function(&text, definition);
	if (!wrong)
		wrong = take_sizes(&text, definition);
	if (!wrong)
		wrong = take_result(&text, definition);
	return wrong ? wrong : expect_end(text);
}

const char *definition__parse_free(const char *text, struct definition *definition)
{
	const char *wrong;

	*definition = (struct definition){ .frees = true };
	wrong = take_function(&text, definition);
	if (wrong)
		return wrong;
	if (!take_argument(&text, &definition->block) || !take(&text, ")"))
		return "in brackets stands the number of the argument that is given back, 1 to 6";
	return expect_end(text);
}

const char *definition__parse_line(const char *line, struct definition *definition)
{
	line = skip_spaces(line);
	*definition = (struct definition){ .frees = false };
	if (!*line || *line == '#')
		return NULL;
	if (take(&line, "alloc ") || take(&line, "alloc\t"))
		return definition__parse_alloc(line, definition);
	if (take(&line, "free ") || take(&line, "free\t"))
		return definition__parse_free(line, definition);
	return "a line begins with alloc, free or #";
}
