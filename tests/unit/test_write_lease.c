// SPDX-License-Identifier: GPL-2.0
/* Who wants to write to a file waits for the lease on it. */
#include <errno.h>
#include <fcntl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "probes/write_lease.h"

static char path[64];
static int fd;
static atomic_int lease = -1, nr_looks;

static void look(void *context)
{
	(void)context;
	atomic_fetch_add(&nr_looks, 1);
	if (atomic_load(&lease) >= 0 && write_lease__is_asked_for(atomic_load(&lease)))
		write_lease__release(atomic_exchange(&lease, -1));
}

static int setup(void **state)
{
	(void)state;
	strcpy(path, "/tmp/memleak-lease-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return close(fd);
}

/* Opens the file in another process; the tracer's own opens would count as well. */
static int open_elsewhere(int flags)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(open(path, flags) < 0 ? errno : 0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void take(const struct lease_watcher *watcher)
{
	int taken = write_lease__take(watcher, fd);

	if (taken == -EINVAL)
		skip(); /* a file system without leases */
	assert_true(taken >= 0);
	atomic_store(&lease, taken);
	assert_false(write_lease__is_asked_for(taken));
}

static void test_writers_wait(void **state)
{
	struct lease_watcher *watcher = lease_watcher__start(look, NULL);
	(void)state;

	assert_non_null(watcher);
	take(watcher);
	assert_int_equal(open_elsewhere(O_RDONLY), 0);
	assert_int_equal(atomic_load(&nr_looks), 0);
	assert_int_equal(open_elsewhere(O_WRONLY), 0);
	assert_int_equal(atomic_load(&lease), -1);
	assert_int_equal(atomic_load(&nr_looks), 1);
	/* And again. */
	take(watcher);
	assert_int_equal(open_elsewhere(O_RDWR | O_TRUNC), 0);
	assert_int_equal(atomic_load(&lease), -1);
	lease_watcher__stop(watcher);
}

static void test_a_file_that_is_being_written(void **state)
{
	struct lease_watcher *watcher = lease_watcher__start(look, NULL);
	int writer = open(path, O_WRONLY | O_CLOEXEC);
	(void)state;

	assert_non_null(watcher);
	assert_int_equal(write_lease__take(watcher, fd), -EAGAIN);
	close(writer);
	take(watcher);
	write_lease__release(atomic_exchange(&lease, -1));
	assert_int_equal(open_elsewhere(O_WRONLY), 0);
	lease_watcher__stop(watcher);
}

/* Without the thread, the lease stays, and is seen. */
static void test_after_the_watcher_has_stopped(void **state)
{
	struct lease_watcher *watcher = lease_watcher__start(look, NULL);
	int before = atomic_load(&nr_looks);
	(void)state;

	assert_non_null(watcher);
	take(watcher);
	lease_watcher__stop(watcher);
	assert_int_equal(open_elsewhere(O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
	assert_true(write_lease__is_asked_for(atomic_load(&lease)));
	write_lease__release(atomic_exchange(&lease, -1));
	assert_int_equal(open_elsewhere(O_WRONLY | O_NONBLOCK), 0);
	assert_int_equal(atomic_load(&nr_looks), before);
	lease_watcher__stop(NULL);
	write_lease__release(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writers_wait),
		cmocka_unit_test(test_a_file_that_is_being_written),
		cmocka_unit_test(test_after_the_watcher_has_stopped),
	};

	return cmocka_run_group_tests_name("write_lease", tests, setup, teardown);
}
