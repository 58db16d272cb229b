// SPDX-License-Identifier: GPL-2.0
/*
 * What outlives a process: each kind of shared memory, made and left behind, is named with its size
 * and with what keeps it; what is gone is not. Each test makes names of its own and clears away
 * what it left, also when it fails.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

#define SIZE (8LL * (long long)MIB) /* of every victim's shared memory */
#define UNTIL_REMOVED "until it is removed"

static char posix_name[64], semaphore_name[64], key_word[64], mount_point[4096];
static key_t key;
static bool mounted;
static long nr_huge_before = -1;

static int begin(void **state)
{
	snprintf(posix_name, sizeof(posix_name), "/memleak-stays-%d", getpid());
	snprintf(semaphore_name, sizeof(semaphore_name), "/memleak-stays-%d", getpid());
	key = 0x6d000000 | getpid();
	snprintf(key_word, sizeof(key_word), "key=%d", key);
	return harness__test_begin(state);
}

static bool set_nr_huge(long nr)
{
	FILE *file = fopen("/proc/sys/vm/nr_hugepages", "w");
	bool set = file && fprintf(file, "%ld", nr) > 0;

	if (file && fclose(file))
		set = false;
	return set;
}

static int end(void **state)
{
	char path[128];
	int result = harness__test_end(state);

	shm_unlink(posix_name);
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", semaphore_name + 1);
	unlink(path);
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	if (mounted)
		umount2(mount_point, MNT_DETACH);
	mounted = false;
	if (nr_huge_before >= 0)
		set_nr_huge(nr_huge_before);
	nr_huge_before = -1;
	return result;
}

/* ---- what is there ---- */

static void need_posix(void)
{
	if (access("/dev/shm", W_OK))
		SKIP("there is no /dev/shm here");
}

static void need_sysv(void)
{
	if (access("/proc/sysvipc/shm", R_OK))
		SKIP("this kernel has no System V shared memory");
}

