// SPDX-License-Identifier: GPL-2.0
/*
 * The rules are those of glibc's elf/dl-load.c (fillin_rpath, _dl_dst_substitute). musl knows
 * $ORIGIN alone and rejects the other tokens; expanding them anyway costs only a look into one more
 * folder.
 */
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "elf/library_path.h"

#if defined(__x86_64__)
/*
 * $LIB as Debian, Fedora and Arch set it; the two processor names are those of glibc 2.26 to 2.36.
 */
static const char *const lib_values[] = { "lib/x86_64-linux-gnu", "lib64", "lib" };
static const char *const platform_values[] = { "x86_64", "haswell", "xeon_phi" };
#else
static const char *const lib_values[] = { "lib/aarch64-linux-gnu", "lib64", "lib" };
static const char *const platform_values[] = { "aarch64" };
#endif

#define NR_OF(array) (sizeof(array) / sizeof(*(array)))

struct token {
	const char *name;
	const char *value;
};

enum { TOKEN_ORIGIN, TOKEN_LIB, TOKEN_PLATFORM, NR_TOKENS };

struct buffer {
	char text[PATH_MAX];
	size_t length;
	bool overflow;
};

static void append(struct buffer *to, const char *text, size_t length)
{
	if (length >= sizeof(to->text) - to->length) {
		to->overflow = true;
		return;
	}
	memcpy(to->text + to->length, text, length);
	to->length += length;
	to->text[to->length] = '\0';
}

/* How many characters at text spell "$NAME" or "${NAME}"; 0 when they don't. */
static size_t match_token(const char *text, size_t length, const char *name)
{
	size_t name_length = strlen(name);
	bool braces = length > 1 && text[1] == '{';
	size_t total = 1 + name_length + (braces ? 2 : 0);

	if (length < total || text[0] != '$' ||
	    memcmp(text + (braces ? 2 : 1), name, name_length) != 0)
		return 0;
	if (braces)
		return text[total - 1] == '}' ? total : 0;
	/* $LIBRARY is not $LIB. */
	return total < length && (isalnum((unsigned char)text[total]) || text[total] == '_') ?
		       0 :
		       total;
}

static bool mentions(const char *element, size_t length, const char *name)
{
	for (size_t i = 0; i < length; i++)
		if (match_token(element + i, length - i, name))
			return true;
	return false;
}

static void substitute(struct buffer *to, const char *element, size_t length,
		       const struct token tokens[NR_TOKENS])
{
	size_t i = 0;

	while (i < length) {
		size_t matched = 0;

		for (size_t t = 0; t < NR_TOKENS && !matched; t++) {
			matched = match_token(element + i, length - i, tokens[t].name);
			if (matched)
				append(to, tokens[t].value, strlen(tokens[t].value));
		}
		if (!matched)
			append(to, element + i, 1);
		i += matched ? matched : 1;
	}
}

static int visit_expanded(const char *element, size_t length, const char *root,
			  const struct token tokens[NR_TOKENS],
			  int (*visit)(const char *path, void *context), void *context)
{
	struct buffer path = { .length = 0 };

	/*
	 * An element that begins with $ORIGIN gets no root: the origin's folder is below the root
	 * already.
	 */
	if (length && element[0] == '/')
		append(&path, root, strlen(root));
	substitute(&path, element, length, tokens);
	if (!length)
		append(&path, ".", 1);
	return path.overflow || !path.length ? 0 : visit(path.text, context);
}

static int visit_element(const char *element, size_t length,
			 const struct library_path_context *where,
			 int (*visit)(const char *path, void *context), void *context)
{
	struct token tokens[NR_TOKENS] = {
		[TOKEN_ORIGIN] = { "ORIGIN", where->origin },
		[TOKEN_LIB] = { "LIB", NULL },
		[TOKEN_PLATFORM] = { "PLATFORM", NULL },
	};
	size_t nr_libs = mentions(element, length, "LIB") ? NR_OF(lib_values) : 1;
	size_t nr_platforms = mentions(element, length, "PLATFORM") ? NR_OF(platform_values) : 1;
	int found = 0;

	for (size_t i = 0; i < nr_libs * nr_platforms; i++) {
		int result;

		tokens[TOKEN_LIB].value = lib_values[i % nr_libs];
		tokens[TOKEN_PLATFORM].value = platform_values[i / nr_libs];
		result = visit_expanded(element, length, where->root, tokens, visit, context);
		if (result < 0)
			return result;
		found |= result;
	}
	return found;
}

int library_path__each(const char *list, const char *separators, bool keep_empty,
		       const struct library_path_context *where,
		       int (*visit)(const char *path, void *context), void *context)
{
	int result = 0;

	for (;;) {
		size_t length = strcspn(list, separators);

		if (length || keep_empty)
			result = visit_element(list, length, where, visit, context);
		if (result || !list[length])
			return result;
		list += length + 1;
	}
}
