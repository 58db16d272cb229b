// SPDX-License-Identifier: GPL-2.0
/* The checks of the tracer's JSON Lines, and of what a victim tells of itself. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static bool is_event(const json_t *record, const char *event)
{
	const char *name = json_string_value(json_object_get(record, "event"));

	return name && !strcmp(name, event);
}

unsigned int count_events(const struct run *run, const char *event)
{
	unsigned int n = 0;
	size_t i;
	json_t *record;

	json_array_foreach(run->events, i, record) n += is_event(record, event);
	return n;
}

json_t *event_record(const struct run *run, const char *event, unsigned int n)
{
	unsigned int skip_records = n;
	size_t i;
	json_t *record;

	json_array_foreach(run->events, i, record) if (is_event(record, event) &&
						       skip_records-- == 0) return record;
	run__print(run);
	fail_msg("no \"%s\" record number %u", event, n);
	return NULL;
}

json_t *exit_record_of(const struct run *run, pid_t pid, unsigned int n)
{
	unsigned int skip_records = n;
	size_t i;
	json_t *record;

	json_array_foreach(run->events, i, record) if (is_event(record, "exit") &&
						       number(record, "pid") == pid &&
						       skip_records-- == 0) return record;
	run__print(run);
	fail_msg("no exit record number %u of process %d", n, pid);
	return NULL;
}

json_t *last_exit_record_of(const struct run *run, pid_t pid)
{
	unsigned int n = 0;
	size_t i;
	json_t *record;

	json_array_foreach(run->events, i, record)
		n += is_event(record, "exit") && number(record, "pid") == pid;
	return exit_record_of(run, pid, n ? n - 1 : 0);
}

json_t *exit_record(const struct run *run)
{
	unsigned int nr = count_events(run, "exit");

	/*
	 * Two records are right if the first is the end of a process and the second that of its
	 * memory: another tracer held the memory, or an emulated processor took longer for the
	 * teardown than the tracer waits.
	 */
	if (nr == 2 && !truth_value(event_record(run, "exit", 0), "end.memory_gone") &&
	    number(event_record(run, "exit", 0), "pid") ==
		    number(event_record(run, "exit", 1), "pid") &&
	    (getenv("EMULATED") || another_tracer_runs()))
		return event_record(run, "exit", 1);
	if (nr != 1) {
		run__print(run);
		fail_msg("%u exit records instead of one", nr);
	}
	return event_record(run, "exit", 0);
}

const json_t *final_exit_record(const struct run *run)
{
	const json_t *first = event_record(run, "exit", 0);

	if (truth_value(first, "end.memory_gone"))
		return exit_record(run);
	assert_false(json_is_true(field(first, "verified")));
	assert_int_equal(count_events(run, "exit"), 2);
	return exit_record_of(run, (pid_t)number(first, "pid"), 1);
}

/* Returns NULL when the value is absent; a null on the way ends the walk there. */
static json_t *walk(const json_t *record, const char *path)
{
	json_t *value = (json_t *)record;

	while (value && *path && !json_is_null(value)) {
		size_t length = strcspn(path, ".");
		char key[64];

		assert_true(length < sizeof(key));
		memcpy(key, path, length);
		key[length] = '\0';
		value = json_object_get(value, key);
		path += length + (path[length] == '.');
	}
	return value;
}

static void complain(const json_t *record, const char *path, const char *wanted)
{
	print_json(record);
	fail_msg("\"%s\" is not %s", path, wanted);
}

json_t *field(const json_t *record, const char *path)
{
	json_t *value = walk(record, path);

	if (!value)
		complain(record, path, "there");
	return value;
}

long long number(const json_t *record, const char *path)
{
	json_t *value = walk(record, path);

	if (!json_is_integer(value))
		complain(record, path, "an integer");
	return json_integer_value(value);
}

double real(const json_t *record, const char *path)
{
	json_t *value = walk(record, path);

	if (!json_is_number(value))
		complain(record, path, "a number");
	return json_number_value(value);
}

const char *text(const json_t *record, const char *path)
{
	json_t *value = walk(record, path);

	if (!json_is_string(value))
		complain(record, path, "a string");
	return json_string_value(value);
}

bool truth_value(const json_t *record, const char *path)
{
	json_t *value = walk(record, path);

	if (!json_is_boolean(value))
		complain(record, path, "true or false");
	return json_is_true(value);
}

