// SPDX-License-Identifier: GPL-2.0
/* The report file: replaced or kept, moved away below the writer, and unwritable. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "pseudo_terminal.h"
#include "report_folder.h"
#include "output/report_file.h"

static const char *const path = report_folder__report, *const moved = report_folder__moved;

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void say(struct report_file *file, const char *text)
{
	fputs(text, report_file__stream(file));
}

static void test_replaced(void **state)
{
	struct report_file *file;

	(void)state;
	put("yesterday\n");
	file = report_file__open(path, false);
	assert_non_null(file);
	say(file, "today\n");
	assert_int_equal(report_file__flush(file), 0);
	report_folder__assert_content(path, "today\n");
	/* Another process emptied the file: no hole where it was. */
	assert_int_equal(truncate(path, 0), 0);
	say(file, "more\n");
	report_file__free(file);
	report_folder__assert_content(path, "more\n");
}

static void test_kept(void **state)
{
	static const struct {
		const char *before, *after;
	} files[] = {
		{ "yesterday\n", "yesterday\ntoday\n" },
		{ "half a li", "half a li\ntoday\n" },
		{ "", "today\n" },
	};
	struct report_file *file;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put(files[i].before);
		file = report_file__open(path, true);
		say(file, "today\n");
		report_file__free(file);
		report_folder__assert_content(path, files[i].after);
	}
	unlink(path);
	file = report_file__open(path, true);
	say(file, "today\n");
	report_file__free(file);
	report_folder__assert_content(path, "today\n");
}

static void test_not_opened(void **state)
{
	(void)state;
	errno = 0;
	assert_null(report_file__open("/nonexistent/report", false));
	assert_int_equal(errno, ENOENT);
	assert_null(report_file__open(report_folder__path, true));
	assert_int_equal(errno, EISDIR);
	assert_null(report_file__of_descriptor(-1));
	assert_int_equal(errno, EBADF);
	failing_alloc__after(0);
	assert_null(report_file__open(path, false));
	failing_alloc__never();
	report_file__free(NULL);
}

static void test_moved_away(void **state)
{
	struct report_file *file = report_file__open(path, false);

	(void)state;
	say(file, "one\n");
	assert_int_equal(rename(path, moved), 0);
	say(file, "two\n");
	assert_int_equal(report_file__reopen(file, path, NULL, NULL), 0);
	say(file, "three\n");
	assert_int_equal(report_file__flush(file), 0);
	report_folder__assert_content(moved, "one\ntwo\n");
	report_folder__assert_content(path, "three\n");
	/* Nothing was moved: nothing is lost. */
	assert_int_equal(report_file__reopen(file, path, NULL, NULL), 0);
	say(file, "four\n");
	report_file__free(file);
	report_folder__assert_content(path, "three\nfour\n");
}

static void test_another_file_there(void **state)
{
	struct report_file *file = report_file__open(path, false);

	(void)state;
	assert_int_equal(rename(path, moved), 0);
	put("not ours");
	assert_int_equal(report_file__reopen(file, path, NULL, NULL), 0);
	say(file, "one\n");
	report_file__free(file);
	report_folder__assert_content(path, "not ours\none\n");
}

static void test_not_reopened(void **state)
{
	struct report_file *file = report_file__open(path, false);

	(void)state;
	say(file, "one\n");
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(report_file__reopen(file, path, NULL, NULL), -EISDIR);
	say(file, "two\n");
	assert_int_equal(rmdir(path), 0);
	/* A pipe without a reader must not be waited for. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(report_file__reopen(file, path, NULL, NULL), -ENXIO);
	say(file, "three\n");
	assert_int_equal(report_file__flush(file), 0);
	report_file__free(file);
	report_folder__assert_content(moved, "one\ntwo\nthree\n");
}

static void test_full_disk(void **state)
{
	struct report_file *file;

	(void)state;
	if (access("/dev/full", W_OK))
		skip();
	file = report_file__open("/dev/full", false);
	assert_int_equal(report_file__flush(file), 0);
	say(file, "one\n");
	assert_int_equal(report_file__flush(file), -ENOSPC);
	report_file__free(file);

	/* It failed while a long report was written; other calls have set errno since. */
	file = report_file__open("/dev/full", true);
	for (int i = 0; i < 10000; i++)
		say(file, "a long report\n");
	errno = ENOENT;
	assert_int_equal(report_file__flush(file), -ENOSPC);
	/* And the reason stays the reason. */
	assert_int_equal(report_file__reopen(file, path, NULL, NULL), -ENOSPC);
	assert_int_equal(access(path, F_OK), -1);
	report_file__free(file);
}

static void test_closed_pipe(void **state)
{
	struct report_file *file;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	file = report_file__of_descriptor(ends[1]);
	close(ends[1]);
	say(file, "one\n");
	assert_int_equal(report_file__flush(file), 0);
	close(ends[0]);
	/* Before anything more is written. */
	assert_int_equal(report_file__flush(file), -EPIPE);
	say(file, "two\n");
	assert_int_equal(report_file__flush(file), -EPIPE);
	report_file__free(file);
}

static void *read_slowly(void *context)
{
	int fd = *(int *)context;
	char bytes[4096];
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		size += (size_t)n;
		usleep(1000);
	}
	return (void *)size;
}

/* Another process made it non-blocking, and it is full: nothing is lost. */
static void test_full_pipe(void **state)
{
	struct report_file *file;
	pthread_t reader;
	void *size;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	file = report_file__of_descriptor(ends[1]);
	close(ends[1]);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
	for (int i = 0; i < 20000; i++)
		say(file, "a long report\n");
	assert_int_equal(report_file__flush(file), 0);
	report_file__free(file);
	assert_int_equal(pthread_join(reader, &size), 0);
	assert_int_equal((size_t)size, 20000 * strlen("a long report\n"));
	close(ends[0]);
}

/* The width is asked for at each report: a terminal changes its width while it is written to. */
static void test_terminal_columns(void **state)
{
	struct pseudo_terminal terminal = pseudo_terminal__open();
	struct report_file *file = report_file__of_descriptor(terminal.slave);

	(void)state;
	assert_non_null(file);
	assert_int_equal(report_file__terminal_columns(file), 0);
	for (unsigned short columns = 80; columns <= 132; columns += 26) {
		pseudo_terminal__set_columns(&terminal, columns);
		assert_int_equal(report_file__terminal_columns(file), columns);
	}
	report_file__free(file);
	pseudo_terminal__close(&terminal);
	file = report_file__open(path, false);
	assert_non_null(file);
	assert_int_equal(report_file__terminal_columns(file), 0);
	report_file__free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_replaced, report_folder__empty),
		cmocka_unit_test_teardown(test_kept, report_folder__empty),
		cmocka_unit_test_teardown(test_not_opened, report_folder__empty),
		cmocka_unit_test_teardown(test_moved_away, report_folder__empty),
		cmocka_unit_test_teardown(test_another_file_there, report_folder__empty),
		cmocka_unit_test_teardown(test_not_reopened, report_folder__empty),
		cmocka_unit_test_teardown(test_full_disk, report_folder__empty),
		cmocka_unit_test_teardown(test_closed_pipe, report_folder__empty),
		cmocka_unit_test_teardown(test_full_pipe, report_folder__empty),
		cmocka_unit_test_teardown(test_terminal_columns, report_folder__empty),
	};

	return cmocka_run_group_tests(tests, report_folder__make, report_folder__remove);
}
