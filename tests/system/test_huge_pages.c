// SPDX-License-Identifier: GPL-2.0
/*
 * Transparent huge pages: 512 pages in one frame are 512 pages before and 512 frames after. The
 * machine's setting is taken as it is; only an emulated machine, which belongs to the test, is
 * changed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weight.h"

#define SETTING "/sys/kernel/mm/transparent_hugepage/enabled"
#define SIZE_MIB 16

static char former[32];

/* The word in brackets; "" when the kernel has no huge pages. */
static const char *read_setting(void)
{
	static char word[32];
	char line[128] = "";
	FILE *file = fopen(SETTING, "re");

	word[0] = '\0';
	if (file && fgets(line, sizeof(line), file))
		sscanf(line, "%*[^[][%31[a-z]", word);
	if (!word[0])
		sscanf(line, "[%31[a-z]", word);
	if (file)
		fclose(file);
	return word;
}

static bool write_setting(const char *word)
{
	int fd = open(SETTING, O_WRONLY | O_CLOEXEC);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, word, strlen(word)) == (ssize_t)strlen(word);
	close(fd);
	return written;
}

static int teardown(void **state)
{
	int result = harness__test_end(state);

	if (former[0] && !write_setting(former))
		result = -1;
	former[0] = '\0';
	return result;
}

static void need_setting(const char *wanted)
{
	const char *now = read_setting();

	if (!now[0])
		SKIP("this kernel has no transparent huge pages");
	if (!strcmp(now, wanted))
		return;
	if (!getenv("EMULATED"))
		SKIP("huge pages are for \"%s\" here, and that is not a test's to change", now);
	snprintf(former, sizeof(former), "%s", now);
	if (!write_setting(wanted))
		SKIP("huge pages can't be set to \"%s\"", wanted);
}

static void check(const char *word, bool are_huge)
{
	struct run *run = run_weigh(NO_ARGS, ARGS(word));
	struct weight weight = weight_printed(run->out);
	const json_t *record = exit_record(run);

	if (are_huge && weight.huge_bytes < SIZE_MIB * (long long)MIB)
		SKIP("the kernel had no huge pages to give: %lld bytes of %d MiB are in such",
		     weight.huge_bytes, SIZE_MIB);
	if (!are_huge)
		assert_int_equal(weight.huge_bytes, 0);
	assert_weight(record, &weight, 0);
	assert_in_range(number(record, "reclaimed.rss_anon_bytes"), SIZE_MIB * MIB,
			(SIZE_MIB + 1) * MIB);
	assert_frames(record);
	run__free(run);
}

static void check_words(bool plain, bool huge)
{
	check("nohuge=16", false);
	check("plain=16", plain);
	check("huge=16", huge);
}

static void test_for_who_asks(void **state)
{
	(void)state;
	need_setting("madvise");
	check_words(false, true);
}

static void test_always(void **state)
{
	(void)state;
	need_setting("always");
	check_words(true, true);
}

static void test_never(void **state)
{
	(void)state;
	need_setting("never");
	check_words(false, false);
}

/* The victim gave back the first half of each huge page: the other half is in small pages since. */
static void test_split(void **state)
{
	struct weight weight;
	struct run *run;
	(void)state;

	if (!strcmp(read_setting(), "never") || !read_setting()[0])
		SKIP("there are no transparent huge pages here");
	run = run_weigh(NO_ARGS, ARGS("huge=16", "split"));
	if (nth_weight_printed(run->out, 0).huge_bytes < SIZE_MIB * (long long)MIB)
		SKIP("the kernel had no huge pages to give");
	weight = weight_printed(run->out);
	assert_int_equal(weight.huge_bytes, 0);
	assert_in_range(weight.anon_bytes, SIZE_MIB * MIB / 2, (SIZE_MIB / 2 + 1) * MIB);
	assert_weight(exit_record(run), &weight, 0);
	/* The kernel may split the frame later, or never: the freed half may come back only now. */
	run__free(run);
}

#define HUGE_TEST(function) cmocka_unit_test_setup_teardown(function, harness__test_begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUGE_TEST(test_for_who_asks),
		HUGE_TEST(test_always),
		HUGE_TEST(test_never),
		HUGE_TEST(test_split),
	};

	return cmocka_run_group_tests_name("huge_pages", tests, harness__begin, harness__end);
}
