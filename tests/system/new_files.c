// SPDX-License-Identifier: GPL-2.0
/* See new_files.h. */
#include "new_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * Static glibc has five blocks of 1,758 bytes before main. The C++ library, which jemalloc needs,
 * has a pool of 72,704 bytes.
 */
#define MAX_OWN_BLOCKS 10
#define MAX_OWN_BYTES 80000

#define QUICK_ATTACH_MS 300
#define SLOW_ATTACH_MS 1500
#define MAX_WAIT_S 5.0

void new_file__copy(const char *from, const char *to)
{
	struct run *run = run_plain(ARGS("/bin/cp", from, to));

	if (run->exit_status)
		run__print(run);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

/* ---- when a file is probed ---- */

bool probes_are_slow(void)
{
	const char *options = getenv("TRACER_OPTIONS");
	static int only_perf = -1;

	if (options && strstr(options, "--attach"))
		return strstr(options, "--attach perf");
	if (only_perf < 0)
		only_perf = !kernel_has("uprobe_multi") && !kernel_has("uprobe_session");
	return only_perf;
}

/* Whether anybody holds a lease on that file, as the tracer does on each that it probes. */
static bool is_leased(const char *path)
{
	char line[256], file[64];
	struct stat status;
	bool leased = false;
	FILE *locks;

	assert_int_equal(stat(path, &status), 0);
	snprintf(file, sizeof(file), " %02x:%02x:%llu ", major(status.st_dev), minor(status.st_dev),
		 (unsigned long long)status.st_ino);
	locks = fopen("/proc/locks", "re");
	assert_non_null(locks);
	while (!leased && fgets(line, sizeof(line), locks))
		leased = strstr(line, " LEASE ") && strstr(line, file);
	fclose(locks);
	return leased;
}

/* A file gets its lease before it is looked into, and keeps it if it is probed. */
void new_files__skip_unless_watched(void)
{
	const char *path = scratch("watched");
	int fd = open(path, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	int watch = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC, O_RDONLY);
	bool leased = fd >= 0 && !fcntl(fd, F_SETLEASE, F_RDLCK);
	bool watched = watch >= 0 && !fanotify_mark(watch, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
						    FAN_CLOSE_WRITE, AT_FDCWD, path);

	close(watch);
	close(fd);
	if (probes_are_slow())
		SKIP("probes are slow here");
	if (!leased || !watched)
		SKIP("no leases in the tests' folder, or nobody tells of its new files");
}

void new_files__wait_probed(const char *const *paths)
{
	long attach_ms = probes_are_slow() ? SLOW_ATTACH_MS : QUICK_ATTACH_MS;
	double until_s = now_s() + MAX_WAIT_S;

	for (; *paths; paths++) {
		until_s += (double)attach_ms / 1000;
		while (!is_leased(*paths) && now_s() < until_s)
			pause_ms(10);
	}
	pause_ms(attach_ms);
}

/* ---- what is expected ---- */

struct expected expect_family(const char *argument)
{
	static const char *const functions[] = {
		"use_malloc",	      "use_calloc",
		"use_realloc",	      "use_reallocarray",
		"use_memalign",	      "use_aligned_alloc",
		"use_posix_memalign", "use_valloc",
		"use_pvalloc",	      NULL,
	};
	struct run *run = run_plain(ARGS(victim("family"), argument));
	struct expected expected = { .truth = truth_of(run, 0), .functions = functions };

	run__free(run);
	return expected;
}

struct expected expect_leak64(void)
{
	static const char *const functions[] = { "main", NULL };

	return (struct expected){
		.truth = { .held_bytes = 64 * MIB,
			   .held_blocks = 1,
			   .allocated_bytes = 64 * MIB,
			   .allocated_blocks = 1 },
		.functions = functions,
	};
}

static bool is_between(long long value, long long least, long long more)
{
	return value >= least && value <= least + more;
}

static void assert_totals(const json_t *record, const struct expected *expected)
{
	const struct truth *truth = &expected->truth;
	long long blocks = MAX_OWN_BLOCKS + expected->more_blocks;

	assert_consistent(record);
	assert_nothing_lost(record);
	if (!is_between(number(record, "held.blocks"), truth->held_blocks, blocks) ||
	    !is_between(number(record, "held.bytes"), truth->held_bytes, MAX_OWN_BYTES) ||
	    !is_between(number(record, "totals.allocated_blocks"), truth->allocated_blocks,
			blocks) ||
	    !is_between(number(record, "totals.freed_blocks"), truth->freed_blocks, blocks) ||
	    number(record, "totals.failed") != truth->failed ||
	    number(record, "totals.unknown_frees")) {
		print_json(record);
		fail_msg("not what %s did", text(record, "comm"));
	}
}

void assert_from_birth(const json_t *record, const struct expected *expected)
{
	if (truth_value(record, "late_attach"))
		print_message("%s, PID %lld: late\n", text(record, "comm"), number(record, "pid"));
	assert_false(truth_value(record, "late_attach"));
	assert_totals(record, expected);
	assert_exact_in(record, &expected->truth, expected->functions, MAX_OWN_BLOCKS);
}

void assert_from_birth_or_late(const json_t *record, const struct expected *expected)
{
	const struct truth *truth = &expected->truth;

	if (is_null(record, "held"))
		return;
	if (!truth_value(record, "late_attach") && is_null(record, "not_looked_at")) {
		assert_totals(record, expected);
		return;
	}
	if (number(record, "held.bytes") > truth->held_bytes + MAX_OWN_BYTES ||
	    number(record, "totals.allocated_blocks") >
		    truth->allocated_blocks + MAX_OWN_BLOCKS + expected->more_blocks) {
		print_json(record);
		fail_msg("more than %s did", text(record, "comm"));
	}
}

/* ---- a report that is watched ---- */

void watched_tracer__start(struct watched_tracer *tracer, const char *const *options)
{
	const char *argv[64];
	struct child_options child = { .argv = argv, .report_path = tracer->report };
	size_t n = tracer_words(argv);

	snprintf(tracer->report, sizeof(tracer->report), "%s", scratch("watched.json"));
	unlink(tracer->report);
	argv[n++] = "--json";
	argv[n++] = "-w";
	argv[n++] = tracer->report;
	while (*options)
		argv[n++] = *options++;
	argv[n] = NULL;
	tracer->child = child__start(&child);
	child__wait_event(tracer->child, "start", 1, RUN_TIMEOUT_S);
}

static bool has_exit(const char *report, pid_t pid, const char *comm)
{
	char wanted[2][64], *line = NULL;
	FILE *file = fopen(report, "re");
	size_t size = 0;
	bool found = false;

	assert_non_null(file);
	snprintf(wanted[0], sizeof(wanted[0]), "\"pid\":%d,", (int)pid);
	snprintf(wanted[1], sizeof(wanted[1]), "\"comm\":\"%s\"", comm);
	while (!found && getline(&line, &size, file) > 0)
		found = strchr(line, '\n') && strstr(line, "\"event\":\"exit\"") &&
			strstr(line, wanted[0]) && strstr(line, wanted[1]);
	free(line);
	fclose(file);
	return found;
}

double watched_tracer__wait_exit(const struct watched_tracer *tracer, pid_t pid, const char *comm)
{
	double began_s = now_s();

	while (!has_exit(tracer->report, pid, comm)) {
		if (now_s() > began_s + RUN_TIMEOUT_S)
			fail_msg("no exit of %s, PID %d, was reported", comm, (int)pid);
		pause_ms(10);
	}
	return now_s() - began_s;
}
