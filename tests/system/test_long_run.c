// SPDX-License-Identifier: GPL-2.0
/*
 * Weeks of uptime, compressed: no table of the tracer only grows, and each loss is counted by its
 * cause. Low limits bring about in seconds what otherwise takes days. LONG_RUN=N in the environment
 * makes everything N times as many: 50 means 100,000 ends and as many programs.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/wire.h"
#include "harness.h"
#include "map_view.h"

#define PATIENCE_S 60.0
#define NR_STOPPED_ENDS 200
/* Room for memory that comes and goes: a report that is being written, a batch of ends. */
#define ROOM_KIB 1024

/*
 * A shell that does what it is told, line by line, and a tracer of the shell and all that it
 * starts.
 */
struct world {
	struct child *shell, *tracer;
	unsigned int nr_told;
};

static struct world begin_with_stacks(const char *limits, const char *max_stacks)
{
	struct child_options options = {
		.argv = ARGS("sh", "-c", "while read -r line; do eval \"$line\"; echo done; done"),
		.stdin_pipe = true,
	};
	struct world world = { .shell = child__start(&options) };
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)child__pid(world.shell));
	setenv("MEMLEAK_BPF_TEST_LIMITS", limits, 1);
	world.tracer = start_tracer(ARGS("-f", "--max-stacks", max_stacks, "-p", pid));
	unsetenv("MEMLEAK_BPF_TEST_LIMITS");
	return world;
}

static struct world begin(const char *limits)
{
	return begin_with_stacks(limits, "400");
}

static double patience_s(void)
{
	const char *times = getenv("LONG_RUN");

	return PATIENCE_S * (times ? atof(times) : 1);
}

static void tell(struct world *world, const char *line)
{
	child__send(world->shell, line);
	child__send(world->shell, "\n");
	child__wait_output(world->shell, "done", ++world->nr_told, patience_s());
}

static struct run *finish(struct world *world)
{
	struct run *run;

	child__close_stdin(world->shell);
	run__free(child__finish(world->shell, RUN_TIMEOUT_S));
	run = child__finish(world->tracer, RUN_TIMEOUT_S);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	return run;
}

static unsigned int count_ends_of(const struct run *run, const char *comm)
{
	unsigned int nr = 0;
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		if (strcmp(text(record, "event"), "exit") != 0 ||
		    strcmp(text(record, "end.kind"), "exited") != 0)
			continue;
		nr += !strncmp(text(record, "comm"), comm, strlen(comm));
	}
	return nr;
}

static void tell_storm(struct world *world, unsigned int nr)
{
	char line[4096];

	snprintf(line, sizeof(line), "%s %u 100000 %s", victim("storm"), nr, victim("brief"));
	tell(world, line);
}

/* Ends many processes while the tracer stands still, as it does when nobody reads its output. */
static void storm_while_stopped(struct world *world)
{
	kill(child__pid(world->tracer), SIGSTOP);
	tell_storm(world, NR_STOPPED_ENDS);
	kill(child__pid(world->tracer), SIGCONT);
}

/* Waits until the map's keys are of no more than that many address spaces. */
static void wait_for_serials(const struct world *world, const char *name, size_t serial_at,
			     size_t most)
{
	double until_s = now_s() + PATIENCE_S;
	size_t nr = 0;

	do {
		nr = map_serials(child__pid(world->tracer), name, serial_at);
		if (nr <= most)
			return;
		pause_ms(100);
	} while (now_s() < until_s);
	fail_msg("%s still holds something of %zu address spaces", name, nr);
}

/* All ends are reported, although the queue has room for only a few. */
static void test_ends_that_come_late(void **state)
{
	struct world world = begin("ended=16");
	struct run *run;
	(void)state;

	storm_while_stopped(&world);
	run = finish(&world);
	assert_int_equal(count_ends_of(run, "brief"), NR_STOPPED_ENDS);
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	run__free(run);
}

/* There are more ends than room: each is counted, and the maps are rid of their entries. */
static void test_ends_that_are_lost(void **state)
{
	struct world world = begin("ended=16,late_ends=16,sweep_ms=500");
	struct run *run;
	unsigned int nr;
	(void)state;

	storm_while_stopped(&world);
	/* The shell lives. */
	wait_for_serials(&world, "sites", offsetof(struct site_key, serial), 1);
	wait_for_serials(&world, "site_index", offsetof(struct site_index_key, serial), 1);
	run = finish(&world);
	nr = count_ends_of(run, "brief");
	/* A hash map may keep a little more than it was asked for. */
	assert_in_range(nr, 30, 100);
	/* The storm itself has ended too. */
	assert_in_range(number(event_record(run, "total", 0), "lost.causes.no_room_for_end"),
			NR_STOPPED_ENDS - nr, NR_STOPPED_ENDS + 1 - nr);
	run__free(run);
}

/*
 * A process without room is counted under that cause and no other. A "sleep" has some 200 stacks,
 * so those of all that live at once need more room than the other tests give them.
 */
