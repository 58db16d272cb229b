// SPDX-License-Identifier: GPL-2.0
/* See stays.h. */
#include "stays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

char posix_name[64], semaphore_name[64], key_word[64];
key_t key;

static char mount_point[4096];
static bool mounted;
static long nr_huge_before = -1;

int stays__begin(void **state)
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

int stays__end(void **state)
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

void need_posix(void)
{
	if (access("/dev/shm", W_OK))
		SKIP("there is no /dev/shm here");
}

void need_sysv(void)
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

void need_huge_pages(void)
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

const char *mount_memory(const char *type)
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

const json_t *kept(const json_t *record, size_t index)
{
	const json_t *list = field(record, "stays.kept");

	if (!json_is_array(list) || index >= json_array_size(list))
		fail_msg("no piece %zu of what stays", index);
	return json_array_get(list, index);
}

void assert_nothing_stays(const json_t *record)
{
	const json_t *list = field(record, "stays.kept");

	if (json_array_size(list))
		fail_msg("it is said to stay: %s", text(kept(record, 0), "name"));
	assert_int_equal(number(record, "stays.shmem_bytes"), 0);
}

void assert_stays(const json_t *record, const char *kind, const char *name, const char *why,
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

int number_of(const struct run *run, unsigned int n)
{
	const char *line = run->out;

	while (n-- && line && (line = strchr(line, '\n')))
		line++;
	if (!line || atoi(line) < 0 || *line < '0' || *line > '9')
		fail_msg("no number in: %s", run->out);
	return atoi(line);
}

struct run *run_victim(const char *const *arguments)
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
