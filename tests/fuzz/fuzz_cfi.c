// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over call frame information: the bytes as an .eh_frame section, and as an ELF file that
 * may have one. Built and run by make fuzz-cfi.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unwind/cfi.h"
#include "unwind/unwind_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

struct progress {
	uint64_t begin; /* the lowest address that may come next */
	uint64_t end;
	size_t nr;
};

static void check_rule(const struct unwind_rule *rule)
{
	if (rule->cfa > UNWIND_CFA_BAD || rule->rbp > UNWIND_RBP_UNDEFINED || rule->pad)
		abort();
}

static int check_order(uint64_t address, const struct unwind_rule *rule, void *context)
{
	struct progress *progress = context;

	check_rule(rule);
	if (address < progress->begin || address >= progress->end ||
	    (!progress->nr && address != progress->begin))
		abort();
	progress->begin = address + 1;
	progress->nr++;
	return 0;
}

static void check_section(const uint8_t *bytes, size_t nr_bytes)
{
	const struct cfi_section section = {
		.bytes = bytes,
		.nr_bytes = nr_bytes,
		.address = 0x10000,
		.data_base = 0x20000,
		.ends_at_terminator = nr_bytes & 1,
	};
	const struct cfi_function *functions;
	uint64_t last = 0;
	struct cfi *cfi;
	size_t nr;

	if (cfi__read(&section, &cfi))
		return;
	functions = cfi__functions(cfi, &nr);
	for (size_t i = 0; i < nr; i++) {
		struct progress progress = { functions[i].begin, functions[i].end, 0 };

		if (functions[i].begin < last || functions[i].end <= functions[i].begin)
			abort();
		last = functions[i].end;
		cfi__interpret(cfi, &functions[i], check_order, &progress);
		if (!progress.nr || progress.nr > functions[i].program_bytes + 1u)
			abort();
	}
	cfi__free(cfi);
}

static void check_file(const uint8_t *bytes, size_t nr_bytes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;
	struct unwind_rows rows;

	if (fd < 0 || write(fd, bytes, nr_bytes) != (ssize_t)nr_bytes)
		abort();
	err = unwind_rows__of_file(fd, &rows);
	close(fd);
	if (err)
		return;
	for (size_t i = 0; i < rows.nr; i++) {
		check_rule(&rows.row[i].rule);
		if (i &&
		    (rows.row[i].file_offset <= rows.row[i - 1].file_offset ||
		     !memcmp(&rows.row[i].rule, &rows.row[i - 1].rule, sizeof(rows.row[i].rule))))
			abort();
	}
	unwind_rows__free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	check_section(bytes, nr_bytes);
	check_file(bytes, nr_bytes);
	return 0;
}
