// SPDX-License-Identifier: GPL-2.0
/* See translator_kind.h. Used by process_view.c for every program that begins. */
#include "translator_kind.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Of the whole path. */
static const char *const patterns[] = {
	"*/valgrind/*-*-linux", /* its tools: memcheck-amd64-linux */
	"*/qemu-x86_64",
	"*/qemu-x86_64-*",
};

static const char deleted[] = " (deleted)";

bool translator_kind__is_translator(const char *exe)
{
	size_t length = strlen(exe), suffix = sizeof(deleted) - 1;
	char path[PATH_MAX];

	if (length >= sizeof(path))
		return false;
	if (length > suffix && !strcmp(exe + length - suffix, deleted))
		length -= suffix;
	snprintf(path, sizeof(path), "%.*s", (int)length, exe);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (!fnmatch(patterns[i], path, 0))
			return true;
	return false;
}
