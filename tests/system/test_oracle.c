// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: on unmodified programs of the distribution, the blocks held at the end, and all that
 * were allocated and freed, equal Valgrind's counts, byte for byte and block for block. Both runs
 * get the same arguments, folder, streams and environment: Valgrind adds some variables of its own,
 * so the traced run gets those too (a program that copies its environment would differ by them).
 *
 * Valgrind's counts are also recorded (`test_oracle --record` does only that), and a machine that
 * has the same files but no Valgrind compares with the record: tests/vm/check takes it into its
 * guests. The programs' output is not compared there, since programs print times and names of
 * folders.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture_files.h"
#include "harness.h"
#include "heap_counts.h"
#include "oracle_environment.h"
#include "oracle_programs.h"
#include "recorded.h"
#include "valgrind.h"

#define WANTED_PROGRAMS 15
#define MAX_MEETINGS 3

static char folder[4096];
static struct oracle_environment environment;
static bool have_valgrind;
/* Valgrind's counts: of this run where there is Valgrind, else recorded ones. */
static struct recorded *recorded;
static unsigned int nr_compared;

/* ---- the two runs ---- */

static struct run *run_traced(const struct oracle_program *program, struct heap_counts *heap)
{
	const char *report = scratch("oracle.json");
	const char *const reporting[] = { "--json", "-T", "100000", "-w", report, "--", NULL };
	const char *argv[ORACLE_MAX_WORDS + 16] = { NULL };
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = environment.full,
					 .stdout_path = scratch("stdout-traced"),
					 .report_path = report };
	const json_t *record;
	struct run *run;
	size_t n = tracer_words(argv);

	for (size_t i = 0; reporting[i]; i++)
		argv[n++] = reporting[i];
	for (size_t i = 0; program->argv[i]; i++)
		argv[n++] = program->argv[i];
	run = run_with(&options, 300);
	record = exit_record(run);
	heap->held_bytes = number(record, "held.bytes");
	heap->held_blocks = number(record, "held.blocks");
	heap->allocations = number(record, "totals.allocated_blocks");
	heap->frees = number(record, "totals.freed_blocks");
	heap->allocated_bytes = number(record, "totals.allocated_bytes");
	assert_nothing_lost(record);
	assert_consistent(record);
	return run;
}

/* ---- families: the copies that forks make ---- */

/* By inode: /bin can be a link to /usr/bin, and sh one to dash. */
static bool same_program(const char *one, const char *two)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(two, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Valgrind counts the blocks that a copy got from its parent as the copy's own. */
static void run_family_traced(const struct oracle_program *program, struct held_list *list)
{
	const char *report = scratch("family.json");
	const char *const reporting[] = { "--json", "-f", "-w", report, "--", NULL };
	const char *argv[ORACLE_MAX_WORDS + 16] = { NULL };
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = environment.full,
					 .report_path = report };
	struct run *run;
	size_t n = tracer_words(argv), i;
	json_t *record;

	for (i = 0; reporting[i]; i++)
		argv[n++] = reporting[i];
	for (i = 0; program->argv[i]; i++)
		argv[n++] = program->argv[i];
	run = run_with(&options, 300);
	json_array_foreach(run->events, i, record)
	{
		if (strcmp(text(record, "event"), "exit") != 0)
			continue;
		assert_nothing_lost(record);
		assert_consistent(record);
		assert_int_equal(number(record, "totals.unknown_frees"), 0);
		/* Valgrind looks at the program and its copies alone. */
		if (!strcmp(text(record, "end.kind"), "exec") ||
		    !same_program(text(record, "exe"), program->argv[0]))
			continue;
		held_list__add(list,
			       number(record, "held.bytes") + number(record, "inherited.bytes") -
				       number(record, "inherited.freed_bytes"),
			       number(record, "held.blocks") + number(record, "inherited.blocks") -
				       number(record, "inherited.freed_blocks"));
	}
	run__free(run);
}

/* ---- what was counted elsewhere ---- */

static const char *recorded_path(void)
{
	static char path[4200];
	const char *tracer = tracer_path();

	snprintf(path, sizeof(path), "%.*s/tests/oracle.json", (int)(strrchr(tracer, '/') - tracer),
		 tracer);
	return path;
}

static json_t *recorded_counts(const struct oracle_program *program)
{
	json_t *counts;

	if (!recorded)
		SKIP("there is no Valgrind here, nor what it counted elsewhere");
	if (program->asks_for_acl)
		SKIP("it asks for access control lists, and here is another file system");
	counts = recorded__find(recorded, program->name, program->argv[0]);
	if (!counts)
		SKIP("%s is not here as it was where Valgrind ran it", program->argv[0]);
	return counts;
}