static void test_no_room_for_processes(void **state)
{
	struct world world = begin_with_stacks("spaces=4", "4096");
	struct run *run;
	const json_t *total;
	(void)state;

	tell(&world, "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait");
	run = finish(&world);
	total = event_record(run, "total", 0);
	assert_true(number(total, "lost.causes.no_room_for_process") >= 3);
	/* The two are equal, unless a process was missed at a call. */
	assert_in_range(number(total, "lost.events"),
			number(total, "lost.causes.no_room_for_process"), 10000);
	assert_int_equal(number(total, "lost.blocks"), 0);
	assert_int_equal(number(total, "lost.stacks"), 0);
	run__free(run);
}

/* The resources that the tracer takes. */
struct size {
	long resident_kib;
	size_t nr_descriptors;
	size_t nr_entries[9];
};

static const char *const maps[] = { "live",   "late_ends", "targets", "sites",	     "site_index",
				    "stacks", "threads",   "blocks",  "unwind_files" };

#define MAX_ROUNDS 4
#define SWEEPS_S 15.0 /* the sweeps of some rounds */
#define NR_MAPS (sizeof(maps) / sizeof(maps[0]))

/*
 * The number of entries that a map may keep: dead blocks stay until they take a quarter of their
 * map, files until there are many.
 */
static size_t room_of(const char *map)
{
	if (!strcmp(map, "stacks"))
		return 250;
	return !strcmp(map, "blocks") || !strcmp(map, "unwind_files") ? 100000 : 20;
}

/*
 * The tracer's own memory. The rings of the kernel's records, of fixed size, are touched page by
 * page.
 */
static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	FILE *file;
	long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (!kib && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %ld kB", &kib);
	fclose(file);
	return kib;
}

static size_t nr_descriptors(pid_t pid)
{
	char path[64];
	size_t nr = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	assert_non_null(folder);
	while (readdir(folder))
		nr++;
	closedir(folder);
	return nr;
}

static struct size measure(const struct world *world)
{
	pid_t tracer = child__pid(world->tracer);
	struct size size = { resident_kib(tracer), nr_descriptors(tracer), { 0 } };

	for (size_t i = 0; i < NR_MAPS; i++)
		size.nr_entries[i] = map_entries(tracer, maps[i]);
	return size;
}

static bool has_grown(const struct size *before, const struct size *now)
{
	bool grown = now->resident_kib > before->resident_kib + ROOM_KIB ||
		     now->nr_descriptors > before->nr_descriptors + 20;

	for (size_t i = 0; i < NR_MAPS; i++)
		grown |= now->nr_entries[i] > before->nr_entries[i] + room_of(maps[i]);
	return grown;
}

static void print_size(const char *when, const struct size *size)
{
	print_message("%s: resident %ld KiB, %zu descriptors", when, size->resident_kib,
		      size->nr_descriptors);
	for (size_t i = 0; i < NR_MAPS; i++)
		print_message(", %s %zu", maps[i], size->nr_entries[i]);
	print_message("\n");
}

static unsigned int times(unsigned int n)
{
	const char *factor = getenv("LONG_RUN");

	return scaled(n) * (factor ? (unsigned int)atoi(factor) : 1);
}

static void churn(struct world *world, const char *what, unsigned int count, const char *argument)
{
	char line[8192];

	snprintf(line, sizeof(line), "%s %s %u %s", victim("churn"), what, count, argument);
	tell(world, line);
}

/* Lives through some hours of a build server. */
static void live_on(struct world *world)
{
	char folder[4096];

	snprintf(folder, sizeof(folder), "%s", scratch("."));
	churn(world, "spawns", times(4000), "/nowhere/at/all");
	churn(world, "files", times(500), folder);
	churn(world, "loads", times(500), victim("libplugin.so"));
	tell_storm(world, times(500));
	storm_while_stopped(world);
	/* The tracer releases resources a while later. */
	pause_ms(3000);
}

/* Measures again until nothing is larger than before: resources are released a while later. */
static struct size measure_until_flat(const struct world *world, const struct size *before)
{
	double until_s = now_s() + SWEEPS_S;
	struct size size;

	while (size = measure(world), has_grown(before, &size) && now_s() < until_s)
		pause_ms(500);
	return size;
}

/*
 * A tracer that has just begun still fills caches; on a slow machine, where a round is short, it
 * does so in the second round too. A leak grows in each round.
 */
static void test_nothing_only_grows(void **state)
{
	struct world world = begin("ended=64,sweep_ms=1000,forget_ms=500");
	struct size before, now;
	unsigned int nr_rounds = 1;
	struct run *run;
	(void)state;

	live_on(&world);
	now = measure(&world);
	do {
		before = now;
		live_on(&world);
		nr_rounds++;
		now = measure_until_flat(&world, &before);
		print_size("before", &before);
		print_size("now", &now);
	} while (has_grown(&before, &now) && nr_rounds < MAX_ROUNDS);
	run = finish(&world);
	assert_false(has_grown(&before, &now));
	assert_int_equal(count_ends_of(run, "brief"), nr_rounds * (times(500) + NR_STOPPED_ENDS));
	assert_int_equal(count_ends_of(run, "churn-"), nr_rounds * times(500));
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_ends_that_come_late),
		SYSTEM_TEST(test_ends_that_are_lost),
		SYSTEM_TEST(test_no_room_for_processes),
		SYSTEM_TEST(test_nothing_only_grows),
	};

	return cmocka_run_group_tests(tests, harness__begin, harness__end);
}
