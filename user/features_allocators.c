// SPDX-License-Identifier: GPL-2.0
/* See features_allocators.h. Called by features_report.c. */
#include "features_allocators.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/allocator_names.h"
#include "allocators/defined_functions.h"
#include "allocators/file_functions.h"
#include "allocators/probe_text.h"
#include "allocators/system_libc.h"
#include "base/sanitize_text.h"

static int add_named(struct installed_allocators *installed, const char *object)
{
	return strchr(object, '/') ? installed_allocators__add(installed, object) : 0;
}

int features_allocators__find(struct installed_allocators *installed, const struct options *options)
{
	const char *libc = system_libc__path();
	int err = installed_allocators__add_usual(installed, "");

	if (!err && libc)
		err = installed_allocators__add(installed, libc);
	for (size_t i = 0; i < options->nr_objects && !err; i++)
		err = add_named(installed, options->objects[i]);
	for (size_t i = 0; i < defined_functions__nr() && !err; i++) {
		const struct definition *definition;

		defined_functions__problem(i, &definition);
		err = add_named(installed, definition->object);
	}
	return err;
}

/* Returns whether a probe of the file is slow. */
static bool print_functions(const struct installed_allocator *file)
{
	bool slow = false;

	fputs("\nwhere functions are probed in ", stdout);
	sanitize_text__print(stdout, file->path);
	putchar('\n');
	for (size_t i = 0; i < file->probes.nr; i++) {
		const struct allocator_probe *probe = &file->probes.probe[i];
		char text[PROBE_TEXT_BYTES];

		if (probe->function == FUNCTION_NEW_RETURN)
			continue; /* the function's line says how many there are */
		probe_text__write(probe, text);
		fputs("  ", stdout);
		sanitize_text__print(stdout, text);
		putchar('\n');
		slow |= !probe->emulated;
	}
	return slow;
}

static void print_missing(const char *name, const char *why, void *context)
{
	bool *begun = context;

	if (!*begun)
		fputs("\nwhat is not probed\n", stdout);
	*begun = true;
	fputs("  ", stdout);
	sanitize_text__print(stdout, name);
	fputs(": ", stdout);
	sanitize_text__print(stdout, why);
	putchar('\n');
}

#define NAME_BYTES (DEFINITION_OBJECT_MAX + DEFINITION_FUNCTION_MAX + 2)

/* Calls tell with everything that was asked for by an option and is in none of the files. */
static void each_missing(const struct options *options,
			 void (*tell)(const char *name, const char *why, void *context),
			 void *context)
{
	char name[NAME_BYTES];

	for (size_t i = 0; i < options->nr_objects; i++)
		if (!file_functions__was_found(options->objects[i]))
			tell(options->objects[i], "no such allocator (-O)", context);
	for (size_t i = 0; i < options->nr_symbol_prefixes; i++) {
		const char *prefix = options->symbol_prefixes[i];

		if (allocator_names__was_noted(prefix))
			continue;
		snprintf(name, sizeof(name), "%smalloc", prefix);
		tell(name, "no such function (-S)", context);
	}
	for (size_t i = 0; i < defined_functions__nr(); i++) {
		const struct definition *definition;
		const char *problem = defined_functions__problem(i, &definition);

		if (!problem)
			continue;
		if (!defined_functions__has_object(i))
			problem = "it is in no usual place; give its path";
		snprintf(name, sizeof(name), "%s:%s", definition->object, definition->function);
		tell(name, problem, context);
	}
}

void features_allocators__print(const struct installed_allocators *installed,
				const struct options *options)
{
	bool slow = false, begun = false;

	for (size_t i = 0; i < installed->nr; i++)
		if (installed->list[i].probes.nr)
			slow |= print_functions(&installed->list[i]);
	if (slow)
		puts("\nslow: the kernel must single-step that instruction, which is expensive");
	for (size_t i = 0; i < installed->nr; i++)
		if (installed->list[i].no_probes)
			print_missing(installed->list[i].path, installed->list[i].no_probes,
				      &begun);
	each_missing(options, print_missing, &begun);
}

static json_t *pack_text(const char *text)
{
	char *utf8 = sanitize_text__utf8(text);
	json_t *packed = utf8 ? json_string(utf8) : NULL;

	free(utf8);
	return packed;
}

static json_t *pack_function(const struct allocator_probe *probe)
{
	static const char *const returns[] = {
		[PROBE_RETURN_NONE] = NULL,
		[PROBE_RETURN_PROBE] = "return_probe",
		[PROBE_RETURN_RETS] = "rets",
	};

	return json_pack("{s:o, s:s, s:I, s:i, s:b, s:s?, s:i}", "function",
			 pack_text(probe->symbol), "found_in", probe->found_in, "offset",
			 (json_int_t)probe->file_offset, "probe_behind",
			 (int)(probe->probe_offset - probe->file_offset), "emulated",
			 (int)probe->emulated, "returns", returns[probe_text__return(probe)],
			 "rets", (int)probe->nr_rets);
}

static json_t *pack_functions(const struct allocator_probes *probes)
{
	json_t *functions = json_array();

	for (size_t i = 0; i < probes->nr; i++)
		if (probes->probe[i].function != FUNCTION_NEW_RETURN)
			json_array_append_new(functions, pack_function(&probes->probe[i]));
	return functions;
}

json_t *features_allocators__pack(const struct installed_allocators *installed)
{
	json_t *files = json_array();

	for (size_t i = 0; i < installed->nr; i++) {
		const struct installed_allocator *file = &installed->list[i];

		json_array_append_new(files,
				      json_pack("{s:o, s:o, s:s?}", "file", pack_text(file->path),
						"functions", pack_functions(&file->probes),
						"problem", file->no_probes));
	}
	return files;
}

json_t *features_allocators__pack_libc(const struct installed_allocators *installed)
{
	const char *path = system_libc__path();
	const struct installed_allocator *libc =
		path ? installed_allocators__find(installed, path) : NULL;

	if (!libc || libc->no_probes)
		return json_null();
	return json_pack("{s:o, s:o}", "file", pack_text(path), "functions",
			 pack_functions(&libc->probes));
}

static void pack_missing(const char *name, const char *why, void *missing)
{
	json_array_append_new(missing,
			      json_pack("{s:o, s:s}", "name", pack_text(name), "problem", why));
}

json_t *features_allocators__pack_missing(const struct options *options)
{
	json_t *missing = json_array();

	each_missing(options, pack_missing, missing);
	return missing;
}
