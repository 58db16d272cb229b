// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that outlives a process: each kind of shared memory, made and left behind, is named with
 * its size and with what keeps it; memory that is gone is not.
 */
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stays.h"

static void check_nothing_stays(const char *const *arguments)
{
	struct run *run = run_victim(arguments);

	assert_nothing_stays(exit_record(run));
	run__free(run);
}

/* ---- by name ---- */

static void check_posix(const char *const *arguments)
{
	struct run *run;

	need_posix();
	run = run_victim(arguments);
	assert_stays(exit_record(run), "POSIX shared memory", words("/dev/shm%s", posix_name),
		     UNTIL_REMOVED, SIZE);
	run__free(run);
}

static void test_posix(void **state)
{
	(void)state;
	check_posix(ARGS("posix", posix_name));
}

static void test_posix_unmapped_before_the_end(void **state)
{
	(void)state;
	check_posix(ARGS("posix", posix_name, "unmap"));
}

static void test_posix_removed(void **state)
{
	(void)state;
	need_posix();
	check_nothing_stays(ARGS("posix", posix_name, "remove"));
}

/* The semaphore gets its name after it was mapped. */
static void test_posix_semaphore(void **state)
{
	const json_t *record;
	struct run *run;
	(void)state;

	need_posix();
	run = run_victim(ARGS("semaphore", semaphore_name));
	record = exit_record(run);
	assert_int_equal(json_array_size(field(record, "stays.kept")), 1);
	assert_string_equal(text(kept(record, 0), "name"),
			    words("/dev/shm/sem.%s", semaphore_name + 1));
	assert_int_equal(number(record, "stays.shmem_bytes"), sysconf(_SC_PAGESIZE));
	run__free(run);
}

static void test_tmpfs_file(void **state)
{
	const char *path = mount_memory("tmpfs");
	struct run *run = run_victim(ARGS("file", path));
	(void)state;

	assert_stays(exit_record(run), "tmpfs file", path, UNTIL_REMOVED, SIZE);
	run__free(run);
}

static void test_deleted_tmpfs_file(void **state)
{
	const char *path = mount_memory("tmpfs");
	struct run *run = run_victim(ARGS("file", path, "remove", "child"));
	(void)state;

	assert_stays(exit_record(run), "tmpfs file", path,
		     words("PID %d has it open", number_of(run, 0)), SIZE);
	run__free(run);
	run = run_victim(ARGS("file", path, "remove"));
	assert_nothing_stays(exit_record(run));
	run__free(run);
}

/* The file's pages are page cache, and counted as such. */
static void test_file_on_disk(void **state)
{
	struct run *run = run_victim(ARGS("file", scratch("on-disk")));
	(void)state;

	if (number(exit_record(run), "reclaimed.rss_shmem_bytes") >= SIZE)
		SKIP("%s is in memory", scratch(""));
	assert_nothing_stays(exit_record(run));
	assert_true(number(exit_record(run), "stays.page_cache_bytes") >= SIZE);
	run__free(run);
}

/* ---- System V ---- */

static void check_sysv(const char *const *arguments, const char *kind, long long bytes)
{
	struct run *run;
	int id;

	need_sysv();
	run = run_victim(arguments);
	id = number_of(run, 0);
	assert_int_equal(shmget(key, 0, 0), id);
	assert_stays(exit_record(run), kind, words("shmid %d, key 0x%x", id, key),
		     words("until it is removed (ipcrm -m %d)", id), bytes);
	run__free(run);
}

static void test_sysv(void **state)
{
	(void)state;
	check_sysv(ARGS("sysv", key_word), "System V shared memory", SIZE);
}

static void test_sysv_detached_before_the_end(void **state)
{
	(void)state;
	check_sysv(ARGS("sysv", key_word, "unmap"), "System V shared memory", SIZE);
}

static void test_sysv_never_attached(void **state)
{
	(void)state;
	check_sysv(ARGS("sysv", key_word, "empty"), "System V shared memory", 0);
}

static void test_sysv_removed(void **state)
{
	(void)state;
	need_sysv();
	check_nothing_stays(ARGS("sysv", "remove"));
}

static void test_sysv_removed_and_in_use(void **state)
{
	struct run *run;
	(void)state;

	need_sysv();
	run = run_victim(ARGS("sysv", "remove", "child"));
	assert_stays(exit_record(run), "System V shared memory",
		     words("shmid %d, no key", number_of(run, 0)),
		     words("PID %d maps it", number_of(run, 1)), SIZE);
	run__free(run);
}

/* ---- by those who hold it ---- */

static void test_memfd_alone(void **state)
{
	(void)state;
	check_nothing_stays(ARGS("memfd"));
	check_nothing_stays(ARGS("memfd", "unmap"));
}

static void test_memfd_in_a_child(void **state)
{
	struct run *run = run_victim(ARGS("memfd", "child"));
	(void)state;

	assert_stays(exit_record(run), "memfd", "vic\ntim",
		     words("PID %d has it open", number_of(run, 0)), SIZE);
	run__free(run);
}

