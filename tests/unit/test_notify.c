// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams to a service manager: their content, the addresses that work, and that nothing hangs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

static char folder[] = "/tmp/memleak-unit.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* name as in $NOTIFY_SOCKET; exactly these bytes, without a NUL where there is no room. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_true(length <= sizeof(address.sun_path));
	memcpy(address.sun_path, name, length);
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
			 0);
	return fd;
}

static void assert_received(int fd, const char *expected)
{
	char buffer[64] = "";
	ssize_t size = recv(fd, buffer, sizeof(buffer) - 1, 0);

	assert_int_equal(size, strlen(expected));
	assert_string_equal(buffer, expected);
	assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), -1);
}

static void test_nobody(void **state)
{
	(void)state;
	assert_int_equal(notify__send(NULL, NOTIFY_READY), 0);
	assert_int_equal(notify__send("", NOTIFY_READY), 0);
}

static void test_path(void **state)
{
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/notify", folder);
	assert_int_equal(notify__send(path, NOTIFY_READY), -ENOENT);
	fd = listen_at(path);
	assert_int_equal(notify__send(path, NOTIFY_READY), 0);
	assert_received(fd, "READY=1");
	assert_int_equal(notify__send(path, NOTIFY_STOPPING), 0);
	assert_received(fd, "STOPPING=1");
	close(fd);
	/* The manager is gone: no signal, an error. */
	assert_int_equal(notify__send(path, NOTIFY_READY), -ECONNREFUSED);
	unlink(path);
}

static void test_abstract(void **state)
{
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@memleak-bpf/%d", (int)getpid());
	fd = listen_at(name);
	assert_int_equal(notify__send(name, NOTIFY_READY), 0);
	assert_received(fd, "READY=1");
	close(fd);
	assert_int_equal(notify__send(name, NOTIFY_READY), -ECONNREFUSED);
}

static void test_longest(void **state)
{
	struct sockaddr_un address;
	char name[sizeof(address.sun_path) + 2];
	int fd;

	(void)state;
	/* Abstract: all 108 bytes. */
	memset(name, 'x', sizeof(name));
	name[0] = '@';
	name[sizeof(address.sun_path)] = '\0';
	fd = listen_at(name);
	assert_int_equal(notify__send(name, NOTIFY_READY), 0);
	assert_received(fd, "READY=1");
	close(fd);
	name[sizeof(address.sun_path)] = 'x';
	name[sizeof(address.sun_path) + 1] = '\0';
	assert_int_equal(notify__send(name, NOTIFY_READY), -ENAMETOOLONG);

	/* A path: its NUL must fit. */
	memset(name, '/', sizeof(name));
	name[sizeof(address.sun_path)] = '\0';
	assert_int_equal(notify__send(name, NOTIFY_READY), -ENAMETOOLONG);
	name[sizeof(address.sun_path) - 1] = '\0';
	assert_int_equal(notify__send(name, NOTIFY_READY), -ECONNREFUSED);
}

static void test_wrong_addresses(void **state)
{
	(void)state;
	assert_int_equal(notify__send("vsock:2:1234", NOTIFY_READY), -EAFNOSUPPORT);
	assert_int_equal(notify__send("notify", NOTIFY_READY), -EAFNOSUPPORT);
	assert_int_equal(notify__send("@", NOTIFY_READY), -EINVAL);
	assert_int_equal(notify__send("/", NOTIFY_READY), -EINVAL);
	assert_true(notify__send("/dev/null", NOTIFY_READY) < 0);
}

/* A manager that does not read. */
static void test_patience(void **state)
{
	struct timespec begin, end;
	char name[64];
	int fd, err = 0;

	(void)state;
	snprintf(name, sizeof(name), "@memleak-bpf/%d", (int)getpid());
	fd = listen_at(name);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 100000 && !err; i++)
		err = notify__send(name, NOTIFY_READY);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(err, -EAGAIN);
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 20);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),		cmocka_unit_test(test_path),
		cmocka_unit_test(test_abstract),	cmocka_unit_test(test_longest),
		cmocka_unit_test(test_wrong_addresses), cmocka_unit_test(test_patience),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
