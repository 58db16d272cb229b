// SPDX-License-Identifier: GPL-2.0
/*
 * The formats that show all stacks at once: the same sums in each, whatever the names are, the
 * newest report of each process, and no half file when memory runs out.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "failing_alloc.h"
#include "output/profile.h"

static struct report_frame frames[] = {
	{ .function = "keep",
	  .file = "/src/a.c",
	  .line = 3,
	  .module = "/bin/a",
	  .module_offset = 16,
	  .inlined = true,
	  .build_id = "abcd" },
	{ .function = "main",
	  .file = "/src/a.c",
	  .line = 9,
	  .module = "/bin/a",
	  .module_offset = 16,
	  .build_id = "abcd" },
	{ .module = "/bin/a", .module_offset = 0x1234, .build_id = "abcd" },
	{ .function = "a;b\n</script>", .module = "/lib/\xff.so", .module_offset = 1 },
	{ .address = 0x77 },
};

static struct report_stack stacks[] = {
	{ .bytes = 100, .blocks = 2, .frames = frames, .nr_frames = 3 },
	{ .bytes = 30, .blocks = 1, .frames = &frames[1], .nr_frames = 4 },
	{ .bytes = 7, .blocks = 7, .frames = NULL, .nr_frames = 0 },
};

static struct process_report process_report(pid_t pid, size_t nr)
{
	struct process_report report = {
		.pid = pid,
		.comm = "a",
		.exe = "/bin/a",
		.has_allocator = true,
		.stacks = { .list = stacks, .nr = nr },
		.time = { 1000, 5 },
	};

	for (size_t i = 0; i < nr; i++) {
		report.held_bytes += stacks[i].bytes;
		report.held_blocks += stacks[i].blocks;
	}
	return report;
}

struct item {
	enum report_kind kind;
	pid_t pid;
	size_t nr; /* of stacks */
};

/* The document of these reports, to be freed. */
static char *write_all(const struct output_format *format, const struct item *items, size_t nr,
		       size_t *size)
{
	const struct output_settings settings = { 0 };
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	uint64_t state[64] = { 0 };

	assert_non_null(out);
	assert_true(format->state_bytes <= sizeof(state));
	format->begin(state, out, &settings);
	for (size_t i = 0; i < nr; i++) {
		struct process_report process = process_report(items[i].pid, items[i].nr);
		struct ranking_report ranking = { .stacks = process.stacks };
		struct report report = { .kind = items[i].kind, .process = &process };

		if (items[i].kind == REPORT_RANKING)
			report.ranking = &ranking;
		format->report(state, out, &report);
	}
	format->end(state, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static const struct item one[] = { { REPORT_EXIT, 1, 3 } };

static void test_folded(void **state)
{
	static const struct item two[] = { { REPORT_EXIT, 1, 1 }, { REPORT_EXIT, 2, 1 } };
	static const struct item same[] = { { REPORT_OUTSTANDING, 1, 3 }, { REPORT_EXIT, 1, 1 } };
	size_t size;
	char *text = write_all(&output_folded, one, 1, &size);
	(void)state;

	assert_string_equal(text, "(no stack was recorded) 7\n"
				  "0x77;a:b\\n</script>;a+0x1234;main 30\n"
				  "a+0x1234;main;keep 100\n");
	free(text);
	text = write_all(&output_folded, two, 2, &size);
	assert_string_equal(text, "a (PID 1);a+0x1234;main;keep 100\n"
				  "a (PID 2);a+0x1234;main;keep 100\n");
	free(text);
	/* The end of a process takes the place of what it held before. */
	text = write_all(&output_folded, same, 2, &size);
	assert_string_equal(text, "a+0x1234;main;keep 100\n");
	free(text);
	text = write_all(&output_folded, NULL, 0, &size);
	assert_string_equal(text, "");
	free(text);
}

static void test_the_same_pid_twice(void **state)
{
	/* It became another program, or its number was used again. */
	static const struct item items[] = { { REPORT_EXIT, 1, 1 },
					     { REPORT_OUTSTANDING, 1, 2 },
					     { REPORT_OUTSTANDING, 1, 1 } };
	size_t size;
	char *text = write_all(&output_folded, items, 3, &size);
	(void)state;

	assert_string_equal(text, "a (PID 1);a+0x1234;main;keep 200\n");
	free(text);
}

static void test_a_ranking_is_all(void **state)
{
	static const struct item items[] = { { REPORT_EXIT, 5, 3 },
					     { REPORT_RANKING, 0, 3 },
					     { REPORT_RANKING, 0, 1 } };
	size_t size;
	char *text = write_all(&output_folded, items, 3, &size);
	(void)state;

	assert_string_equal(text, "a+0x1234;main;keep 100\n");
	free(text);
}

static void test_speedscope(void **state)
{
	size_t size;
	char *text = write_all(&output_speedscope, one, 1, &size);
	json_t *file = json_loads(text, 0, NULL);
	const json_t *table, *profile, *sample;
	(void)state;

	assert_non_null(file);
	table = json_object_get(json_object_get(file, "shared"), "frames");
	profile = json_array_get(json_object_get(file, "profiles"), 0);
	assert_int_equal(json_array_size(table), 5 + 1);
	assert_int_equal(json_integer_value(json_object_get(profile, "endValue")), 137);
	assert_string_equal(json_string_value(json_object_get(profile, "unit")), "bytes");
	sample = json_array_get(json_object_get(profile, "samples"), 0);
	assert_int_equal(json_array_size(sample), 3);
	/* Callers first. */
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(table, (size_t)json_integer_value(
								  json_array_get(sample, 2))),
				    "name")),
			    "keep");
	json_decref(file);
	free(text);
}

