// SPDX-License-Identifier: GPL-2.0
/* Messages as they arrive on stderr: one line each, escaped, bounded, errno untouched; on a
 * terminal, lines that fit its width. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "pseudo_terminal.h"
#include "base/log.h"

static char captured[65536];
static int saved_stderr, capture_file;

static int start_capture(void **state)
{
	(void)state;
	log__set_verbose(false);
	saved_stderr = dup(STDERR_FILENO);
	capture_file = memfd_create("stderr", MFD_CLOEXEC);
	return saved_stderr < 0 || capture_file < 0;
}

static int end_capture(void **state)
{
	(void)state;
	return close(saved_stderr) || close(capture_file);
}

/* Captures what message writes to stderr, which leads elsewhere only meanwhile. */
#define CAPTURE(message)                                                                  \
	do {                                                                              \
		dup2(capture_file, STDERR_FILENO);                                        \
		failing_alloc__after(0);                                                  \
		message;                                                                  \
		failing_alloc__never();                                                   \
		dup2(saved_stderr, STDERR_FILENO);                                        \
		memset(captured, 0, sizeof(captured));                                    \
		assert_true(pread(capture_file, captured, sizeof(captured) - 1, 0) >= 0); \
		assert_int_equal(ftruncate(capture_file, 0), 0);                          \
		lseek(capture_file, 0, SEEK_SET);                                         \
	} while (0)

static void test_prefixes(void **state)
{
	(void)state;
	CAPTURE(log__error("no process %d", 7));
	assert_string_equal(captured, "memleak-bpf: no process 7\n");
	CAPTURE(log__warning("only %s", "half"));
	assert_string_equal(captured, "memleak-bpf: warning: only half\n");
	CAPTURE(log__error("%s", ""));
	assert_string_equal(captured, "memleak-bpf: \n");
}

static void test_escapes(void **state)
{
	(void)state;
	CAPTURE(log__error("no file '%s'", "a\nmemleak-bpf: all is well\x1b[2J\xff"));
	assert_string_equal(captured, "memleak-bpf: no file 'a\\nmemleak-bpf: all is well"
				      "\\e[2J\\xff'\n");
	CAPTURE(log__warning("ends with newlines\n\n"));
	assert_string_equal(captured, "memleak-bpf: warning: ends with newlines\n");
}

static void test_detail(void **state)
{
	(void)state;
	CAPTURE(log__detail("unseen"));
	assert_string_equal(captured, "");
	log__set_verbose(true);
	CAPTURE(log__detail("%d hooks", 3));
	assert_string_equal(captured, "memleak-bpf: 3 hooks\n");
	CAPTURE(log__detail("libbpf: one\n two\x07\n"));
	assert_string_equal(captured, "memleak-bpf: libbpf: one\nmemleak-bpf:  two\\x07\n");
}

static void test_long_messages_are_cut(void **state)
{
	static char text[40000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	CAPTURE(log__error("%s", text));
	assert_in_range(strlen(captured), 16000, 17000);
	assert_string_equal(captured + strlen(captured) - 5, "x...\n");

	/* Escapes make it four times as long. */
	memset(text, '\x01', sizeof(text) - 1);
	CAPTURE(log__error("%s", text));
	assert_in_range(strlen(captured), 16000, 17000);
	assert_string_equal(captured + strlen(captured) - 8, "\\x01...\n");
	assert_ptr_equal(strchr(captured, '\n'), captured + strlen(captured) - 1);
}

static void test_errno_stays(void **state)
{
	(void)state;
	log__set_verbose(true);
	close(STDERR_FILENO);
	errno = ENOENT;
	log__error("to a closed stderr");
	log__warning("to a closed stderr");
	log__detail("to a closed stderr");
	assert_int_equal(errno, ENOENT);
	dup2(saved_stderr, STDERR_FILENO);
}

/* Reads text from the terminal; the carriage return before each newline is left out. */
static void read_terminal(int master, char *text, size_t size)
{
	struct pollfd readable = { .fd = master, .events = POLLIN };
	size_t length = 0;

	while (length < size - 1 && poll(&readable, 1, 0) == 1 &&
	       read(master, text + length, 1) == 1)
		length += text[length] != '\r';
	text[length] = '\0';
}

/* Messages go to a terminal that is 40 columns wide. */
static void test_lines_fit_a_terminal(void **state)
{
	struct pseudo_terminal terminal = pseudo_terminal__open();

	(void)state;
	pseudo_terminal__set_columns(&terminal, 40);
	dup2(terminal.slave, STDERR_FILENO);
	failing_alloc__after(0);
	errno = ENOENT;
	log__warning(
		"the kernel allows only 3 of them; try '/a/path/that/is/longer/than/the/line'");
	log__error("exactly twenty-eight columns"); /* with the prefix, 41 */
	log__error("exactly twenty-seven column");
	log__error("no file '%s'", "a\x1b[2J\nmemleak-bpf: all is well\xff");
	failing_alloc__never();
	assert_int_equal(errno, ENOENT);
	dup2(saved_stderr, STDERR_FILENO);

	read_terminal(terminal.master, captured, sizeof(captured));
	assert_string_equal(captured,
			    "memleak-bpf: warning: the kernel allows\n"
			    "    only 3 of them; try '/a/path/that/is/longer/than/the/line'\n"
			    "memleak-bpf: exactly twenty-eight\n"
			    "    columns\n"
			    "memleak-bpf: exactly twenty-seven column\n"
			    "memleak-bpf: no file\n"
			    "    'a\\e[2J\\nmemleak-bpf: all is\n"
			    "    well\\xff'\n");
	pseudo_terminal__close(&terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_prefixes, start_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_escapes, start_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_detail, start_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_long_messages_are_cut, start_capture,
						end_capture),
		cmocka_unit_test_setup_teardown(test_lines_fit_a_terminal, start_capture,
						end_capture),
		cmocka_unit_test_setup_teardown(test_errno_stays, start_capture, end_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
