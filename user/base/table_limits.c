// SPDX-License-Identifier: GPL-2.0
/* See table_limits.h. Reads the environment anew at each call and keeps nothing. */
#include "base/table_limits.h"

#include <stdlib.h>
#include <string.h>

uint64_t table_limits__of(const char *name, uint64_t usual)
{
	const char *at = getenv("MEMLEAK_BPF_TEST_LIMITS");
	size_t length = strlen(name);

	for (; at && *at; at += *at == ',') {
		if (!strncmp(at, name, length) && at[length] == '=') {
			uint64_t given = strtoull(at + length + 1, NULL, 10);

			return given ? given : usual;
		}
		at += strcspn(at, ",");
	}
	return usual;
}
