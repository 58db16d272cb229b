// SPDX-License-Identifier: GPL-2.0
/* The files of suppressions in their order, and what their entries have hidden. See suppressions.h.
 */
#include "report/suppressions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/suppression_file.h"
#include "report/suppression_match.h"

struct suppressions {
	struct suppression_file *files;
	size_t nr, capacity;
};

struct suppressions *suppressions__new(void)
{
	return calloc(1, sizeof(struct suppressions));
}

void suppressions__free(struct suppressions *suppressions)
{
	if (!suppressions)
		return;
	for (size_t i = 0; i < suppressions->nr; i++)
		suppression_file__free(&suppressions->files[i]);
	free(suppressions->files);
	free(suppressions);
}

/* In one line, whatever the name of the file. */
static void write_error(char *error, size_t size, const char *file_name,
			const struct suppression_error *wrong, int err)
{
	const char *reason = wrong->reason ? wrong->reason : strerror(-err);

	if (wrong->line)
		snprintf(error, size, "%s:%u: %s", file_name, wrong->line, reason);
	else
		snprintf(error, size, "%s: %s", file_name, reason);
	for (; size && *error; error++)
		if ((unsigned char)*error < ' ' || *error == 0x7f)
			*error = '?';
}

int suppressions__read(struct suppressions *suppressions, const char *file_name, FILE *in,
		       char *error, size_t error_size)
{
	struct suppression_error wrong = { 0 };
	struct suppression_file file = { 0 };
	int err =
		array__reserve(&suppressions->files, &suppressions->capacity, suppressions->nr + 1);

	if (!err)
		err = suppression_file__read(&file, file_name, in, &wrong);
	if (err) {
		write_error(error, error_size, file_name, &wrong, err);
		suppression_file__free(&file);
		return err;
	}
	suppressions->files[suppressions->nr++] = file;
	return 0;
}

size_t suppressions__nr(const struct suppressions *suppressions)
{
	size_t nr = 0;

	for (size_t i = 0; i < suppressions->nr; i++)
		nr += suppressions->files[i].nr;
	return nr;
}

static struct suppression *find_match(const struct suppression_file *file, enum leak_kind kind,
				      const struct report_frame *frames, size_t nr)
{
	for (size_t i = 0; i < file->nr; i++) {
		struct suppression *entry = &file->list[i];

		if ((entry->kinds & LEAK_KIND_BIT(kind)) &&
		    suppression__matches(entry, file->locations, frames, nr))
			return entry;
	}
	return NULL;
}

bool suppressions__match(struct suppressions *suppressions, enum leak_kind kind,
			 const struct report_frame *frames, size_t nr,
			 const struct leak_sum *hidden)
{
	for (size_t i = 0; i < suppressions->nr; i++) {
		struct suppression *entry = find_match(&suppressions->files[i], kind, frames, nr);

		if (!entry)
			continue;
		entry->records++;
		entry->hidden.bytes += hidden->bytes;
		entry->hidden.blocks += hidden->blocks;
		return true;
	}
	return false;
}

size_t suppressions__used(const struct suppressions *suppressions, struct report_suppression *list,
			  size_t max)
{
	size_t nr = 0;

	for (size_t i = 0; i < suppressions->nr; i++) {
		const struct suppression_file *file = &suppressions->files[i];

		for (size_t j = 0; j < file->nr; j++) {
			const struct suppression *entry = &file->list[j];

			if (!entry->records)
				continue;
			if (nr < max)
				list[nr] = (struct report_suppression){
					.name = entry->name,
					.file = file->name,
					.line = entry->line,
					.hidden = entry->hidden,
					.records = entry->records,
				};
			nr++;
		}
	}
	return nr;
}

void suppressions__reset_counts(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->nr; i++) {
		struct suppression_file *file = &suppressions->files[i];

		for (size_t j = 0; j < file->nr; j++) {
			file->list[j].records = 0;
			file->list[j].hidden = (struct leak_sum){ 0 };
		}
	}
}
