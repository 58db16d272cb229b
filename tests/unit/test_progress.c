// SPDX-License-Identifier: GPL-2.0
/* The bar of long work: its text, and that it comes late, is erased, and never waits. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/progress.h"
#include "pseudo_terminal.h"

static const char *render(unsigned int columns, uint64_t done, uint64_t total)
{
	static char line[256];

	progress__render(line, sizeof(line), columns, "leak check of PID 17: reading memory", done,
			 total);
	return line;
}

static void test_text(void **state)
{
	(void)state;
	assert_string_equal(render(79, 0, 200), "leak check of PID 17: reading memory ["
						"                              ]   0%");
	assert_string_equal(render(79, 101, 200), "leak check of PID 17: reading memory ["
						  "###############               ]  50%");
	assert_string_equal(render(79, 300, 200), "leak check of PID 17: reading memory ["
						  "##############################] 100%");
	assert_string_equal(render(79, UINT64_MAX / 4, UINT64_MAX),
			    "leak check of PID 17: reading memory ["
			    "#######                       ]  25%");
	/* A narrow terminal: a shorter bar, none, less text. */
	assert_string_equal(render(56, 1, 2),
			    "leak check of PID 17: reading memory [######      ]  50%");
	assert_string_equal(render(53, 1, 2), "leak check of PID 17: reading memory");
	assert_string_equal(render(79, 0, 0), "leak check of PID 17: reading memory");
	assert_string_equal(render(10, 1, 2), "leak check");
}

/* What a piece of work of that length writes to the terminal. */
static char *show_on(const struct pseudo_terminal *terminal, uint64_t ns)
{
	static char output[4096];
	struct pollfd readable = { .fd = terminal->master, .events = POLLIN };
	int saved = dup(STDERR_FILENO);
	uint64_t until_ns = clock__monotonic_ns() + ns;
	size_t length = 0;
	ssize_t nr;

	dup2(terminal->slave, STDERR_FILENO);
	progress__begin("leak check of PID %d", 17);
	progress__phase("reading memory");
	while (clock__monotonic_ns() < until_ns) {
		progress__show(1, 4);
		usleep(10000);
	}
	progress__show(1, 4);
	progress__end();
	progress__show(2, 4);
	dup2(saved, STDERR_FILENO);
	close(saved);
	/* What was written arrives a little later, and in parts. */
	while (poll(&readable, 1, 200) > 0 && length < sizeof(output) - 1) {
		nr = read(terminal->master, output + length, sizeof(output) - 1 - length);
		assert_true(nr > 0);
		length += (size_t)nr;
	}
	output[length] = '\0';
	return output;
}

static void test_terminal(void **state)
{
	struct pseudo_terminal terminal = pseudo_terminal__open();
	const char *output;
	(void)state;

	pseudo_terminal__set_columns(&terminal, 80);
	assert_string_equal(show_on(&terminal, NS_PER_S / 20), "");
	output = show_on(&terminal, NS_PER_S * 15 / 10);
	assert_non_null(strstr(output, "\r\033[Kleak check of PID 17: reading memory [#######"));
	assert_string_equal(output + strlen(output) - 4, "\r\033[K");
	/* As after Ctrl-S. */
	assert_int_equal(tcflow(terminal.slave, TCOOFF), 0);
	assert_string_equal(show_on(&terminal, NS_PER_S * 15 / 10), "");
	assert_int_equal(tcflow(terminal.slave, TCOON), 0);
	pseudo_terminal__close(&terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
