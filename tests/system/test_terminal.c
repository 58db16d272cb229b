// SPDX-License-Identifier: GPL-2.0
/* Reports on a terminal: their lines fit its width, even when the width changes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"
#include "options.h"

/*
 * All text that is read from a terminal is kept; checked tells how far the test has looked at it.
 */
struct terminal {
	int master;
	int number; /* the stream (1 or 2) that is put on the terminal */
	char *text;
	size_t size, checked;
};

static void open_terminal(struct terminal *terminal, int number)
{
	*terminal = (struct terminal){
		.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK),
		.number = number,
		.text = strdup(""),
	};
	assert_non_null(terminal->text);
	if (terminal->master < 0 || grantpt(terminal->master) || unlockpt(terminal->master))
		SKIP("there are no pseudo-terminals here");
}

static void close_terminal(struct terminal *terminal)
{
	close(terminal->master);
	free(terminal->text);
}

static void set_width(const struct terminal *terminal, unsigned int columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };

	assert_int_equal(ioctl(terminal->master, TIOCSWINSZ, &size), 0);
}

/* Runs in the child: puts the stream on the terminal. */
static int take_stream(void *context)
{
	const struct terminal *terminal = context;
	int slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY | O_CLOEXEC);

	return slave < 0 || dup2(slave, terminal->number) < 0;
}

/* Returns false at the end: nobody has the terminal open any more. */
static bool read_some(struct terminal *terminal)
{
	struct pollfd readable = { .fd = terminal->master, .events = POLLIN };
	char bytes[4096];
	ssize_t nr;

	poll(&readable, 1, 20);
	nr = read(terminal->master, bytes, sizeof(bytes));
	if (nr <= 0)
		return nr < 0 && errno == EAGAIN;
	terminal->text = realloc(terminal->text, terminal->size + (size_t)nr + 1);
	assert_non_null(terminal->text);
	/* The terminal puts a carriage return before each newline. */
	for (ssize_t i = 0; i < nr; i++)
		if (bytes[i] != '\r')
			terminal->text[terminal->size++] = bytes[i];
	terminal->text[terminal->size] = '\0';
	return true;
}

/* Waits until a whole line with these words follows what was checked; returns its beginning. */
static const char *wait_line(struct terminal *terminal, const char *words)
{
	double end_s = now_s() + RUN_TIMEOUT_S;

	while (now_s() < end_s) {
		const char *line = terminal->text + terminal->checked;

		for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
			const char *found = strstr(line, words);

			if (found && found < end)
				return line;
		}
		read_some(terminal);
	}
	fail_msg("'%s' was not written within %.0f s:\n%s", words, RUN_TIMEOUT_S, terminal->text);
	return NULL;
}

/* UTF-8 without wide characters: each byte that continues no character is a column. */
static unsigned int columns_of(const char *line, const char *end)
{
	unsigned int columns = 0;

	for (; line < end; line++)
		columns += (*line & 0xc0) != 0x80;
	return columns;
}

/* Checks all lines from there on; returns the widest. */
static unsigned int check_lines(struct terminal *terminal, const char *from, unsigned int columns)
{
	unsigned int widest = 0;

	for (const char *end; (end = strchr(from, '\n')); from = end + 1) {
		unsigned int width = columns_of(from, end);

		if (width > columns)
			fail_msg("%u columns of %u: %.*s", width, columns, (int)(end - from), from);
		if (width > widest)
			widest = width;
	}
	terminal->checked = (size_t)(from - terminal->text);
	return widest;
}

/* Checks heads of this width, the row below of a process that holds 64 MiB, and a ranking. */
static void check_width(struct terminal *terminal, unsigned int columns, const char *last_head)
{
	const char *row = NULL;
	size_t heads_at;
	struct run *victim_run;
	char pid[16];

	set_width(terminal, columns);
	victim_run = run_plain(ARGS(victim("leak64")));
	snprintf(pid, sizeof(pid), "%7d ", victim_run->pid);
	/* Text from when the terminal was wider is above the new heads. */
	heads_at = (size_t)(wait_line(terminal, "TIME ") - terminal->text);
	assert_memory_equal(terminal->text + heads_at, "TIME         PID COMM", 21);
	terminal->checked = heads_at;
	row = wait_line(terminal, pid);
	assert_non_null(strstr(row, "64.0M"));
	assert_non_null(strstr(row, " yes\n"));
	wait_line(terminal, "GROWTH");
	wait_line(terminal, "bytes in");
	assert_non_null(strstr(terminal->text + heads_at, last_head));
	check_lines(terminal, terminal->text + heads_at, columns);
	run__free(victim_run);
}

static void test_widths_of_the_system(void **state)
{
	const char *argv[16];
	struct terminal terminal;
	struct child_options options = {
		.argv = argv,
		.prepare = take_stream,
		.prepare_context = &terminal,
	};
	struct child *tracer;
	struct run *run;
	size_t n = tracer_words(argv);
	(void)state;

	argv[n] = "1";
	argv[n + 1] = NULL;
	open_terminal(&terminal, STDOUT_FILENO);
	set_width(&terminal, 80);
	tracer = child__start(&options);
	wait_line(&terminal, "TIME ");
	check_width(&terminal, 80, "BLOCKS RECLAIMED VERIFIED\n");
	check_width(&terminal, 132, "RECLAIMED  ANON  FILE SHMEM  SWAP PGTABLES VERIFIED\n");
	check_width(&terminal, 100, "RECLAIMED  ANON  FILE  SWAP VERIFIED\n");
	check_width(&terminal, 80, "BLOCKS RECLAIMED VERIFIED\n");
	kill(child__pid(tracer), SIGINT);
	wait_line(&terminal, "memleak-bpf itself used");
	check_lines(&terminal, terminal.text + terminal.checked, 80);
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(run->err_size, 0);
	run__free(run);
	close_terminal(&terminal);
}

/* Runs a program whose functions have long names; keeps the text that came on its terminal. */
static void report_of_a_command(struct terminal *terminal, unsigned int columns)
{
	const char *argv[16];
	struct child_options options = {
		.argv = argv,
		.prepare = take_stream,
		.prepare_context = terminal,
	};
	struct child *tracer;
	struct run *run;
	size_t n = tracer_words(argv);

	argv[n++] = "--";
	argv[n++] = victim("cache");
	argv[n++] = "1000";
	argv[n++] = "0";
	argv[n] = NULL;
	open_terminal(terminal, STDERR_FILENO);
	set_width(terminal, columns);
	tracer = child__start(&options);
	while (read_some(terminal) && child__is_running(tracer))
		;
	while (read_some(terminal) && !strstr(terminal->text, "memleak-bpf itself used"))
		;
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

static void test_names_of_a_command(void **state)
{
	struct terminal narrow, wide;
	(void)state;

	report_of_a_command(&narrow, 80);
	assert_in_range(check_lines(&narrow, narrow.text, 80), 60, 80);
	report_of_a_command(&wide, 400);
	assert_true(check_lines(&wide, wide.text, 400) > 100);
	/* No text that matters is lost, and no figure is cut. */
	assert_contains(narrow.text, "operator new(unsigned long)");
	assert_contains(narrow.text, "verified ");
	assert_contains(narrow.text, "address");
	assert_contains(narrow.text, " counters are zero\n");
	assert_contains(wide.text, "address space's counters are zero\n");
	close_terminal(&narrow);
	close_terminal(&wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_widths_of_the_system),
		SYSTEM_TEST(test_names_of_a_command),
	};

	return cmocka_run_group_tests_name("terminal", tests, harness__begin, harness__end);
}
