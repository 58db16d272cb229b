// SPDX-License-Identifier: GPL-2.0
/* See fixture_files.h. */
#include "fixture_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static FILE *create(const char *folder, const char *name)
{
	char path[4200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void make_folder(const char *folder, const char *name)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (mkdir(path, 0755) != 0) {
		perror(path);
		exit(1);
	}
}

void fixture_files__make_tree(const char *folder, const char *root)
{
	char name[128];

	make_folder(folder, root);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/folder%d", root, i);
		make_folder(folder, name);
		for (int j = 0; j < 8; j++) {
			FILE *file;

			snprintf(name, sizeof(name), "%s/folder%d/file%d", root, i, j);
			file = create(folder, name);
			for (int k = 0; k < 20 * (j + 1); k++)
				fprintf(file, "line %d of file %d in folder %d\n", k, j, i);
			fclose(file);
		}
	}
}

void fixture_files__make(const char *folder)
{
	unsigned int seed = 12345;
	FILE *text_file = create(folder, "text"), *numbers = create(folder, "numbers");
	FILE *data = create(folder, "data.json"), *makefile = create(folder, "makefile");
	FILE *sums = create(folder, "sums.bc");

	fprintf(data, "{\"values\": [0");
	for (int i = 0; i < 3000; i++) {
		seed = seed * 1664525 + 1013904223;
		fprintf(text_file, "line %u %u and some words to make it longer\n", seed >> 20,
			seed >> 24);
		fprintf(numbers, "%05d\n", i / 2);
		fprintf(data, ", %u", seed >> 22);
	}
	fprintf(data, "]}\n");
	fprintf(makefile, "WORDS := $(foreach i,a b c d e f,word-$(i))\nall: $(WORDS)\n"
			  "$(WORDS): word-%%:\n\techo $*\n");
	fprintf(sums, "define f(n) { if (n < 2) return n; return f(n-1) + f(n-2) }\nf(12)\n"
		      "scale=40\n1/7\nquit\n");
	fclose(text_file);
	fclose(numbers);
	fclose(data);
	fclose(makefile);
	fclose(sums);
}

void fixture_files__make_repository(const char *folder, char *const *environment)
{
	static const char *const steps[][8] = {
		{ "git", "init", "-q", "-b", "main", "repository" },
		{ "git", "-C", "repository", "add", "-A" },
		{ "git", "-C", "repository", "commit", "-q", "-m", "First" },
		{ "git", "-C", "repository", "mv", "folder1", "folder9" },
		{ "git", "-C", "repository", "commit", "-q", "-m", "Second" },
		{ "git", "-C", "repository", "pack-refs", "--all" },
		{ "git", "-C", "repository", "gc", "-q" },
		{ "git", "-C", "repository", "status" },
	};

	fixture_files__make_tree(folder, "repository");
	if (!have_program("git"))
		return;
	/* git reads an index that is as young as its files again and again: wait a second. */
	sleep(1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct child_options options = { .argv = steps[i],
						 .directory = folder,
						 .environment = environment };

		run__free(run_with(&options, 60));
	}
}
