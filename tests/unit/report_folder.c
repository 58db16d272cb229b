// SPDX-License-Identifier: GPL-2.0
/* See report_folder.h. */
#include "report_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs these before it. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char report_folder__path[] = "/tmp/memleak-unit.XXXXXX";
char report_folder__report[64], report_folder__moved[64];

int report_folder__make(void **state)
{
	(void)state;
	if (!mkdtemp(report_folder__path))
		return -1;
	snprintf(report_folder__report, sizeof(report_folder__report), "%s/report",
		 report_folder__path);
	snprintf(report_folder__moved, sizeof(report_folder__moved), "%s/report.1",
		 report_folder__path);
	return 0;
}

int report_folder__remove(void **state)
{
	(void)state;
	return rmdir(report_folder__path);
}

/* A test may have made a folder where the report was. */
int report_folder__empty(void **state)
{
	(void)state;
	unlink(report_folder__report);
	unlink(report_folder__moved);
	rmdir(report_folder__report);
	return 0;
}

void report_folder__assert_content(const char *path, const char *expected)
{
	char content[256];
	FILE *file = fopen(path, "r");
	size_t size;

	assert_non_null(file);
	size = fread(content, 1, sizeof(content) - 1, file);
	fclose(file);
	content[size] = '\0';
	assert_string_equal(content, expected);
}
