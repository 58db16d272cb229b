// SPDX-License-Identifier: GPL-2.0
/* A process that the OOM killer ends, in a memory cgroup of its own, version 1 or 2. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define LIMIT_MIB 96

struct memory_cgroup {
	char path[512];
	char procs[600];
	char root[400]; /* version 2, when the controller was switched on here */
	bool switched_on;
};

static bool write_value(const char *folder, const char *name, const char *value)
{
	char path[1024];
	int fd;
	bool written;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return written;
}

static bool file_has_word(const char *folder, const char *name, const char *word)
{
	char path[1024], content[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, content, sizeof(content) - 1);
	close(fd);
	content[n > 0 ? n : 0] = '\0';
	return strstr(content, word) != NULL;
}

/* The mount point of the memory controller: 1, 2, or 0 when there is none. */
static int find_memory_mount(char *mount_point, size_t size)
{
	char line[1024], where[400], type[64], flags[400];
	FILE *mounts = fopen("/proc/self/mounts", "r");
	int version = 0;

	if (!mounts)
		return 0;
	while (version != 1 && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s %399s %63s %399s", where, type, flags) != 3)
			continue;
		if (!strcmp(type, "cgroup") && strstr(flags, "memory"))
			version = 1;
		else if (!strcmp(type, "cgroup2") && !version &&
			 file_has_word(where, "cgroup.controllers", "memory"))
			version = 2;
		else
			continue;
		snprintf(mount_point, size, "%s", where);
	}
	fclose(mounts);
	return version;
}

static bool limit_memory(const struct memory_cgroup *cgroup, int version, const char *limit)
{
	if (version == 1)
		return write_value(cgroup->path, "memory.limit_in_bytes", limit) &&
		       /* Without it swap would only be slower; it may not be compiled in. */
		       (write_value(cgroup->path, "memory.memsw.limit_in_bytes", limit) || true);
	return write_value(cgroup->path, "memory.max", limit) &&
	       (write_value(cgroup->path, "memory.swap.max", "0") || true);
}

/* NULL, or why not. */
static const char *make_cgroup(struct memory_cgroup *cgroup)
{
	char mount_point[400], limit[32];
	int version = find_memory_mount(mount_point, sizeof(mount_point));

	memset(cgroup, 0, sizeof(*cgroup));
	if (!version)
		return "no memory controller is mounted, of version 1 or 2";
	if (version == 2 && !file_has_word(mount_point, "cgroup.subtree_control", "memory")) {
		if (!write_value(mount_point, "cgroup.subtree_control", "+memory"))
			return "the memory controller can't be switched on";
		snprintf(cgroup->root, sizeof(cgroup->root), "%s", mount_point);
		cgroup->switched_on = true;
	}
	snprintf(cgroup->path, sizeof(cgroup->path), "%s/memleak-test-%d", mount_point, getpid());
	snprintf(cgroup->procs, sizeof(cgroup->procs), "%s/cgroup.procs", cgroup->path);
	if (mkdir(cgroup->path, 0755) != 0)
		return "no cgroup can be made";
	snprintf(limit, sizeof(limit), "%d", LIMIT_MIB << 20);
	if (!limit_memory(cgroup, version, limit)) {
		rmdir(cgroup->path);
		return "the memory limit can't be set";
	}
	return NULL;
}

static void remove_cgroup(const struct memory_cgroup *cgroup)
{
	/* The last page of a dead process may take a moment to be uncharged. */
	for (int i = 0; i < 100 && rmdir(cgroup->path) != 0 && errno == EBUSY; i++)
		usleep(20000);
	if (cgroup->switched_on)
		write_value(cgroup->root, "cgroup.subtree_control", "-memory");
}

static struct memory_cgroup cgroup;

static int teardown(void **state)
{
	int result = harness__test_end(state);

	if (cgroup.path[0])
		remove_cgroup(&cgroup);
	cgroup.path[0] = '\0';
	return result;
}

static long long last_number(const char *content)
{
	long long last = 0;

	for (const char *line = content; *line; line += strcspn(line, "\n") + 1)
		last = atoll(line);
	return last;
}

static void test_oom_kill(void **state)
{
	const char *why = make_cgroup(&cgroup);
	long long blocks;
	const json_t *record;
	struct run *run;
	(void)state;

	if (why)
		SKIP("%s", why);
	run = trace_all(ARGS(victim("eat"), cgroup.procs, "400"));
	blocks = last_number(run->out);
	assert_int_equal(run->exit_status, 128 + SIGKILL);
	record = exit_record(run);
	assert_string_equal(text(record, "end.kind"), "oom");
	assert_int_equal(number(record, "end.signal"), SIGKILL);
	assert_true(truth_value(record, "end.memory_gone"));
	/* It printed the number of each block before it touched it, and died of the touch. */
	assert_in_range(blocks, LIMIT_MIB / 2, LIMIT_MIB + 32);
	assert_held(record, blocks << 20, blocks);
	assert_int_equal(stacks_with(record, "eat").blocks, blocks);
	assert_nothing_lost(record);
	/* The reaper may have taken pages before the teardown: what is told must be before that. */
	assert_true(json_is_true(field(record, "verified")));
	assert_in_range(number(record, "reclaimed.rss_anon_bytes"), (LIMIT_MIB - 8) * MIB,
			(LIMIT_MIB + 2) * MIB);
	assert_true(number(record, "reclaimed.page_table_bytes") > 0);
	if (!is_null(record, "cgroup"))
		assert_true(text(record, "cgroup")[0] == '/');
	run__free(run);
}

static void test_oom_kill_in_text(void **state)
{
	const char *why = make_cgroup(&cgroup);
	struct run *run;
	(void)state;

	if (why)
		SKIP("%s", why);
	run = run_tracer(ARGS("--", victim("eat"), cgroup.procs, "400"));
	assert_int_equal(run->exit_status, 128 + SIGKILL);
	assert_contains(run->err, "OOM kill");
	assert_contains(run->err, "eat.c:");
	run__free(run);
}

/* One that is killed by SIGKILL in such a cgroup without its being full is no OOM kill. */
static void test_plain_kill_is_no_oom_kill(void **state)
{
	struct run *run = trace_all(ARGS(victim("die"), "kill"));
	(void)state;

	assert_string_equal(text(exit_record(run), "end.kind"), "signalled");
	run__free(run);
}

#define OOM_TEST(function) cmocka_unit_test_setup_teardown(function, harness__test_begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OOM_TEST(test_oom_kill),
		OOM_TEST(test_oom_kill_in_text),
		OOM_TEST(test_plain_kill_is_no_oom_kill),
	};

	return cmocka_run_group_tests_name("oom", tests, harness__begin, harness__end);
}