static void record_counts(const struct oracle_program *program, json_t *counts, pid_t pid)
{
	json_object_set_new(counts, "pid", json_integer(pid));
	recorded__add(recorded, program->name, program->argv[0], counts);
}

static void count_family(const struct oracle_program *program, struct held_list *family)
{
	struct child_options options = { .argv = program->argv,
					 .directory = folder,
					 .environment = environment.base };
	pid_t pid = valgrind__count_family(&options, family);

	record_counts(program, held_list__write(family), pid);
}

static struct run *run_in_valgrind(const struct oracle_program *program, struct heap_counts *heap)
{
	struct child_options options = { .argv = program->argv,
					 .directory = folder,
					 .environment = environment.base,
					 .stdout_path = scratch("stdout-valgrind") };

	return valgrind__count(&options, heap);
}

static int count_program(const struct oracle_program *program, struct heap_counts *heap)
{
	struct run *run = run_in_valgrind(program, heap);
	int status = run->exit_status;
	json_t *counts = heap_counts__write(heap);

	json_object_set_new(counts, "status", json_integer(status));
	record_counts(program, counts, run->pid);
	run__free(run);
	return status;
}

/* ---- the comparison ---- */

static bool same_file(const char *a, const char *b)
{
	FILE *one = fopen(a, "r"), *two = fopen(b, "r");
	bool same = one && two;
	int c = 0;

	while (same && c != EOF) {
		c = fgetc(one);
		same = fgetc(two) == c;
	}
	if (one)
		fclose(one);
	if (two)
		fclose(two);
	return same;
}

static void test_family(void **state)
{
	const struct oracle_program *program = *state;
	struct held_list expected = { .nr = 0 }, actual = { .nr = 0 };

	if (access(program->argv[0], X_OK) != 0)
		SKIP("%s is not installed here", program->argv[0]);
	if (have_valgrind) {
		keep_length_of_pids();
		count_family(program, &expected);
	} else {
		const json_t *counts = recorded_counts(program);

		held_list__read(&expected, counts);
		use_pids_like(number(counts, "pid"));
	}
	run_family_traced(program, &actual);
	held_list__sort(&expected);
	held_list__sort(&actual);
	assert_true(expected.nr > 1);
	for (size_t i = 0; i < expected.nr || i < actual.nr; i++)
		print_message("Valgrind %lld bytes in %lld blocks; traced %lld in %lld\n",
			      i < expected.nr ? expected.held[i].bytes : -1,
			      i < expected.nr ? expected.held[i].blocks : -1,
			      i < actual.nr ? actual.held[i].bytes : -1,
			      i < actual.nr ? actual.held[i].blocks : -1);
	assert_int_equal(actual.nr, expected.nr);
	assert_memory_equal(actual.held, expected.held, expected.nr * sizeof(struct held));
}

static void print_and_fail(const struct oracle_program *program, const struct heap_counts *expected,
			   const struct heap_counts *actual)
{
	struct heap_counts again;

	heap_counts__print(expected, "Valgrind");
	if (have_valgrind) {
		run__free(run_in_valgrind(program, &again));
		heap_counts__print(&again, "again");
	}
	heap_counts__print(actual, "traced");
	fail_msg("%s: the counts differ", program->name);
}

/*
 * Allows for meetings in hash slots: their blocks are freed again, so the held blocks are the same.
 */
static void allow_meetings(const struct heap_counts *expected, struct heap_counts *actual)
{
	long long nr = actual->allocations - expected->allocations;

	if (llabs(nr) > MAX_MEETINGS || actual->frees - expected->frees != nr ||
	    actual->allocated_bytes - expected->allocated_bytes != 16 * nr)
		return;
	actual->allocations = expected->allocations;
	actual->frees = expected->frees;
	actual->allocated_bytes = expected->allocated_bytes;
}

static void test_program(void **state)
{
	const struct oracle_program *program = *state;
	struct heap_counts expected, actual;
	struct run *run;
	int status;

	if (access(program->argv[0], X_OK) != 0)
		SKIP("%s is not installed here", program->argv[0]);
	if (have_valgrind) {
		keep_length_of_pids();
		status = count_program(program, &expected);
	} else {
		const json_t *counts = recorded_counts(program);

		heap_counts__read(&expected, counts);
		status = (int)number(counts, "status");
		use_pids_like(number(counts, "pid"));
	}
	run = run_traced(program, &actual);
	assert_int_equal(run->exit_status, status);
	run__free(run);
	if (program->measures_addresses)
		actual.allocated_bytes = expected.allocated_bytes;
	if (program->hashes_inodes && !have_valgrind)
		allow_meetings(&expected, &actual);
	if (memcmp(&expected, &actual, sizeof(expected)) != 0)
		print_and_fail(program, &expected, &actual);
	if (have_valgrind && !same_file(scratch("stdout-valgrind"), scratch("stdout-traced")))
		fail_msg("%s: the output differs", program->name);
	nr_compared += !program->measures_addresses;
}

