// SPDX-License-Identifier: GPL-2.0
/*
 * patient_open opens only regular files, and below a root nothing outside of it.
 * tests/system/test_mute_files.c has file systems that do not answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf/patient_open.h"

#define NR_BUSY 4
#define NR_OPENED 5

static char folder[] = "/tmp/patient_open_XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int open_at(int root_fd, const char *path, struct stat *status)
{
	struct patient_request request = { .root_fd = root_fd,
					   .path = path,
					   .file_system = root_fd < 0 ? "8:1" : NULL };

	return patient_open__regular(&request, status);
}

static int make_folder(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	fd = open(in_folder("file"), O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, "abc", 3) != 3 || close(fd))
		return -1;
	return mkfifo(in_folder("fifo"), 0600) || symlink("/etc/passwd", in_folder("absolute")) ||
	       symlink("../../../../../etc/passwd", in_folder("upwards")) ||
	       symlink("/file", in_folder("own"));
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "file", "fifo", "absolute", "upwards", "own" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

static void test_a_regular_file(void **state)
{
	struct stat status;
	char bytes[4] = "";
	int fd = open_at(-1, in_folder("file"), &status);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(status.st_size, 3);
	assert_int_equal(read(fd, bytes, 3), 3);
	assert_string_equal(bytes, "abc");
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void test_other_kinds_are_refused(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(open_at(-1, in_folder("fifo"), &status), -EINVAL);
	assert_int_equal(open_at(-1, "/dev/null", &status), -EINVAL);
	assert_int_equal(open_at(-1, folder, &status), -EINVAL);
	assert_int_equal(open_at(-1, in_folder("none"), &status), -ENOENT);
}

static void test_nothing_outside_of_a_root(void **state)
{
	int root = open(folder, O_PATH | O_DIRECTORY), fd;
	struct stat status;

	(void)state;
	assert_int_equal(open_at(root, "/absolute", &status), -ENOENT);
	assert_int_equal(open_at(root, "/upwards", &status), -ENOENT);
	fd = open_at(root, "/own", &status);
	assert_true(fd >= 0);
	assert_int_equal(status.st_size, 3);
	close(fd);
	close(root);
}

static void test_no_file_but_the_expected_one(void **state)
{
	struct expected_file expected = { 0 };
	struct patient_request request = { .root_fd = -1, .expected = &expected };
	struct stat status;
	int fd;

	(void)state;
	request.path = in_folder("file");
	assert_int_equal(stat(request.path, &status), 0);
	expected.key = file_key__of_stat(&status);
	fd = patient_open__regular(&request, &status);
	assert_true(fd >= 0);
	close(fd);
	expected.key.inode++;
	assert_int_equal(patient_open__regular(&request, &status), -ESTALE);
	expected.key.inode--;
	expected.key.dev_minor++;
	assert_int_equal(patient_open__regular(&request, &status), -ESTALE);
}

static void test_many_in_a_row_leave_no_descriptor(void **state)
{
	int before = dup(0), after;
	struct stat status;

	(void)state;
	close(before);
	for (int i = 0; i < 1000; i++) {
		int fd = open_at(-1, in_folder("file"), &status);

		assert_true(fd >= 0);
		close(fd);
	}
	assert_false(patient_open__answers_again());
	after = dup(0);
	assert_int_equal(after, before);
	close(after);
}

/* All threads share one CPU, and the thread that opens the files comes last there. */
static void crowd_together(const cpu_set_t *one)
{
	DIR *folder_of_threads = opendir("/proc/self/task");
	struct dirent *entry;

	while ((entry = readdir(folder_of_threads))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (!tid)
			continue;
		assert_int_equal(sched_setaffinity(tid, sizeof(*one), one), 0);
		if (tid != getpid())
			assert_int_equal(setpriority(PRIO_PROCESS, (id_t)tid, 19), 0);
	}
	closedir(folder_of_threads);
}

/* Only the other threads' use of the CPU delays the file. */
static void test_a_busy_machine_is_waited_for(void **state)
{
	pid_t busy[NR_BUSY];
	cpu_set_t before, one;
	struct stat status;
	int fd[NR_OPENED];

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	crowd_together(&one);
	for (int i = 0; i < NR_BUSY; i++) {
		busy[i] = fork();
		while (!busy[i])
			;
	}
	for (int i = 0; i < NR_OPENED; i++)
		fd[i] = open_at(-1, in_folder("file"), &status);
	for (int i = 0; i < NR_BUSY; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
	for (int i = 0; i < NR_OPENED; i++) {
		assert_true(fd[i] >= 0);
		close(fd[i]);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_regular_file),
		cmocka_unit_test(test_other_kinds_are_refused),
		cmocka_unit_test(test_nothing_outside_of_a_root),
		cmocka_unit_test(test_no_file_but_the_expected_one),
		cmocka_unit_test(test_many_in_a_row_leave_no_descriptor),
		cmocka_unit_test(test_a_busy_machine_is_waited_for),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
