// SPDX-License-Identifier: GPL-2.0
/* /proc/meminfo texts: of this kernel, of old ones, of containers, and broken ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/meminfo.h"

#define KIB 1024ULL

static int read_text(const char *text, struct memory_report *memory)
{
	FILE *file = *text ? fmemopen((void *)text, strlen(text), "r") : fopen("/dev/null", "r");
	int result;

	assert_non_null(file);
	memset(memory, 0x5a, sizeof(*memory));
	result = meminfo__read(file, memory);
	fclose(file);
	return result;
}

/* As free -k of procps 4.0.2 counts these: used 285712, buff/cache 118280. */
static const char modern[] = "MemTotal:       24684084 kB\n"
			     "MemFree:        24464496 kB\n"
			     "MemAvailable:   24398372 kB\n"
			     "Buffers:            1432 kB\n"
			     "Cached:            58668 kB\n"
			     "SwapCached:            7 kB\n"
			     "Slab:              79952 kB\n"
			     "SReclaimable:      58180 kB\n"
			     "HugePages_Total:       0\n"
			     "DirectMap4k:      100352 kB\n";

static void test_modern(void **state)
{
	struct memory_report memory;

	(void)state;
	assert_int_equal(read_text(modern, &memory), 0);
	assert_int_equal(memory.total_bytes, 24684084 * KIB);
	assert_int_equal(memory.free_bytes, 24464496 * KIB);
	assert_int_equal(memory.available_bytes, 24398372 * KIB);
	assert_int_equal(memory.used_bytes, 285712 * KIB);
	assert_int_equal(memory.buff_cache_bytes, 118280 * KIB);
}

static void test_without_available(void **state)
{
	struct memory_report memory;

	(void)state;
	assert_int_equal(read_text("MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 50 kB\n"
				   "Cached: 100 kB",
				   &memory),
			 0);
	assert_int_equal(memory.available_bytes, 300 * KIB);
	assert_int_equal(memory.buff_cache_bytes, 150 * KIB);
	assert_int_equal(memory.used_bytes, 550 * KIB);
}

/* lxcfs: the container's total next to the host's figures. */
static void test_contradictions(void **state)
{
	struct memory_report memory;

	(void)state;
	assert_int_equal(read_text("MemTotal: 1000 kB\nMemFree: 900 kB\nMemAvailable: 5000 kB\n"
				   "Buffers: 0 kB\nCached: 200 kB\n",
				   &memory),
			 0);
	assert_int_equal(memory.available_bytes, 900 * KIB);
	assert_int_equal(memory.used_bytes, 0);
	assert_int_equal(read_text("MemTotal: 1 kB\nMemFree: 2 kB\nBuffers: 18014398509481900 kB\n"
				   "Cached: 18014398509481900 kB\n",
				   &memory),
			 0);
	assert_true(memory.buff_cache_bytes == UINT64_MAX);
	assert_int_equal(memory.used_bytes, 0);
}

static void test_first_of_two_counts(void **state)
{
	struct memory_report memory;

	(void)state;
	assert_int_equal(
		read_text("Cached: x kB\nMemTotal: 10 kB\nMemTotal: 20 kB\nMemFree:\t5 kB\n"
			  "Buffers: 0 kB\nCached: 1 kB\n",
			  &memory),
		0);
	assert_int_equal(memory.total_bytes, 10 * KIB);
	assert_int_equal(memory.buff_cache_bytes, 1 * KIB);
}

static void test_long_lines(void **state)
{
	char text[2048] = "";
	struct memory_report memory;

	(void)state;
	/* A piece of a long line that looks like a line of its own is none. */
	memset(text, 'x', 255);
	strcpy(text + 255, "MemTotal: 99 kB\n");
	strcat(text, modern);
	assert_int_equal(read_text(text, &memory), 0);
	assert_int_equal(memory.total_bytes, 24684084 * KIB);
}

static void test_broken(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"MemTotal: 1 kB\nMemFree: 1 kB\nBuffers: 1 kB\n",
		"MemTotal: 1 kB\nMemFree: 1 kB\nCached: 1 kB\n",
		"MemTotal: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemTotal: -1 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemTotal: kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemTotal: 1 MB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemTotal: 1\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemTotal: 18014398509481984 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
		"MemTotal: 99999999999999999999999 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 "
		"kB\n",
		" MemTotal: 1 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n",
	};
	struct memory_report memory, untouched;

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (read_text(texts[i], &memory) != -EBADMSG)
			fail_msg("taken: %s", texts[i]);
		assert_memory_equal(&memory, &untouched, sizeof(memory));
	}
}

static void test_this_machine(void **state)
{
	FILE *file = fopen("/proc/meminfo", "r");
	struct memory_report memory;

	(void)state;
	if (!file)
		skip();
	assert_int_equal(meminfo__read(file, &memory), 0);
	fclose(file);
	assert_true(memory.total_bytes >= memory.used_bytes);
	assert_true(memory.total_bytes >= memory.free_bytes);
}

static FILE *text_file(const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(file);
	return file;
}

static void test_per_cpu_lists(void **state)
{
	FILE *zoneinfo = text_file("Node 0, zone   Normal\n"
				   "  pages free     2855\n"
				   "        boost    0\n"
				   "      nr_zone_inactive_anon 7\n"
				   "  pagesets\n"
				   "    cpu: 0\n"
				   "              count:    28356\n"
				   "              high:     28587\n"
				   "              batch:    63\n"
				   "    cpu: 1\n"
				   "              count:    4\n"
				   "              high:     24181\n");

	(void)state;
	assert_int_equal(meminfo__read_per_cpu_lists(zoneinfo, 4096), 28360 * 4096);
	fclose(zoneinfo);
}

static void test_no_per_cpu_lists(void **state)
{
	FILE *none = text_file("Node 0, zone   Normal\n  pages free     2855\n");
	FILE *absurd = text_file("  count: 18446744073709551615\n  count: 18446744073709551615\n");

	(void)state;
	assert_true(meminfo__read_per_cpu_lists(none, 4096) == FIGURE_UNKNOWN);
	assert_true(meminfo__read_per_cpu_lists(absurd, 4096) == FIGURE_UNKNOWN);
	fclose(none);
	fclose(absurd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_cpu_lists),  cmocka_unit_test(test_no_per_cpu_lists),
		cmocka_unit_test(test_modern),	       cmocka_unit_test(test_without_available),
		cmocka_unit_test(test_contradictions), cmocka_unit_test(test_first_of_two_counts),
		cmocka_unit_test(test_long_lines),     cmocka_unit_test(test_broken),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
