// SPDX-License-Identifier: GPL-2.0
/* The meaning of a SIGHUP, and whether there is a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hangup.h"

static void test_meaning(void **state)
{
	static const int by_a_process[] = { SI_USER, SI_QUEUE, SI_TKILL };

	(void)state;
	for (size_t i = 0; i < sizeof(by_a_process) / sizeof(by_a_process[0]); i++) {
		assert_true(hangup__is_request(by_a_process[i], false, false));
		assert_true(hangup__is_request(by_a_process[i], true, true));
		/* A shell's last word to its jobs. */
		assert_false(hangup__is_request(by_a_process[i], true, false));
	}
	assert_false(hangup__is_request(SI_KERNEL, false, false));
	assert_false(hangup__is_request(SI_KERNEL, true, true));
	assert_false(hangup__is_request(SI_KERNEL, true, false));
}

/* In a session of its own: without a terminal, with one, and with one that hung up. */
static int look_for_terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	signal(SIGHUP, SIG_IGN);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return 77;
	if (setsid() < 0 || hangup__has_terminal())
		return 1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0)
		return 77;
	if (ioctl(slave, TIOCSCTTY, 0) || !hangup__has_terminal())
		return 2;
	close(master);
	return hangup__has_terminal() ? 3 : 0;
}

static void test_terminal(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		_exit(look_for_terminals());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
