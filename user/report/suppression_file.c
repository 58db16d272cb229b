// SPDX-License-Identifier: GPL-2.0
/*
 * Text of suppressions in, entries out. Accepts what Valgrind's own reader accepts
 * (load_one_suppressions_file in coregrind/m_errormgr.c, and for Memcheck memcheck/mc_errors.c),
 * and the lines of LeakSanitizer. Entries that are not about leaks are read and dropped.
 */
#include "report/suppression_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "names/demangle.h"

#define MAX_FILE_BYTES (16u << 20)
#define MAX_ENTRIES 100000
/* Demangled names can be far longer than what the file has. */
#define MAX_STRING_BYTES (64u << 20)
#define SPACES " \t\r\f\v"
#define SANITIZER_PREFIX "leak:"
#define KINDS_PREFIX "match-leak-kinds:"

struct parser {
	struct suppression_file *file;
	char *at, *end;
	unsigned int line;
	const char *reason; /* NULL: nothing is wrong yet */
};

static int refuse(struct parser *parser, const char *reason)
{
	parser->reason = reason;
	return -EINVAL;
}

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* Without spaces at both ends. The byte at *end may be written. */
static char *trim(char *text, char *end)
{
	while (text < end && strchr(SPACES, *text))
		text++;
	while (text < end && strchr(SPACES, end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* The next line that says something. NULL at the end, or when it is refused. */
static char *next_line(struct parser *parser)
{
	while (parser->at < parser->end) {
		char *line = parser->at;
		char *end = memchr(line, '\n', parser->end - line);

		parser->at = end ? end + 1 : parser->end;
		if (!end)
			end = parser->end;
		parser->line++;
		if (end - line > SUPPRESSION_MAX_LINE_BYTES) {
			refuse(parser, "a line is longer than 8 KiB");
			return NULL;
		}
		if (memchr(line, '\0', end - line)) {
			refuse(parser, "a zero byte: this is no text");
			return NULL;
		}
		line = trim(line, end);
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}

static char *next_line_of_entry(struct parser *parser)
{
	char *line = next_line(parser);

	if (!line && !parser->reason)
		refuse(parser, "the file ends within an entry");
	return line;
}

/* The line that can follow Memcheck's kind of error. */
enum extra_line { EXTRA_NONE, EXTRA_KINDS, EXTRA_PARAMETER, EXTRA_ARGUMENT };

static const struct {
	const char *name;
	enum extra_line extra;
} kinds_with_extra[] = {
	{ "Leak", EXTRA_KINDS },
	{ "Param", EXTRA_PARAMETER },
	{ "FishyValue", EXTRA_ARGUMENT },
};

/* The other kinds of Memcheck, as of Valgrind 3.28; some are older or younger than others. */
static const char *const other_kinds[] = {
	"User",		"CoreMem",	 "Addr1",	"Addr2",    "Addr4",   "Addr8",
	"Addr16",	"Addr32",	 "Jump",	"Free",	    "Overlap", "Mempool",
	"Cond",		"Value0",	 "Value1",	"Value2",   "Value4",  "Value8",
	"Value16",	"Value32",	 "ReallocZero", "BadAlign", "BadSize", "UnsafeZeroSize",
	"SizeMismatch", "AlignMismatch",
};

static int find_kind(const char *name, enum extra_line *extra)
{
	*extra = EXTRA_NONE;
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(*other_kinds); i++)
		if (!strcmp(other_kinds[i], name))
			return 0;
	for (size_t i = 0; i < sizeof(kinds_with_extra) / sizeof(*kinds_with_extra); i++) {
		if (strcmp(kinds_with_extra[i].name, name) != 0)
			continue;
		*extra = kinds_with_extra[i].extra;
		return 0;
	}
	return -ENOENT;
}

/* Whether a list of tools, between commas, has Memcheck. */
static bool has_memcheck(const char *tools)
{
	static const char memcheck[] = "Memcheck";
	size_t length;

	for (;; tools += length + 1) {
		length = strcspn(tools, ",");
		if (length == strlen(memcheck) && !memcmp(tools, memcheck, length))
			return true;
		if (!tools[length])
			return false;
	}
}

const char *suppression_file__kind_word(enum leak_kind kind)
{
	static const char *const words[NR_LEAK_KINDS] = {
		[LEAK_DEFINITE] = "definite",
		[LEAK_INDIRECT] = "indirect",
		[LEAK_POSSIBLE] = "possible",
		[LEAK_REACHABLE] = "reachable",
	};

	return words[kind];
}

static unsigned int kind_of_word(const char *word, size_t length)
{
	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++) {
		const char *name = suppression_file__kind_word(kind);

		if (strlen(name) == length && !memcmp(name, word, length))
			return LEAK_KIND_BIT(kind);
	}
	return 0;
}

/* Kinds between commas, or "all" or "none" alone. As in Valgrind, a word may be empty. */
static int parse_kinds(struct parser *parser, const char *text, unsigned int *kinds)
{
	static const char reason[] =
		"expected all, none, or some of definite, indirect, possible, reachable";

	*kinds = LEAK_KINDS_ALL;
	if (!strcmp(text, "all"))
		return 0;
	*kinds = 0;
	if (!strcmp(text, "none"))
		return 0;
	while (*text) {
		size_t length = strcspn(text, ",");
		unsigned int kind = kind_of_word(text, length);

		if (length && !kind)
			return refuse(parser, reason);
		*kinds |= kind;
		text += length + !!text[length];
	}
	return *kinds ? 0 : refuse(parser, reason);
}

static bool is_location(const char *line)
{
	return starts_with(line, "fun:") || starts_with(line, "obj:") ||
	       starts_with(line, "src:") || !strcmp(line, "...");
}

/* Takes the line after the kind, if it belongs to the kind; *line then is the one after it. */
static int read_extra(struct parser *parser, enum extra_line extra, char **line,
		      struct suppression *entry)
{
	bool is_missing = is_location(*line) || !strcmp(*line, "}");
	const char *argument;
	int err = 0;

	if (extra == EXTRA_PARAMETER && is_missing)
		return refuse(parser, "the parameter of the system call is missing");
	if (extra == EXTRA_NONE || is_missing)
		return 0;
	if (extra == EXTRA_ARGUMENT) {
		argument = strchr(*line, '(');
		if (!argument || !strchr(argument, ')'))
			return refuse(parser, "expected FUNCTION(ARGUMENT)");
	}
	if (extra == EXTRA_KINDS) {
		if (!starts_with(*line, KINDS_PREFIX))
			return refuse(parser,
				      "expected " KINDS_PREFIX ", fun:, obj:, src: or \"...\"");
		argument = *line + strlen(KINDS_PREFIX);
		err = parse_kinds(parser, argument + strspn(argument, SPACES), &entry->kinds);
	}
	*line = err ? NULL : next_line_of_entry(parser);
	return *line ? 0 : -EINVAL;
}

/* Returns 0 or -ENOMEM. */
static int add_location(struct suppression_file *file, const struct suppression_location *location)
{
	int err =
		array__reserve(&file->locations, &file->locations_capacity, file->nr_locations + 1);

	if (!err)
		file->locations[file->nr_locations++] = *location;
	return err;
}

static int find_function(struct suppression_file *file, struct suppression_location *location)
{
	char name[DEMANGLE_MAX_BYTES];

	demangle__name(location->pattern, name, sizeof(name));
	if (!strcmp(name, location->pattern))
		return 0;
	location->function = string_pool__intern(file->strings, name);
	return location->function ? 0 : -ENOMEM;
}

/* src:FILE or src:FILE:LINE. As in Valgrind, no number means any line. */
static void split_source(char *pattern, struct suppression_location *location)
{
	char *colon = strchr(pattern, ':');
	unsigned long line;

	if (!colon)
		return;
	*colon = '\0';
	line = strtoul(colon + 1, NULL, 10);
	location->line = line > UINT32_MAX ? UINT32_MAX : line;
}

static int read_location(struct parser *parser, char *line)
{
	struct suppression_location location = { .pattern = line + strlen("fun:") };
	int err = 0;

	if (!is_location(line))
		return refuse(parser, "expected fun:, obj:, src:, \"...\" or '}'");
	switch (*line) {
	case 'f':
		location.kind = LOCATION_FUNCTION;
		break;
	case 'o':
		location.kind = LOCATION_OBJECT;
		break;
	case 's':
		location.kind = LOCATION_SOURCE;
		split_source(line + strlen("src:"), &location);
		break;
	default:
		location.kind = LOCATION_FRAMES;
		location.pattern = line;
	}
	location.has_wildcards = strpbrk(location.pattern, "*?");
	if (location.kind == LOCATION_FUNCTION)
		err = find_function(parser->file, &location);
	return err ? err : add_location(parser->file, &location);
}

/* The stack of an entry, from this line on, and its end. */
static int read_stack(struct parser *parser, char *line, struct suppression *entry)
{
	struct suppression_file *file = parser->file;
	bool says_something = false;
	size_t nr = 0;

	entry->first_location = file->nr_locations;
	for (; line && strcmp(line, "}") != 0; line = next_line_of_entry(parser)) {
		int err = read_location(parser, line);

		if (err)
			return err;
		says_something |= file->locations[file->nr_locations - 1].kind != LOCATION_FRAMES;
		if (++nr > SUPPRESSION_MAX_LOCATIONS)
			return refuse(parser, "the stack has more than 500 lines");
	}
	if (!line)
		return -EINVAL;
	entry->nr_locations = nr;
	if (!nr)
		return refuse(parser, "the stack is missing");
	if (!says_something)
		return refuse(parser, "a stack of nothing but \"...\" matches everything");
	return 0;
}

static int skip_entry(struct parser *parser)
{
	const char *line;

	do
		line = next_line_of_entry(parser);
	while (line && strcmp(line, "}") != 0);
	return line ? 0 : -EINVAL;
}

static int add_entry(struct suppression_file *file, const struct suppression *entry)
{
	int err = array__reserve(&file->list, &file->capacity, file->nr + 1);

	if (!err)
		file->list[file->nr++] = *entry;
	return err;
}

/* From the name on. */
static int read_entry(struct parser *parser)
{
	struct suppression entry = { .kinds = LEAK_KINDS_ALL };
	char *name = next_line_of_entry(parser), *tools, *kind, *line;
	enum extra_line extra;
	int err;

	if (!name)
		return -EINVAL;
	if (!strcmp(name, "}"))
		return refuse(parser, "expected the name of the entry");
	entry.name = name;
	entry.line = parser->line;
	tools = next_line_of_entry(parser);
	if (!tools)
		return -EINVAL;
	kind = strchr(tools, ':');
	if (!kind)
		return refuse(parser, "expected TOOL:KIND, such as Memcheck:Leak");
	*kind++ = '\0';
	if (!has_memcheck(tools))
		return skip_entry(parser);
	if (find_kind(kind, &extra))
		return refuse(parser, "Memcheck has no errors of that kind");
	line = next_line_of_entry(parser);
	if (!line)
		return -EINVAL;
	err = read_extra(parser, extra, &line, &entry);
	if (!err)
		err = read_stack(parser, line, &entry);
	if (!err && extra == EXTRA_KINDS)
		return add_entry(parser->file, &entry);
	parser->file->nr_locations = entry.first_location;
	return err;
}

/* leak:PATTERN. The name is the whole line. */
static int add_sanitizer_entry(struct parser *parser, char *line)
{
	struct suppression_file *file = parser->file;
	struct suppression_location location = { .kind = LOCATION_ANYWHERE };
	struct suppression entry = {
		.name = string_pool__intern(file->strings, line),
		.line = parser->line,
		.kinds = LEAK_KINDS_ALL,
		.first_location = file->nr_locations,
		.nr_locations = 1,
	};
	char *pattern = line + strlen(SANITIZER_PREFIX), *end = strchr(pattern, '\0');
	int err;

	if (!entry.name)
		return -ENOMEM;
	if (*pattern == '^') {
		location.at_start = true;
		pattern++;
	}
	if (end > pattern && end[-1] == '$') {
		location.at_end = true;
		*--end = '\0';
	}
	if (!*pattern)
		return refuse(parser, "the pattern is empty");
	location.pattern = pattern;
	err = add_location(file, &location);
	return err ? err : add_entry(file, &entry);
}

static int parse(struct parser *parser)
{
	size_t nr_entries = 0;
	char *line;
	int err;

	while ((line = next_line(parser))) {
		if (++nr_entries > MAX_ENTRIES)
			return refuse(parser, "more than 100000 entries");
		if (!strcmp(line, "{"))
			err = read_entry(parser);
		else if (starts_with(line, SANITIZER_PREFIX))
			err = add_sanitizer_entry(parser, line);
		else
			err = refuse(parser, "expected '{' or \"leak:PATTERN\"");
		if (err)
			return err;
	}
	return parser->reason ? -EINVAL : 0;
}

/* Reads all of it, with room for a zero byte at the end. */
static int read_text(struct suppression_file *file, FILE *in, struct suppression_error *error)
{
	size_t capacity = 0, nr;
	int err;

	do {
		err = array__reserve(&file->text, &capacity, file->nr_bytes + BUFSIZ + 1);
		if (err)
			return err;
		nr = fread(file->text + file->nr_bytes, 1, BUFSIZ, in);
		file->nr_bytes += nr;
		if (file->nr_bytes > MAX_FILE_BYTES) {
			error->reason = "larger than 16 MiB";
			return -EINVAL;
		}
	} while (nr);
	if (!ferror(in))
		return 0;
	return errno ? -errno : -EIO;
}

int suppression_file__read(struct suppression_file *file, const char *name, FILE *in,
			   struct suppression_error *error)
{
	struct parser parser = { .file = file };
	int err;

	*file = (struct suppression_file){ .name = strdup(name) };
	*error = (struct suppression_error){ 0 };
	file->strings = string_pool__new(MAX_STRING_BYTES);
	if (!file->name || !file->strings)
		return -ENOMEM;
	errno = 0;
	err = read_text(file, in, error);
	if (err)
		return err;
	parser.at = file->text;
	parser.end = file->text + file->nr_bytes;
	err = parse(&parser);
	if (parser.reason)
		*error = (struct suppression_error){ parser.reason, parser.line };
	return err;
}

void suppression_file__free(struct suppression_file *file)
{
	free(file->name);
	free(file->text);
	free(file->list);
	free(file->locations);
	string_pool__free(file->strings);
	*file = (struct suppression_file){ 0 };
}