bool is_null(const json_t *record, const char *path)
{
	return json_is_null(field(record, path));
}

/* ---- stacks ---- */

static bool names_function(const json_t *stack, const char *function)
{
	json_t *frame;
	size_t i;

	json_array_foreach(json_object_get(stack, "frames"), i, frame)
	{
		const char *name = json_string_value(json_object_get(frame, "function"));

		if (name && !strcmp(name, function))
			return true;
	}
	return false;
}

static void add_stack(struct sum *sum, const json_t *stack)
{
	sum->bytes += (unsigned long long)number(stack, "bytes");
	sum->blocks += (unsigned long long)number(stack, "blocks");
	sum->stacks++;
}

struct sum stacks_with(const json_t *record, const char *function)
{
	struct sum sum = { 0, 0, 0 };
	json_t *stack;
	size_t i;

	json_array_foreach(field(record, "stacks"), i, stack) if (names_function(stack, function))
		add_stack(&sum, stack);
	return sum;
}

struct sum stacks_without(const json_t *record, const char *const *functions)
{
	struct sum sum = { 0, 0, 0 };
	json_t *stack;
	size_t i;

	json_array_foreach(field(record, "stacks"), i, stack)
	{
		const char *const *function = functions;

		while (*function && !names_function(stack, *function))
			function++;
		if (!*function)
			add_stack(&sum, stack);
	}
	return sum;
}

struct sum all_stacks(const json_t *record)
{
	return stacks_without(record, NO_ARGS);
}

json_t *stack_of_bytes(const json_t *record, long long bytes)
{
	json_t *stack;
	size_t i;

	json_array_foreach(field(record, "stacks"), i,
			   stack) if (number(stack, "bytes") == bytes) return stack;
	complain(record, "stacks", "with a stack of those bytes");
	return NULL;
}

const char *frame_function(const json_t *stack, size_t index)
{
	const json_t *frame = json_array_get(field(stack, "frames"), index);
	const char *name = json_string_value(json_object_get(frame, "function"));

	return name ? name : "";
}

/* ---- truth ---- */

struct truth truth_of(const struct run *run, unsigned int n)
{
	const char *line = run->out;
	struct truth truth;
	json_t *whole, *inner;

	for (;;) {
		line = strstr(line, "{\"truth\"");
		if (!line) {
			run__print(run);
			fail_msg("the victim did not say truth number %u", n);
		}
		if (n-- == 0)
			break;
		line++;
	}
	whole = json_loadb(line, strcspn(line, "\n"), 0, NULL);
	assert_non_null(whole);
	inner = field(whole, "truth");
	truth.held_bytes = number(inner, "held_bytes");
	truth.held_blocks = number(inner, "held_blocks");
	truth.allocated_bytes = number(inner, "allocated_bytes");
	truth.allocated_blocks = number(inner, "allocated_blocks");
	truth.freed_bytes = number(inner, "freed_bytes");
	truth.freed_blocks = number(inner, "freed_blocks");
	truth.failed = number(inner, "failed");
	json_decref(whole);
	return truth;
}

void assert_nothing_lost(const json_t *record)
{
	if (number(record, "lost.events") || number(record, "lost.blocks") ||
	    number(record, "lost.stacks"))
		complain(record, "lost", "zero");
}

void assert_held(const json_t *record, long long bytes, long long blocks)
{
	if (number(record, "held.bytes") != bytes || number(record, "held.blocks") != blocks) {
		print_message("expected %lld bytes in %lld blocks held\n", bytes, blocks);
		complain(record, "held", "that");
	}
}

void assert_consistent(const json_t *record)
{
	struct sum sum = all_stacks(record);

	if (number(record, "held.bytes") != number(record, "totals.allocated_bytes") -
						    number(record, "totals.freed_bytes") ||
	    number(record, "held.blocks") != number(record, "totals.allocated_blocks") -
						     number(record, "totals.freed_blocks"))
		complain(record, "held", "allocated minus freed");
	if ((long long)sum.bytes + number(record, "more_bytes") != number(record, "held.bytes") ||
	    (long long)sum.blocks + number(record, "more_blocks") != number(record, "held.blocks"))
		complain(record, "stacks", "the sum of what is held");
}

