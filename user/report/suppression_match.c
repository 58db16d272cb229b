// SPDX-License-Identifier: GPL-2.0
/* See suppression_match.h. Entries come from the user's files, frames from traced processes. */
#include "report/suppression_match.h"

#include <string.h>

#include "names/demangle.h"

/* What Valgrind shows for a name that it doesn't know; patterns rely on it. */
#define UNKNOWN_NAME "???"
/* The object that has Valgrind's allocator; its folder and machine differ. */
#define VALGRIND_OBJECT "vgpreload_memcheck"

/* A text pattern: '*' is any text. */
struct text_pattern {
	const char *text;
	bool has_queries; /* '?' is any character */
	bool open_start, open_end; /* the text may go on there */
};

/*
 * One point to go back to is enough: when the part after a '*' matches somewhere, an earlier '*'
 * has nothing to gain from another place.
 */
static bool match_text(const struct text_pattern *pattern, const char *text)
{
	const char *at = pattern->text, *after_star = pattern->open_start ? at : NULL;
	const char *star_text = text;

	for (;;) {
		if (!*at && (!*text || pattern->open_end))
			return true;
		if (*at == '*') {
			after_star = ++at;
			star_text = text;
			continue;
		}
		if (!*text)
			return false;
		if (*at && (*at == *text || (*at == '?' && pattern->has_queries))) {
			at++;
			text++;
			continue;
		}
		if (!after_star)
			return false;
		at = after_star;
		text = ++star_text;
	}
}

static bool match_name(const struct suppression_location *location, const char *name)
{
	struct text_pattern pattern = { .text = location->pattern, .has_queries = true };

	if (!location->has_wildcards)
		return !strcmp(location->pattern, name);
	return match_text(&pattern, name);
}

static int nesting_change(char c)
{
	return (c == '(' || c == '<' || c == '[' || c == '{') -
	       (c == ')' || c == '>' || c == ']' || c == '}');
}

/* Where the parameters begin; the end when there are none. */
static const char *end_of_name(const char *function)
{
	const char *end = NULL, *at = function;
	int nesting = 0;

	for (; *at; at++) {
		if (*at == '(' && !nesting)
			end = at;
		else if (*at == ':' && !nesting)
			end = NULL; /* they were a scope's */
		nesting += nesting_change(*at);
	}
	return end ? end : at;
}

bool suppression__bare_name(const char *function, char *buffer, size_t size)
{
	const char *end = end_of_name(function), *start = function, *at;
	int nesting = 0;

	/* In an operator's name, brackets and spaces mean something else. */
	if (strstr(function, "operator"))
		return false;
	for (at = function; at < end && (nesting || *at != '['); at++) {
		if (!nesting && (*at == ':' || *at == ' '))
			start = at + 1;
		nesting += nesting_change(*at);
	}
	end = at;
	if (start >= end || (size_t)(end - start) >= size)
		return false;
	memcpy(buffer, start, end - start);
	buffer[end - start] = '\0';
	return true;
}

static bool match_bare_name(const struct suppression_location *location, const char *function)
{
	char name[DEMANGLE_MAX_BYTES];

	return suppression__bare_name(function, name, sizeof(name)) && match_name(location, name);
}

static bool match_function(const struct suppression_location *location,
			   const struct report_frame *frame)
{
	const char *function = frame->function ? frame->function : UNKNOWN_NAME;

	if (frame->symbol && match_name(location, frame->symbol))
		return true;
	if (location->function && !strcmp(location->function, function))
		return true;
	return match_name(location, function) ||
	       (frame->inlined && frame->function && match_bare_name(location, frame->function));
}

/* Valgrind compares without the folder. */
static bool match_source(const struct suppression_location *location,
			 const struct report_frame *frame)
{
	const char *slash;

	if (!frame->file || (location->line && location->line != frame->line))
		return false;
	slash = strrchr(frame->file, '/');
	return match_name(location, frame->file) || (slash && match_name(location, slash + 1));
}

static bool match_frame(const struct suppression_location *location,
			const struct report_frame *frame)
{
	switch (location->kind) {
	case LOCATION_FUNCTION:
		return match_function(location, frame);
	case LOCATION_OBJECT:
		return match_name(location, frame->module ? frame->module : UNKNOWN_NAME);
	case LOCATION_SOURCE:
		return match_source(location, frame);
	default:
		return false;
	}
}

/* Names of Valgrind's allocator functions (coregrind/m_replacemalloc/vg_replace_malloc.c). */
static const char *const c_functions[] = {
	"malloc",	 "calloc", "realloc", "memalign",     "posix_memalign",
	"aligned_alloc", "valloc", "pvalloc", "reallocarray",
};