static long huge_figure(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long figure = -1;

	while (file && figure < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			figure = atol(line + strlen(name));
	if (file)
		fclose(file);
	return figure;
}

/* As many huge pages as a victim takes, until the test ends. */
static void need_huge_pages(void)
{
	long kib = huge_figure("Hugepagesize:"), before = huge_figure("HugePages_Total:");

	if (kib < 0)
		SKIP("this kernel has no huge pages");
	if (kib * 1024 > SIZE)
		SKIP("a huge page is of %ld KiB here", kib);
	nr_huge_before = before;
	if (!set_nr_huge(before + SIZE / 1024 / kib) ||
	    huge_figure("HugePages_Free:") - huge_figure("HugePages_Rsvd:") < SIZE / 1024 / kib)
		SKIP("there is no memory for %lld huge pages here", SIZE / 1024 / kib);
}

/* A file system in memory of its own; returns a path in it. */
static const char *mount_memory(const char *type)
{
	snprintf(mount_point, sizeof(mount_point), "%s", scratch("memory"));
	if (mkdir(mount_point, 0700) && errno != EEXIST)
		fail_msg("%s: %s", mount_point, strerror(errno));
	if (mount("none", mount_point, type, 0, NULL))
		SKIP("cannot mount a %s here: %s", type, strerror(errno));
	mounted = true;
	return scratch("memory/file");
}

/* ---- what is said ---- */

static const json_t *kept(const json_t *record, size_t index)
{
	const json_t *list = field(record, "stays.kept");

	if (!json_is_array(list) || index >= json_array_size(list))
		fail_msg("no piece %zu of what stays", index);
	return json_array_get(list, index);
}

static void assert_nothing_stays(const json_t *record)
{
	const json_t *list = field(record, "stays.kept");

	if (json_array_size(list))
		fail_msg("it is said to stay: %s", text(kept(record, 0), "name"));
	assert_int_equal(number(record, "stays.shmem_bytes"), 0);
}

/* It is the only one. */
static void assert_stays(const json_t *record, const char *kind, const char *name, const char *why,
			 long long bytes)
{
	const json_t *one = kept(record, 0);

	assert_int_equal(json_array_size(field(record, "stays.kept")), 1);
	assert_string_equal(text(one, "kind"), kind);
	assert_string_equal(text(one, "name"), name);
	assert_string_equal(text(one, "why"), why);
	assert_int_equal(number(one, "bytes"), bytes);
	assert_int_equal(number(record, "stays.shmem_bytes"), bytes);
}

static const char *words(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *words(const char *format, ...)
{
	static char buffers[4][256];
	static unsigned int next;
	char *buffer = buffers[next++ % 4];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer, sizeof(buffers[0]), format, arguments);
	va_end(arguments);
	return buffer;
}

/* The victim prints a number, on the n-th line. */
static int number_of(const struct run *run, unsigned int n)
{
	const char *line = run->out;

	while (n-- && line && (line = strchr(line, '\n')))
		line++;
	if (!line || atoi(line) < 0 || *line < '0' || *line > '9')
		fail_msg("no number in: %s", run->out);
	return atoi(line);
}

static struct run *run_victim(const char *const *arguments)
{
	const char *argv[16] = { victim("shared_memory") };
	struct run *run;

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	run = trace_all(argv);
	if (run->exit_status) {
		run__print(run);
		fail_msg("the victim failed");
	}
	assert_true(json_is_true(field(exit_record(run), "verified")));
	return run;
}

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

/* It gets its name after it was mapped. */
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

/* Its pages are page cache, which is counted as such. */
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

/* The same process holds it, with another program. */
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

/* ---- which processes ---- */

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

/* Attaches while the victim waits, lets it end, and returns the tracer's run. */
static struct run *trace_late(const char *const *argv, struct run **victim_run)
{
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *child = child__start(&options), *tracer;

	child__wait_output(child, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-p", words("%d", child__pid(child))));
	child__send(child, "\n");
	*victim_run = child__finish(child, 30);
	return child__finish(tracer, 30);
}

static void test_late_attach(void **state)
{
	struct run *run, *victim_run;
	(void)state;

	need_posix();
	run = trace_late(ARGS(victim("shared_memory"), "posix", posix_name, "wait"), &victim_run);
	assert_stays(exit_record(run), "POSIX shared memory", words("/dev/shm%s", posix_name),
		     UNTIL_REMOVED, SIZE);
	run__free(run);
	run__free(victim_run);

	run = trace_late(ARGS(victim("shared_memory"), "memfd", "wait"), &victim_run);
	assert_nothing_stays(exit_record(run));
	run__free(run);
	run__free(victim_run);
}

/* Nothing of it is mapped any more when we come; who made it is known. */
static void test_late_attach_to_the_maker_of_a_segment(void **state)
{
	struct run *run, *victim_run;
	int id;
	(void)state;

	need_sysv();
	run = trace_late(ARGS(victim("shared_memory"), "sysv", key_word, "unmap", "wait"),
			 &victim_run);
	id = number_of(victim_run, 0);
	assert_stays(exit_record(run), "System V shared memory",
		     words("shmid %d, key 0x%x", id, key),
		     words("until it is removed (ipcrm -m %d)", id), SIZE);
	run__free(run);
	run__free(victim_run);
}

/* More than the tracer's buffers hold, on each CPU. */
static void map_much(void)
{
	cpu_set_t all, one;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
		for (int i = 0; i < 40000; i++)
			munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			       4096);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* What was missed is looked for as soon as that can be done, while the process lives. */
static void test_lost_records(void **state)
{
	struct child_options options = {
		.argv = ARGS(victim("shared_memory"), "posix", posix_name, "later", "wait"),
		.stdin_pipe = true,
	};
	struct child *child, *tracer;
	struct run *run;
	(void)state;

	need_posix();
	child = child__start(&options);
	child__wait_output(child, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-v", "-p", words("%d", child__pid(child))));
	kill(child__pid(tracer), SIGSTOP);
	map_much();
	child__send(child, "\n");
	child__wait_output(child, "ready\n", 2, 30);
	kill(child__pid(tracer), SIGCONT);
	pause_ms(1000);
	child__send(child, "\n");
	run__free(child__finish(child, 30));
	run = child__finish(tracer, 30);
	assert_contains(run->err, "gone unseen");
	assert_stays(exit_record(run), "POSIX shared memory", words("/dev/shm%s", posix_name),
		     UNTIL_REMOVED, SIZE);
	run__free(run);
}

/* And of a process that is gone by then, what stays of shared memory is unknown. */
static void test_lost_records_of_a_process_that_is_gone(void **state)
{
	struct child_options options = {
		.argv = ARGS(victim("shared_memory"), "posix", posix_name, "later"),
		.stdin_pipe = true,
	};
	struct child *child, *tracer;
	struct run *run;
	(void)state;

	need_posix();
	child = child__start(&options);
	child__wait_output(child, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-p", words("%d", child__pid(child))));
	kill(child__pid(tracer), SIGSTOP);
	map_much();
	child__send(child, "\n");
	run__free(child__finish(child, 30));
	kill(child__pid(tracer), SIGCONT);
	run = child__finish(tracer, 30);
	assert_int_equal(json_array_size(field(exit_record(run), "stays.kept")), 0);
	assert_true(is_null(exit_record(run), "stays.shmem_bytes"));
	run__free(run);
}

/* Whether its segment lives on there can't be seen from here: that is unknown, not nothing. */
static void test_other_ipc_namespace(void **state)
{
	struct run *run, *victim_run;
	(void)state;

	need_sysv();
	if (!have_program("unshare"))
		SKIP("there is no unshare here");
	run = trace_late(ARGS("unshare", "--ipc", victim("shared_memory"), "sysv", key_word,
			      "wait"),
			 &victim_run);
	assert_int_equal(json_array_size(field(exit_record(run), "stays.kept")), 0);
	assert_true(is_null(exit_record(run), "stays.shmem_bytes"));
	run__free(run);
	run__free(victim_run);
}

static void test_other_mount_namespace(void **state)
{
	const char *folder = scratch("elsewhere"), *script;
	struct run *run, *victim_run;
	(void)state;

	if (!have_program("unshare"))
		SKIP("there is no unshare here");
	mkdir(folder, 0700);
	script = words("mount -t tmpfs none %s && exec \"$@\"", folder);
	run = trace_late(ARGS("unshare", "--mount", "sh", "-c", script, "sh",
			      victim("shared_memory"), "file", words("%s/file", folder), "wait"),
			 &victim_run);
	assert_int_equal(victim_run->exit_status, 0);
	assert_int_equal(json_array_size(field(exit_record(run), "stays.kept")), 0);
	assert_true(is_null(exit_record(run), "stays.shmem_bytes"));
	run__free(run);
	run__free(victim_run);
}

#define STAYS_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

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
		STAYS_TEST(test_late_attach),
		STAYS_TEST(test_late_attach_to_the_maker_of_a_segment),
		STAYS_TEST(test_lost_records),
		STAYS_TEST(test_lost_records_of_a_process_that_is_gone),
		STAYS_TEST(test_other_ipc_namespace),
		STAYS_TEST(test_other_mount_namespace),
	};

	return cmocka_run_group_tests_name("stays", tests, harness__begin, harness__end);
}