/* A reader of protocol buffers: enough for the sums. */
static uint64_t varint(const uint8_t *bytes, size_t *at)
{
	uint64_t number = 0;

	for (unsigned int shift = 0;; shift += 7) {
		number |= (uint64_t)(bytes[*at] & 0x7f) << shift;
		if (!(bytes[(*at)++] & 0x80))
			return number;
	}
}

struct counted {
	uint64_t blocks, bytes;
	unsigned int nr[16]; /* records by field */
	char first_mapping[64], strings[1024];
};

static void count_sample(const uint8_t *bytes, size_t size, struct counted *counted)
{
	for (size_t at = 0; at < size;) {
		uint64_t key = varint(bytes, &at), length = varint(bytes, &at);
		size_t inner = at;

		if (key >> 3 == 2) {
			counted->blocks += varint(bytes, &inner);
			counted->bytes += varint(bytes, &inner);
		}
		at += length;
	}
}

static struct counted count(const uint8_t *bytes, size_t size)
{
	struct counted counted = { 0 };

	for (size_t at = 0; at < size;) {
		uint64_t key = varint(bytes, &at), length;

		counted.nr[key >> 3]++;
		if ((key & 7) == 0) {
			varint(bytes, &at);
			continue;
		}
		length = varint(bytes, &at);
		if (key >> 3 == 2)
			count_sample(bytes + at, length, &counted);
		if (key >> 3 == 6) {
			strncat(counted.strings, (const char *)bytes + at, length);
			strcat(counted.strings, "|");
		}
		at += length;
	}
	return counted;
}

static void test_pprof(void **state)
{
	size_t size;
	char *zipped = write_all(&output_pprof, one, 1, &size);
	uint8_t bytes[8192];
	z_stream stream = {
		.next_in = (uint8_t *)zipped,
		.avail_in = (unsigned int)size,
		.next_out = bytes,
		.avail_out = sizeof(bytes),
	};
	struct counted counted;
	(void)state;

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	counted = count(bytes, sizeof(bytes) - stream.avail_out);
	inflateEnd(&stream);
	assert_int_equal(counted.bytes, 137);
	assert_int_equal(counted.blocks, 10);
	assert_int_equal(counted.nr[2], 3);
	/* /bin/a, /lib/\xff.so */
	assert_int_equal(counted.nr[3], 2);
	/* keep in main, main alone, and three without inlined functions */
	assert_int_equal(counted.nr[4], 5);
	assert_int_equal(counted.nr[5], 5);
	/* The first string is the empty one. */
	assert_int_equal(counted.strings[0], '|');
	assert_non_null(strstr(counted.strings, "|inuse_space|"));
	assert_non_null(strstr(counted.strings, "|a+0x1234|"));
	assert_non_null(strstr(counted.strings, "|abcd|"));
	free(zipped);
}

