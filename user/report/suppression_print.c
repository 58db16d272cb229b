// SPDX-License-Identifier: GPL-2.0
/*
 * A stack in, an entry of Valgrind's format out, such as a user puts into a file. Names come from
 * traced processes: a name must not end its line, or act on a terminal.
 */
#include "report/suppressions.h"

#include <string.h>

#include "names/demangle.h"
#include "report/suppression_file.h"
#include "report/suppression_match.h"

/* Longer names are cut: a line must stay below SUPPRESSION_MAX_LINE_BYTES. */
#define MAX_PRINTED_BYTES 4096

/*
 * What can't be written stands for any character, and what is cut off for any text. is_open: more
 * text may follow.
 */
static void print_line(FILE *out, const char *prefix, const char *name, bool is_open)
{
	size_t length = strnlen(name, MAX_PRINTED_BYTES);

	fprintf(out, "   %s", prefix);
	for (size_t i = 0; i < length; i++) {
		char c = name[i];

		/* A reader drops spaces at the end. */
		if (c < ' ' || c > '~' || c == '*' || (c == ' ' && i + 1 == length))
			c = '?';
		putc(c, out);
	}
	fputs(is_open || name[length] ? "*\n" : "\n", out);
}

/*
 * Valgrind knows inlined functions by their bare names alone, and whether these have template
 * arguments is the compiler's choice.
 */
static void print_inlined(FILE *out, const struct report_frame *frame)
{
	char name[DEMANGLE_MAX_BYTES];
	char *arguments;

	if (!suppression__bare_name(frame->function, name, sizeof(name)))
		*name = '\0';
	arguments = strchr(name, '<');
	if (arguments)
		*arguments = '\0';
	print_line(out, "fun:", name, arguments || !*name);
}

static bool is_empty(const char *text)
{
	return !text || !*text;
}

static void print_frame(FILE *out, const struct report_frame *frame)
{
	bool is_mangled = frame->symbol && frame->function &&
			  strcmp(frame->symbol, frame->function) != 0;

	if (frame->inlined && is_mangled)
		print_inlined(out, frame);
	else if (!is_empty(frame->symbol))
		print_line(out, "fun:", frame->symbol, false);
	else if (!is_empty(frame->module))
		print_line(out, "obj:", frame->module, false);
	else
		fputs("   obj:*\n", out);
}

/* Valgrind shows no callers of main, and ours can differ from its. */
static size_t nr_up_to_main(const struct report_frame *frames, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (frames[i].function && !strcmp(frames[i].function, "main"))
			return i + 1;
	return nr;
}

static bool is_telling(const struct report_frame *frames, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!is_empty(frames[i].symbol) || !is_empty(frames[i].module))
			return true;
	return false;
}

/* Valgrind replaces the operator new of the C++ runtimes, and no other. */
static size_t nr_replaced_frames(const struct report_frame *frames, size_t nr)
{
	const char *name = nr && frames->module ? strrchr(frames->module, '/') : NULL;

	if (!name || (strncmp(name, "/libstdc++", strlen("/libstdc++")) != 0 &&
		      strncmp(name, "/libc++", strlen("/libc++")) != 0))
		return 0;
	return suppression__nr_news(frames, nr);
}

void suppressions__print_entry(FILE *out, enum leak_kind kind, const struct report_frame *frames,
			       size_t nr)
{
	const char *word = suppression_file__kind_word(kind);
	size_t nr_replaced = nr_replaced_frames(frames, nr);

	frames += nr_replaced;
	nr = nr_up_to_main(frames, nr - nr_replaced);
	if (nr >= SUPPRESSION_MAX_LOCATIONS)
		nr = SUPPRESSION_MAX_LOCATIONS - 1;
	if (!is_telling(frames, nr))
		return;
	fputs("{\n   <insert_a_suppression_name_here>\n   Memcheck:Leak\n", out);
	if (word)
		fprintf(out, "   match-leak-kinds: %s\n", word);
	/* Which of its functions was called is not known here. */
	fputs(nr_replaced ? "   fun:_Zn*\n" : "   fun:*\n", out);
	for (size_t i = 0; i < nr; i++)
		print_frame(out, &frames[i]);
	fputs("}\n", out);
}