/* The next PID is the last of four digits, so that the traced run gets a longer one. */
static void test_pids_get_longer(void **state)
{
	const struct oracle_program *bash = oracle_programs;
	void *program;

	(void)state;
	while (strcmp(bash->name, "bash") != 0)
		bash++;
	program = (void *)bash;
	use_pids_like(9998);
	test_program(&program);
}

static void test_enough_programs_were_compared(void **state)
{
	(void)state;
	if (!recorded)
		SKIP("there is no Valgrind here, nor what it counted elsewhere");
	print_message("%u programs were compared\n", nr_compared);
	assert_in_range(nr_compared, WANTED_PROGRAMS, nr_oracle_programs + 1);
}

/*
 * HOME and PWD have this folder's name, which has the same length as the recorded one, but not the
 * same letters.
 */
static char *in_this_folder(const char *variable)
{
	const char *value = strchr(variable, '=') + 1;
	char *changed;

	if (strncmp(value, folder, strlen("/tmp/memleak-test.")) != 0)
		return strdup(variable);
	assert_int_equal(strlen(value), strlen(folder));
	if (asprintf(&changed, "%.*s%s", (int)(value - variable), variable, folder) < 0)
		abort();
	return changed;
}

static bool use_recorded(void)
{
	const char *variable;
	size_t n = 0;

	recorded = recorded__read(recorded_path());
	while (recorded && n + 1 < ORACLE_MAX_VARIABLES &&
	       (variable = recorded__variable(recorded, n))) {
		environment.full[n++] = in_this_folder(variable);
	}
	return recorded;
}

static int begin(void **state)
{
	if (harness__begin(state) != 0)
		return -1;
	snprintf(folder, sizeof(folder), "%s", scratch("oracle"));
	if (mkdir(folder, 0755) != 0)
		return -1;
	oracle_environment__make(&environment, folder);
	/*
	 * In an emulator only test_translators uses Valgrind: counting here would take it half an
	 * hour.
	 */
	have_valgrind = !getenv("EMULATED") && access("/usr/bin/valgrind", X_OK) == 0 &&
			oracle_environment__learn(&environment, folder);
	if (have_valgrind)
		recorded = recorded__new(environment.full);
	else if (!use_recorded())
		return 0;
	fixture_files__make_tree(folder, "tree");
	fixture_files__make(folder);
	fixture_files__make_repository(folder, environment.base);
	return 0;
}

static int end(void **state)
{
	int error = 0;

	oracle_environment__free(&environment);
	if (have_valgrind)
		error = recorded__write(recorded, recorded_path());
	recorded__free(recorded);
	return harness__end(state) || error;
}

static int record(void)
{
	void *state = NULL;

	if (begin(&state) != 0)
		return 1;
	if (!have_valgrind)
		fprintf(stderr, "test_oracle: there is no Valgrind here\n");
	for (size_t i = 0; have_valgrind && i < nr_oracle_programs; i++) {
		const struct oracle_program *program = &oracle_programs[i];
		struct held_list family = { .nr = 0 };
		struct heap_counts heap;

		if (access(program->argv[0], X_OK) != 0)
			continue;
		if (program->forks)
			count_family(program, &family);
		else
			count_program(program, &heap);
	}
	return end(&state) || !have_valgrind;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[nr_oracle_programs + 2];

	if (argc == 2 && !strcmp(argv[1], "--record"))
		return record();

	for (size_t i = 0; i < nr_oracle_programs; i++) {
		const struct oracle_program *program = &oracle_programs[i];

		tests[i] = (struct CMUnitTest){ .name = program->name,
						.test_func = program->forks ? test_family :
									      test_program,
						.setup_func = harness__test_begin,
						.teardown_func = harness__test_end,
						.initial_state = (void *)program };
	}
	tests[nr_oracle_programs] = (struct CMUnitTest)SYSTEM_TEST(test_pids_get_longer);
	tests[nr_oracle_programs + 1] =
		(struct CMUnitTest)SYSTEM_TEST(test_enough_programs_were_compared);
	return cmocka_run_group_tests_name("oracle", tests, begin, end);
}
