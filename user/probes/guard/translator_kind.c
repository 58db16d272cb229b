// SPDX-License-Identifier: GPL-2.0
/*
 * See translator_kind.h. Used by process_view.c for every program that begins, and by
 * guarded_process.c.
 */
#include "probes/guard/translator_kind.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Patterns for the whole path. */
static const struct {
	const char *pattern;
	enum translator_kind kind;
} names[] = {
	/* Valgrind's tools, wherever it was built or installed, such as memcheck-amd64-linux. */
	{ "*/*-amd64-linux", TRANSLATOR_VALGRIND }, { "*/*-x86-linux", TRANSLATOR_VALGRIND },
	{ "*/*-arm64-linux", TRANSLATOR_VALGRIND }, { "*/qemu-x86_64", TRANSLATOR_QEMU },
	{ "*/qemu-x86_64-*", TRANSLATOR_QEMU },
};

/*
 * Valgrind's tools are linked to addresses out of their guests' way (VALT_LOAD_ADDRESS): now, and
 * before 3.13.
 */
static const uint64_t valgrind_addresses[] = { 0x58000000, 0x38000000 };

static const char deleted[] = " (deleted)";

enum translator_kind translator_kind__of(const char *exe)
{
	size_t length = strlen(exe), suffix = sizeof(deleted) - 1;
	char path[PATH_MAX];

	if (length >= sizeof(path))
		return TRANSLATOR_NONE;
	if (length > suffix && !strcmp(exe + length - suffix, deleted))
		length -= suffix;
	snprintf(path, sizeof(path), "%.*s", (int)length, exe);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!fnmatch(names[i].pattern, path, 0))
			return names[i].kind;
	return TRANSLATOR_NONE;
}

bool translator_kind__shows_in(enum translator_kind kind, const struct mapping *map)
{
	if (kind != TRANSLATOR_VALGRIND)
		return kind != TRANSLATOR_NONE;
	return map->start == valgrind_addresses[0] || map->start == valgrind_addresses[1];
}