static const char *const new_functions[] = {
	"_Znwm",
	"_Znam",
	"_Znwj",
	"_Znaj",
	"_ZnwmRKSt9nothrow_t",
	"_ZnamRKSt9nothrow_t",
	"_ZnwmSt11align_val_t",
	"_ZnamSt11align_val_t",
	"_ZnwmSt11align_val_tRKSt9nothrow_t",
	"_ZnamSt11align_val_tRKSt9nothrow_t",
	"__builtin_new",
	"__builtin_vec_new",
	"operator new(unsigned long)",
	"operator new[](unsigned long)",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static bool match_any(const struct suppression_location *location, const char *const *names,
		      size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (match_name(location, names[i]))
			return true;
	return false;
}

/* How a stack begins in Valgrind, before the frames that we know. */
enum beginning {
	BEGINS_WITH_ANY, /* one allocator function */
	BEGINS_WITH_NEW, /* operator new, whichever */
	BEGINS_WITH_TWO, /* one that called another: memalign and posix_memalign, calloc twice */
};

static bool match_allocator_name(const struct suppression_location *location,
				 enum beginning beginning)
{
	if (beginning != BEGINS_WITH_NEW && match_any(location, c_functions, COUNT_OF(c_functions)))
		return true;
	return beginning != BEGINS_WITH_TWO &&
	       match_any(location, new_functions, COUNT_OF(new_functions));
}

/* Whether a location matches a frame of the allocator, which is in Valgrind's own object. */
static bool match_allocator(const struct suppression_location *location, enum beginning beginning,
			    size_t depth)
{
	/* Most stacks have no second one, so it has to be named in full. */
	if (depth && (location->kind != LOCATION_FUNCTION || location->has_wildcards))
		return false;
	switch (location->kind) {
	case LOCATION_FUNCTION:
		return match_allocator_name(location, beginning);
	case LOCATION_OBJECT:
		return strstr(location->pattern, VALGRIND_OBJECT) ||
		       match_name(location,
				  "/usr/libexec/valgrind/" VALGRIND_OBJECT "-amd64-linux.so");
	case LOCATION_SOURCE:
		return match_name(location, "vg_replace_malloc.c");
	default:
		return false;
	}
}

/* A stack as it is in Valgrind. */
struct stack_view {
	enum beginning beginning;
	size_t nr_allocators; /* frames of the allocator before ours */
	const struct report_frame *frames;
	size_t nr_frames;
};

static bool match_at(const struct suppression_location *location, const struct stack_view *stack,
		     size_t depth)
{
	if (depth < stack->nr_allocators)
		return match_allocator(location, stack->beginning, depth);
	return match_frame(location, &stack->frames[depth - stack->nr_allocators]);
}

/* As match_text, with frames instead of characters, and an open end. */
static bool match_stack(const struct suppression_location *locations, size_t nr_locations,
			const struct stack_view *stack)
{
	size_t nr_frames = stack->nr_allocators + stack->nr_frames;
	size_t at = 0, depth = 0, after_dots = 0, dots_depth = 0;
	bool has_dots = false;

	while (at < nr_locations) {
		if (locations[at].kind == LOCATION_FRAMES) {
			has_dots = true;
			after_dots = ++at;
			dots_depth = depth;
		} else if (depth == nr_frames) {
			return false;
		} else if (match_at(&locations[at], stack, depth)) {
			at++;
			depth++;
		} else if (has_dots) {
			at = after_dots;
			depth = ++dots_depth;
		} else {
			return false;
		}
	}
	return true;
}

size_t suppression__nr_news(const struct report_frame *frames, size_t nr)
{
	size_t nr_news = 0;

	for (; nr_news < nr && frames[nr_news].function; nr_news++) {
		const char *function = frames[nr_news].function;

		if (strncmp(function, "operator new(", strlen("operator new(")) != 0 &&
		    strncmp(function, "operator new[](", strlen("operator new[](")) != 0)
			break;
	}
	return nr_news;
}

static bool match_valgrind(const struct suppression_location *locations, size_t nr_locations,
			   const struct report_frame *frames, size_t nr)
{
	size_t nr_news = suppression__nr_news(frames, nr);
	struct stack_view stack = {
		.beginning = nr_news ? BEGINS_WITH_NEW : BEGINS_WITH_ANY,
		.nr_allocators = 1,
		.frames = frames + nr_news,
		.nr_frames = nr - nr_news,
	};

	if (match_stack(locations, nr_locations, &stack))
		return true;
	/* An operator new that Valgrind doesn't replace calls malloc, as here. */
	if (nr_news) {
		stack = (struct stack_view){ BEGINS_WITH_ANY, 1, frames, nr };
		return match_stack(locations, nr_locations, &stack);
	}
	stack.beginning = BEGINS_WITH_TWO;
	stack.nr_allocators = 2;
	return match_stack(locations, nr_locations, &stack);
}

/* LeakSanitizer takes '?' as it is, and looks for the pattern within a name. */
static bool match_anywhere(const struct suppression_location *location,
			   const struct report_frame *frames, size_t nr)
{
	struct text_pattern pattern = { .text = location->pattern,
					.open_start = !location->at_start,
					.open_end = !location->at_end };

	for (size_t i = 0; i < nr; i++) {
		const char *names[] = { frames[i].function, frames[i].file, frames[i].module };

		for (size_t j = 0; j < COUNT_OF(names); j++)
			if (names[j] && match_text(&pattern, names[j]))
				return true;
	}
	return false;
}

bool suppression__matches(const struct suppression *entry,
			  const struct suppression_location *locations,
			  const struct report_frame *frames, size_t nr)
{
	locations += entry->first_location;
	if (locations->kind == LOCATION_ANYWHERE)
		return match_anywhere(locations, frames, nr);
	return match_valgrind(locations, entry->nr_locations, frames, nr);
}
