// SPDX-License-Identifier: GPL-2.0
/* See command_words.h. Called by elf_closure.c with a command's words, or with those of "#!" lines.
 */
#include "elf/command_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS " \t\r\n;&|()"
#define QUOTES "\"'"

struct words {
	struct elf_closure_environment environment;
	const char *option; /* of a dynamic loader, which the next word is the value of; or NULL */
	int (*look)(const char *word, const struct elf_closure_environment *environment,
		    void *context);
	void *context;
};

/* Returns the value of a NAME=VALUE word, or NULL when the word is something else. */
static const char *assigned_value(const char *word, size_t *name_length)
{
	const char *at = word;

	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	*name_length = (size_t)(at - word);
	return *at == '=' && at > word && !isdigit((unsigned char)*word) ? at + 1 : NULL;
}

static void assign(struct elf_closure_environment *environment, const char *name, size_t length,
		   const char *value)
{
	const struct {
		const char *name;
		const char **value;
	} variables[] = {
		{ "LD_LIBRARY_PATH", &environment->library_path },
		{ "LD_PRELOAD", &environment->preload },
		{ "PATH", &environment->search_path },
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if (strlen(variables[i].name) == length && !memcmp(variables[i].name, name, length))
			*variables[i].value = value;
}

/*
 * The variable that an option of a dynamic loader stands for, as in "ld.so --library-path LIST
 * PROGRAM"; NULL for other words. musl's loader takes "=LIST", too: then *value is set.
 */
static const char *loader_variable(const char *word, const char **value)
{
	static const struct {
		const char *option, *variable;
	} options[] = {
		{ "--library-path", "LD_LIBRARY_PATH" },
		{ "--preload", "LD_PRELOAD" },
	};

	*value = NULL;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		size_t length = strlen(options[i].option);

		if (strncmp(word, options[i].option, length) != 0)
			continue;
		if (word[length] == '=')
			*value = word + length + 1;
		if (*value || !word[length])
			return options[i].variable;
	}
	return NULL;
}

static int read_word(struct words *words, const char *word)
{
	const char *option = words->option, *value;
	size_t name_length;

	words->option = NULL;
	if (option) {
		assign(&words->environment, option, strlen(option), word);
		return 0;
	}
	option = loader_variable(word, &value);
	if (value)
		assign(&words->environment, option, strlen(option), value);
	else
		words->option = option;
	value = assigned_value(word, &name_length);
	if (value)
		assign(&words->environment, word, name_length, value);
	if (value || !*word || *word == '-')
		return 0;
	return words->look(word, &words->environment, words->context);
}

/*
 * The text of "sh -c TEXT" or "env -S TEXT", or of the one word "-STEXT" that "#!" lines have; NULL
 * for other words.
 */
static const char *text_in(const char *before, const char *word)
{
	size_t length = strlen(before);

	if (!strncmp(word, "-S", 2) && word[2])
		return word + 2;
	return *before == '-' && (before[length - 1] == 'c' || before[length - 1] == 'S') ? word :
											    NULL;
}

static void drop_quotes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (!strchr(QUOTES, *from))
			*to++ = *from;
	*to = '\0';
}

/* Nothing is expanded as a shell would do it: a word that needs expansion is not found. */
static int read_text(struct words *words, const char *text)
{
	const struct elf_closure_environment outside = words->environment;
	char *copy = strdup(text), *rest = NULL;
	int result = 0;

	if (!copy)
		return -ENOMEM;
	drop_quotes(copy);
	for (const char *word = strtok_r(copy, SEPARATORS, &rest); word && !result;
	     word = strtok_r(NULL, SEPARATORS, &rest))
		result = read_word(words, word);
	words->environment = outside;
	words->option = NULL;
	free(copy);
	return result;
}

int command_words__each(const char *const *arguments,
			const struct elf_closure_environment *environment,
			int (*look)(const char *word,
				    const struct elf_closure_environment *environment,
				    void *context),
			void *context)
{
	struct words words = { .environment = *environment, .look = look, .context = context };
	int result = 0;

	for (size_t i = 0; arguments && arguments[i] && !result; i++) {
		const char *text = text_in(i ? arguments[i - 1] : "", arguments[i]);

		result = text ? read_text(&words, text) : read_word(&words, arguments[i]);
	}
	return result;
}
