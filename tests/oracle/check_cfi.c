// SPDX-License-Identifier: GPL-2.0
/*
 * Compares the rows of every ELF file that is named with libdw's. -v tells of each file, -n N
 * compares every Nth function. Built and run by make check-cfi.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfi_against_libdw.h"

static void add(struct cfi_comparison *sum, const struct cfi_comparison *one)
{
	sum->nr_rows += one->nr_rows;
	sum->nr_functions += one->nr_functions;
	sum->nr_stretches += one->nr_stretches;
	sum->nr_differences += one->nr_differences;
	sum->nr_broken += one->nr_broken;
	sum->nr_rbp_inexpressible += one->nr_rbp_inexpressible;
	sum->rows_s += one->rows_s;
	sum->libdw_s += one->libdw_s;
	for (size_t i = 0; i <= UNWIND_CFA_BAD; i++)
		sum->nr_cfa[i] += one->nr_cfa[i];
}

static void show(const char *name, const struct cfi_comparison *comparison)
{
	static const char *const names[] = { "none", "rsp",    "rbp", "plt", "*rbp",
					     "*rsp", "signal", "end", "bad" };

	printf("%s: %zu rows in %.1f ms; %zu functions, %zu stretches in %.0f ms; %zu differ", name,
	       comparison->nr_rows, comparison->rows_s * 1e3, comparison->nr_functions,
	       comparison->nr_stretches, comparison->libdw_s * 1e3, comparison->nr_differences);
	if (comparison->nr_broken)
		printf(", %zu broken", comparison->nr_broken);
	if (comparison->nr_rbp_inexpressible)
		printf(", rbp elsewhere %zu", comparison->nr_rbp_inexpressible);
	for (size_t i = 0; i <= UNWIND_CFA_BAD; i++)
		if (comparison->nr_cfa[i])
			printf(", %s %zu", names[i], comparison->nr_cfa[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct cfi_comparison sum = { 0 }, one;
	size_t every_nth = 1, nr_files = 0, nr_other = 0, nr_without = 0;
	int option, verbose = 0;

	while ((option = getopt(argc, argv, "vn:")) != -1) {
		if (option == 'v')
			verbose = 1;
		else if (option == 'n' && atoi(optarg) > 0)
			every_nth = (size_t)atoi(optarg);
		else
			return 2;
	}
	for (int i = optind; i < argc; i++) {
		int err = cfi_against_libdw__compare(argv[i], every_nth, &one);

		if (err == -ENOENT) {
			nr_without++;
		} else if (err) {
			nr_other++;
			if (err != -ENOEXEC)
				printf("%s: %s\n", argv[i], strerror(-err));
		} else {
			nr_files++;
			add(&sum, &one);
			if (verbose || one.nr_differences)
				show(argv[i], &one);
		}
	}
	printf("%zu files, %zu without .eh_frame_hdr, %zu no x86-64 ELF files\n", nr_files,
	       nr_without, nr_other);
	show("all", &sum);
	return sum.nr_differences || !nr_files;
}
