// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of names: the tracer's memory and time for hostile files, and the files that it keeps
 * open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "harness.h"

#define NR_UNITS 900000
#define MAX_RESIDENT_BYTES (300 * MIB)
/* A share of a second for each of three reports, and the time to begin and to end. */
#define MAX_CPU_S 12.0

static void write_file(const char *path, const void *bytes, size_t nr_bytes, size_t times)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < times; i++)
		assert_int_equal(fwrite(bytes, 1, nr_bytes, file), nr_bytes);
	assert_int_equal(fclose(file), 0);
}

static void run_shell(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

/* Makes a program with that many empty units: libdw allocates a kilobyte for each. */
static void make_hostile(const char *path)
{
	static const unsigned char unit[] = { 8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 1 };
	static const unsigned char abbreviations[] = { 1, 0x11, 0, 0, 0, 0 };
	char command[4096];

	write_file(scratch("info"), unit, sizeof(unit), NR_UNITS);
	write_file(scratch("abbreviations"), abbreviations, sizeof(abbreviations), 1);
	snprintf(command, sizeof(command),
		 "objcopy -g --add-section .debug_info=%s --add-section .debug_abbrev=%s %s %s",
		 scratch("info"), scratch("abbreviations"), victim("leak64"), path);
	run_shell(command);
}

/*
 * The hostile program has the names of its symbols; its neighbours have all of theirs; nobody
 * waits.
 */
static void test_units_without_number(void **state)
{
	const char *hostile = scratch("hostile");
	char script[4096];
	struct run *run;
	const json_t *stack, *total;

	(void)state;
	if (!have_program("objcopy"))
		SKIP("no objcopy to make a hostile program with");
	make_hostile(hostile);
	snprintf(script, sizeof(script), "cp %s %s.2; cp %s %s.3; %s; %s.2; %s.3; %s", hostile,
		 hostile, hostile, hostile, hostile, hostile, hostile, victim("leak64"));
	run = trace(ARGS("-f"), ARGS("sh", "-c", script));
	assert_int_equal(run->exit_status, 0);
	for (unsigned int n = 0, nr_leaks = 0; nr_leaks < 4; n++) {
		const json_t *record = event_record(run, "exit", n);

		if (number(record, "held.bytes") < 64ll << 20)
			continue;
		nr_leaks++;
		stack = stack_of_bytes(record, 64 << 20);
		assert_string_equal(frame_function(stack, 0), "main");
		if (nr_leaks == 4)
			assert_true(number(json_array_get(field(stack, "frames"), 0), "line") > 0);
	}
	total = event_record(run, "total", 0);
	assert_in_range(number(total, "tracer.peak_rss_bytes"), 1, MAX_RESIDENT_BYTES);
	if (!getenv("EMULATED"))
		assert_true(real(total, "tracer.cpu_s") < MAX_CPU_S);
	run__free(run);
}

/* A program's mount is free again when the program has ended. */
static void test_mounts_are_not_kept_busy(void **state)
{
	const char *folder = scratch("mount");
	char script[4096];
	struct run *run;

	(void)state;
	snprintf(script, sizeof(script), "mkdir %s && mount -t tmpfs none %s && cp %s %s/program",
		 folder, folder, victim("leak64"), folder);
	run_shell(script);
	snprintf(script, sizeof(script),
		 "%s/program; for i in $(seq 60); do umount %s && exit 7; sleep 0.5; done", folder,
		 folder);
	run = trace(ARGS("-f"), ARGS("sh", "-c", script));
	if (run->exit_status != 7)
		umount2(folder, MNT_DETACH);
	assert_int_equal(run->exit_status, 7);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_units_without_number),
		SYSTEM_TEST(test_mounts_are_not_kept_busy),
	};

	return cmocka_run_group_tests_name("names", tests, harness__begin, harness__end);
}