static void test_heaptrack(void **state)
{
	size_t size;
	char *text = write_all(&output_heaptrack, one, 1, &size);
	uint64_t bytes = 0, sizes[16];
	unsigned int nr_kinds = 0, nr_blocks = 0, kind;
	(void)state;

	assert_ptr_equal(strstr(text, "v 10000 1\nX /bin/a\nI "), text);
	/* No name begins a line of its own. */
	assert_non_null(strstr(text, "\ns a;b\\n</script>\n"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (line[0] == 'a')
			assert_int_equal(sscanf(line, "a %" SCNx64, &sizes[nr_kinds++]), 1);
		if (line[0] != '+')
			continue;
		assert_int_equal(sscanf(line, "+ %x", &kind), 1);
		assert_true(kind < nr_kinds);
		bytes += sizes[kind];
		nr_blocks++;
	}
	assert_int_equal(bytes, 137);
	assert_int_equal(nr_blocks, 10);
	free(text);
}

/* The profile ends where its element does, whatever the names are. */
static void test_html(void **state)
{
	static const char start[] = "id=\"profile\">";
	size_t size;
	char *text = write_all(&output_html, one, 1, &size);
	char *profile = strstr(text, start), *end;
	json_t *data;
	const json_t *list;
	(void)state;

	assert_non_null(profile);
	profile += strlen(start);
	end = strchr(profile, '<');
	assert_non_null(end);
	assert_int_equal(strncmp(end, "</script>\n<script>", 18), 0);
	*end = '\0';
	data = json_loads(profile, 0, NULL);
	assert_non_null(data);
	list = json_object_get(data, "stacks");
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "bytes")),
			 100);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(data, "frames"), 3), "name")),
			    "a;b\n</script>");
	assert_string_equal(json_string_value(json_object_get(data, "title")), "a (PID 1)");
	assert_true(json_is_false(json_object_get(json_object_get(data, "has"), "growth")));
	json_decref(data);
	free(text);
	/* Nothing is loaded from elsewhere. */
	text = write_all(&output_html, NULL, 0, &size);
	assert_non_null(strstr(text, "default-src 'none'"));
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "href="));
	assert_null(strstr(text, "@P"));
	assert_null(strstr(text, "@S"));
	free(text);
}

/* Whatever fails, nothing is freed twice or read after it. */
static void test_no_memory(void **state)
{
	static const struct output_format *const formats[] = { &output_folded, &output_pprof,
							       &output_heaptrack };
	const struct output_settings settings = { 0 };
	struct process_report process = process_report(1, 3);
	struct report report = { .kind = REPORT_EXIT, .process = &process };
	(void)state;

	for (size_t i = 0; i < 3; i++)
		for (long nr = 0; nr < 60; nr++) {
			FILE *out = fopen("/dev/null", "w");
			uint64_t room[64] = { 0 };

			assert_non_null(out);
			formats[i]->begin(room, out, &settings);
			failing_alloc__after(nr);
			formats[i]->report(room, out, &report);
			formats[i]->end(room, out);
			failing_alloc__never();
			fclose(out);
		}
}

static void test_suffixes(void **state)
{
	(void)state;
	assert_ptr_equal(output__of_file("a.folded"), &output_folded);
	assert_ptr_equal(output__of_file("/tmp/a.b.pb.gz"), &output_pprof);
	assert_ptr_equal(output__of_file("a.speedscope.json"), &output_speedscope);
	assert_ptr_equal(output__of_file("a.heaptrack"), &output_heaptrack);
	assert_ptr_equal(output__of_file("a.html"), &output_html);
	assert_ptr_equal(output__of_file("a.jsonl"), &output_json);
	assert_ptr_equal(output__of_file("a.txt"), &output_text);
	assert_null(output__of_file("a.json"));
	assert_null(output__of_file(".folded"));
	assert_null(output__of_file("folded"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded),	   cmocka_unit_test(test_the_same_pid_twice),
		cmocka_unit_test(test_speedscope), cmocka_unit_test(test_a_ranking_is_all),
		cmocka_unit_test(test_heaptrack),  cmocka_unit_test(test_html),
		cmocka_unit_test(test_pprof),	   cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
