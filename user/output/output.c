// SPDX-License-Identifier: GPL-2.0
/* The table of formats. A new one is a file of its own and a line here. */
#include "output/output.h"

#include <string.h>

static const struct output_format *const formats[] = {
	&output_text,  &output_json,	   &output_xml,	      &output_folded,
	&output_pprof, &output_speedscope, &output_heaptrack, &output_html,
};

const struct output_format *output__find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

const struct output_format *output__of_file(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *suffix = formats[i]->suffix;
		size_t suffix_length = suffix ? strlen(suffix) : 0;

		if (suffix_length && length > suffix_length &&
		    !strcmp(path + length - suffix_length, suffix))
			return formats[i];
	}
	return NULL;
}
