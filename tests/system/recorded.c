// SPDX-License-Identifier: GPL-2.0
/*
 * One JSON object: the environment and, by the name of each program, its file's hash and its
 * counts.
 */
#include "recorded.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct recorded {
	json_t *root;
};

/* The FNV-1a hash of a file; 0 when it can't be read. */
static json_int_t content_of(const char *path)
{
	FILE *file = fopen(path, "r");
	uint64_t hash = 0xcbf29ce484222325;
	int c;

	if (!file)
		return 0;
	while ((c = getc_unlocked(file)) != EOF)
		hash = (hash ^ (uint64_t)c) * 0x100000001b3;
	fclose(file);
	return (json_int_t)(hash >> 1);
}

struct recorded *recorded__new(char *const *environment)
{
	struct recorded *recorded = calloc(1, sizeof(*recorded));
	json_t *variables = json_array();

	if (!recorded)
		return NULL;
	for (size_t i = 0; environment[i]; i++)
		json_array_append_new(variables, json_string(environment[i]));
	recorded->root = json_pack("{s:o,s:{}}", "environment", variables, "programs");
	return recorded;
}

struct recorded *recorded__read(const char *path)
{
	struct recorded *recorded = calloc(1, sizeof(*recorded));

	if (!recorded)
		return NULL;
	recorded->root = json_load_file(path, 0, NULL);
	if (!recorded->root) {
		free(recorded);
		return NULL;
	}
	return recorded;
}

int recorded__write(const struct recorded *recorded, const char *path)
{
	return json_dump_file(recorded->root, path, JSON_INDENT(1));
}

void recorded__free(struct recorded *recorded)
{
	if (!recorded)
		return;
	json_decref(recorded->root);
	free(recorded);
}

void recorded__add(struct recorded *recorded, const char *name, const char *file, json_t *counts)
{
	json_object_set_new(counts, "content", json_integer(content_of(file)));
	json_object_set_new(json_object_get(recorded->root, "programs"), name, counts);
}

json_t *recorded__find(const struct recorded *recorded, const char *name, const char *file)
{
	json_t *counts = json_object_get(json_object_get(recorded->root, "programs"), name);

	if (!counts || json_integer_value(json_object_get(counts, "content")) != content_of(file))
		return NULL;
	return counts;
}

const char *recorded__variable(const struct recorded *recorded, size_t n)
{
	return json_string_value(json_array_get(json_object_get(recorded->root, "environment"), n));
}