/* Takes one file from whoever connects, keeps it, and lives until the test ends. */
static pid_t start_receiver(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char control[CMSG_SPACE(sizeof(int))], byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	socklen_t length = sizeof(address.sun_family) + 1 + strlen(name);
	pid_t pid;

	strcpy(address.sun_path + 1, name);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	if (pid) {
		close(listener);
		return pid;
	}
	peer = accept(listener, NULL, NULL);
	if (peer < 0 || recvmsg(peer, &message, 0) != 1 || write(peer, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void check_passed_memfd(const char *kind, const char *how)
{
	const char *name = words("memleak-stays-%d", getpid());
	pid_t receiver = start_receiver(name);
	struct run *run = run_victim(ARGS("memfd", words("send=%s", name), how));

	assert_stays(exit_record(run), kind, "vic\ntim", words("PID %d has it open", receiver),
		     SIZE);
	run__free(run);
}

static void test_memfd_passed_on(void **state)
{
	(void)state;
	check_passed_memfd("memfd", "unmap");
}

/* The same process holds it on, with another program. */
static void test_memfd_through_exec(void **state)
{
	struct run *run = trace_all(ARGS(victim("shared_memory"), "memfd", "exec"));
	const json_t *first = event_record(run, "exit", 0);
	(void)state;

	assert_string_equal(text(first, "end.kind"), "exec");
	assert_stays(first, "memfd", "vic\ntim",
		     words("PID %lld has it open", number(first, "pid")), SIZE);
	assert_string_equal(text(event_record(run, "exit", 1), "end.kind"), "exited");
	assert_nothing_stays(event_record(run, "exit", 1));
	run__free(run);
}

static void test_anonymous_alone(void **state)
{
	(void)state;
	check_nothing_stays(ARGS("anonymous"));
}

static void test_anonymous_with_a_child(void **state)
{
	struct run *run = run_victim(ARGS("anonymous", "child"));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(json_array_size(field(record, "stays.kept")), 1);
	assert_string_equal(text(kept(record, 0), "kind"), "shared anonymous memory");
	assert_string_equal(text(kept(record, 0), "why"),
			    words("PID %d maps it", number_of(run, 0)));
	assert_int_equal(number(record, "stays.shmem_bytes"), SIZE);
	run__free(run);
}

/* ---- huge pages ---- */

static void test_huge_sysv(void **state)
{
	(void)state;
	need_huge_pages();
	check_sysv(ARGS("sysv", key_word, "huge"), "System V huge pages", SIZE);
}

static void test_huge_memfd(void **state)
{
	(void)state;
	need_huge_pages();
	check_passed_memfd("memfd of huge pages", "huge");
}

static void test_huge_anonymous(void **state)
{
	struct run *run;
	(void)state;

	need_huge_pages();
	run = run_victim(ARGS("anonymous", "huge"));
	assert_int_equal(number(exit_record(run), "reclaimed.hugetlb_bytes"), SIZE);
	assert_nothing_stays(exit_record(run));
	run__free(run);
	run = run_victim(ARGS("anonymous", "huge", "child"));
	assert_string_equal(text(kept(exit_record(run), 0), "kind"), "shared anonymous huge pages");
	assert_int_equal(number(exit_record(run), "stays.shmem_bytes"), SIZE);
	run__free(run);
}

static void test_hugetlbfs_file(void **state)
{
	const char *path;
	struct run *run;
	(void)state;

	need_huge_pages();
	path = mount_memory("hugetlbfs");
	run = run_victim(ARGS("file", path));
	assert_stays(exit_record(run), "hugetlbfs file", path, UNTIL_REMOVED, SIZE);
	unlink(path);
	run__free(run);
	run = run_victim(ARGS("file", path, "remove"));
	assert_nothing_stays(exit_record(run));
	run__free(run);
}

/* ---- none ---- */

static void test_ordinary_programs(void **state)
{
	static const char *const commands[][5] = {
		{ "ls", "-l", "/", NULL },
		{ "sh", "-c", "echo x | cat", NULL },
		{ "python3", "-c", "import mmap; mmap.mmap(-1, 4096)[0] = 1", NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct run *run;

		if (!have_program(commands[i][0]))
			continue;
		run = trace_all(commands[i]);
		assert_nothing_stays(event_record(run, "exit", 0));
		run__free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAYS_TEST(test_posix),
		STAYS_TEST(test_posix_unmapped_before_the_end),
		STAYS_TEST(test_posix_removed),
		STAYS_TEST(test_posix_semaphore),
		STAYS_TEST(test_tmpfs_file),
		STAYS_TEST(test_deleted_tmpfs_file),
		STAYS_TEST(test_file_on_disk),
		STAYS_TEST(test_sysv),
		STAYS_TEST(test_sysv_detached_before_the_end),
		STAYS_TEST(test_sysv_never_attached),
		STAYS_TEST(test_sysv_removed),
		STAYS_TEST(test_sysv_removed_and_in_use),
		STAYS_TEST(test_memfd_alone),
		STAYS_TEST(test_memfd_in_a_child),
		STAYS_TEST(test_memfd_passed_on),
		STAYS_TEST(test_memfd_through_exec),
		STAYS_TEST(test_anonymous_alone),
		STAYS_TEST(test_anonymous_with_a_child),
		STAYS_TEST(test_huge_sysv),
		STAYS_TEST(test_huge_memfd),
		STAYS_TEST(test_huge_anonymous),
		STAYS_TEST(test_hugetlbfs_file),
		STAYS_TEST(test_ordinary_programs),
	};

	return cmocka_run_group_tests_name("stays", tests, harness__begin, harness__end);
}
