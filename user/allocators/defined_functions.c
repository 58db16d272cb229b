// SPDX-License-Identifier: GPL-2.0
/* See defined_functions.h. Called by file_functions.c and, for the list, by option_definitions.c. */
#include "allocators/defined_functions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/object_name.h"
#include "elf/elf_image.h"

/* What came of a definition so far. A later state is the better news. */
enum state { NO_OBJECT, NO_FUNCTION, NO_RETS, DEFINED_TWICE, FOUND };

static struct {
	struct definition definition;
	enum state state;
} defined[DEFINED_FUNCTIONS_MAX];
static size_t nr_defined;

int defined_functions__add(const struct definition *definition)
{
	for (size_t i = 0; i < nr_defined; i++)
		if (!strcmp(defined[i].definition.object, definition->object) &&
		    !strcmp(defined[i].definition.function, definition->function))
			return -EEXIST;
	if (nr_defined == DEFINED_FUNCTIONS_MAX)
		return -E2BIG;
	defined[nr_defined++].definition = *definition;
	return 0;
}

size_t defined_functions__nr(void)
{
	return nr_defined;
}

static void note(size_t index, enum state state)
{
	if (defined[index].state < state)
		defined[index].state = state;
}

/*
 * Code that can throw has the runtime for that: it links with the library of C++ or Rust, or is a
 * static program, which may have it inside. An exception does not get past a return probe.
 */
static int can_throw(const struct elf_image *image, bool *answer)
{
	static const char *const runtimes[] = { "libstdc++.so", "libgcc_s.so", "libc++.so",
						"libc++abi.so", "libunwind.so" };
	char *needed = NULL;
	int err = 0;

	*answer = elf_image__is_program(image) && !elf_image__segment(image, PT_INTERP, 0);
	for (size_t i = 0; !err && !*answer; i++) {
		err = elf_image__dynamic_string(image, DT_NEEDED, i, &needed);
		if (err || !needed)
			break;
		for (size_t j = 0; j < sizeof(runtimes) / sizeof(*runtimes); j++)
			*answer |= !strncmp(needed, runtimes[j], strlen(runtimes[j]));
		free(needed);
	}
	return err;
}

static struct allocator_probe probe_of(const struct definition *definition, bool by_ret)
{
	struct allocator_probe probe = {
		.function = definition->frees ? FUNCTION_DEFINED_FREE :
			    by_ret	      ? FUNCTION_DEFINED_BY_RET :
						FUNCTION_DEFINED,
	};

	probe.cookie =
		WIRE_COOKIE(probe.function, definition->size, definition->count, definition->block);
	snprintf(probe.symbol, sizeof(probe.symbol), "%s", definition->function);
	return probe;
}

/* The definitions whose object is one file. Each function is searched for once. */
struct here {
	const char *names[DEFINED_FUNCTIONS_MAX];
	size_t index[DEFINED_FUNCTIONS_MAX]; /* in the list of all */
	size_t nr;
};

static bool is_listed(const struct here *here, const char *function)
{
	for (size_t i = 0; i < here->nr; i++)
		if (!strcmp(here->names[i], function))
			return true;
	return false;
}

static void list_those_in(const char *path, int fd, struct here *here)
{
	here->nr = 0;
	for (size_t i = 0; i < nr_defined; i++) {
		const struct definition *definition = &defined[i].definition;

		if (!object_name__fits(definition->object, path, fd))
			continue;
		if (is_listed(here, definition->function)) {
			note(i, DEFINED_TWICE);
			continue;
		}
		here->names[here->nr] = definition->function;
		here->index[here->nr++] = i;
	}
}

static int add_function(const struct elf_image *image, const struct named_function *found,
			size_t index, bool throws, struct allocator_probes *probes)
{
	const struct definition *definition = &defined[index].definition;
	struct allocator_probe probe = probe_of(definition, throws && !definition->frees);
	int err;

	probe.found_in = found->found_in;
	if (allocator_probes__has(probes, found->file_offset))
		err = 0;
	else if (probe.function == FUNCTION_DEFINED_BY_RET)
		err = allocator_probes__add_by_ret(probes, image, &probe, found->file_offset);
	else
		err = allocator_probes__add(probes, &probe, found->file_offset);
	note(index, err == -ENOENT ? NO_RETS : err ? NO_FUNCTION : FOUND);
	return err == -ENOENT ? 0 : err;
}

static int add_functions(const struct function_search *search, const struct here *here,
			 struct allocator_probes *probes)
{
	size_t first = probes->nr;
	bool throws;
	int err = can_throw(search->image, &throws);

	for (size_t i = 0; i < search->nr_found && !err; i++)
		err = add_function(search->image, &search->found[i],
				   here->index[search->found[i].name], throws, probes);
	return err ? err : allocator_probes__place(probes, first, search);
}

static int find_in_image(struct function_search *search, const struct here *here,
			 struct allocator_probes *probes)
{
	int err = function_search__tables(search);

	for (size_t i = 0; i < here->nr; i++)
		note(here->index[i], NO_FUNCTION);
	return err ? err : add_functions(search, here, probes);
}

int defined_functions__find(int fd, const char *path, struct allocator_probes *probes)
{
	static const char *const no_prefix = "";
	struct here here;
	struct wanted_functions wanted = { here.names, 0, &no_prefix, 1 };
	struct function_search search = { .wanted = &wanted };
	struct elf_image *image;
	int err;

	list_those_in(path, fd, &here);
	if (!here.nr)
		return 0;
	wanted.nr_names = here.nr;
	err = elf_image__open(fd, &image);
	if (err)
		return err;
	search.image = image;
	err = find_in_image(&search, &here, probes);
	elf_image__free(image);
	return err;
}

bool defined_functions__has_object(size_t index)
{
	return defined[index].state != NO_OBJECT;
}

const char *defined_functions__problem(size_t index, const struct definition **definition)
{
	static const char *const problems[] = {
		[NO_OBJECT] = "no process that was traced maps that file",
		[NO_FUNCTION] = "the file has no such function",
		[NO_RETS] = "it can throw exceptions, and not all its returns could be found",
		[DEFINED_TWICE] = "another definition has the same function in the same file",
		[FOUND] = NULL,
	};

	*definition = &defined[index].definition;
	return problems[defined[index].state];
}