void assert_exact_in(const json_t *record, const struct truth *truth, const char *const *functions,
		     long long max_rest)
{
	struct sum rest = stacks_without(record, functions), all = all_stacks(record);

	assert_consistent(record);
	assert_nothing_lost(record);
	/* Otherwise the sums below would say nothing. */
	assert_int_equal(number(record, "more_stacks"), 0);
	if ((long long)(all.bytes - rest.bytes) != truth->held_bytes ||
	    (long long)(all.blocks - rest.blocks) != truth->held_blocks) {
		print_message(
			"the victim holds %lld bytes in %lld blocks, its stacks %llu in %llu\n",
			truth->held_bytes, truth->held_blocks, all.bytes - rest.bytes,
			all.blocks - rest.blocks);
		complain(record, "stacks", "what the victim holds");
	}
	if ((long long)rest.blocks > max_rest)
		complain(record, "stacks", "free of blocks that nobody asked for");
	assert_int_equal(number(record, "totals.failed"), truth->failed);
}

long long cached_frees(long long threads)
{
	/* 64 lists of 7 blocks, and the lists themselves. */
	return threads * (64 * 7 + 1);
}

void assert_exact(const json_t *record, const struct truth *truth)
{
	assert_consistent(record);
	assert_held(record, truth->held_bytes, truth->held_blocks);
	assert_int_equal(number(record, "totals.allocated_bytes"), truth->allocated_bytes);
	assert_int_equal(number(record, "totals.allocated_blocks"), truth->allocated_blocks);
	assert_int_equal(number(record, "totals.freed_bytes"), truth->freed_bytes);
	assert_int_equal(number(record, "totals.freed_blocks"), truth->freed_blocks);
	assert_int_equal(number(record, "totals.failed"), truth->failed);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	assert_nothing_lost(record);
}

void assert_exact_or_said(const json_t *record, const struct truth *truth)
{
	if (!number(record, "lost.events")) {
		assert_exact(record, truth);
		return;
	}
	assert_consistent(record);
	assert_true(number(record, "held.bytes") <= truth->held_bytes);
	assert_true(number(record, "held.blocks") <= truth->held_blocks);
	assert_true(number(record, "totals.allocated_blocks") <= truth->allocated_blocks);
}

void assert_reclaimed(const json_t *record)
{
	/* Other CPUs' batches hold freed pages for a while. */
	long long tolerance = 64LL * nr_cpus() * sysconf(_SC_PAGESIZE);
	long long anon = number(record, "reclaimed.rss_anon_bytes");

	if (!json_is_true(field(record, "verified")))
		complain(record, "verified", "true");
	assert_true(strlen(text(record, "verified_why")) > 0);
	/* A process has a stack at least. */
	assert_true(anon > 0);
	assert_true(number(record, "reclaimed.rss_file_bytes") >= 0);
	assert_true(number(record, "reclaimed.rss_shmem_bytes") >= 0);
	assert_true(number(record, "reclaimed.swap_bytes") >= 0);
	assert_true(number(record, "reclaimed.page_table_bytes") > 0);
	assert_true(number(record, "reclaimed.virtual_bytes") >= anon);
	if (!is_null(record, "reclaimed.freed_page_bytes") &&
	    number(record, "reclaimed.freed_page_bytes") < anon - tolerance)
		complain(record, "reclaimed.freed_page_bytes", "nearly all anonymous pages");
}

/* ---- text ---- */

void assert_contains(const char *haystack, const char *needle)
{
	if (!strstr(haystack, needle)) {
		print_whole(haystack);
		fail_msg("it does not say \"%s\"", needle);
	}
}

void assert_lacks(const char *haystack, const char *needle)
{
	if (strstr(haystack, needle)) {
		print_whole(haystack);
		fail_msg("it says \"%s\"", needle);
	}
}

void assert_same_lines(const char *actual, const char *expected)
{
	unsigned int line = 1, different = 0;

	for (; *actual || *expected; line++) {
		int a = (int)strcspn(actual, "\n"), b = (int)strcspn(expected, "\n");

		if (a != b || strncmp(actual, expected, (size_t)a) != 0) {
			print_message("line %u: \"%.*s\" instead of \"%.*s\"\n", line,
				      a < 200 ? a : 200, actual, b < 200 ? b : 200, expected);
			different++;
		}
		actual += a + (actual[a] == '\n');
		expected += b + (expected[b] == '\n');
	}
	assert_int_equal(different, 0);
}

void assert_one_line(const char *content)
{
	const char *newline = strchr(content, '\n');

	if (!newline || newline == content || newline[1]) {
		print_whole(content);
		fail_msg("that is not exactly one line");
	}
}
