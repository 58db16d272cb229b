// SPDX-License-Identifier: GPL-2.0
/*
 * Leak kinds of unmodified programs of the distribution: at their end the tracer calls lost,
 * possibly lost and reachable what Valgrind calls so, block for block and byte for byte. Both runs
 * get the same arguments, folder, environment and files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture_files.h"
#include "harness.h"
#include "leak_oracle.h"
#include "oracle_environment.h"

#define MAX_PROGRAM_WORDS 14
#define WANTED_PROGRAMS 14
#define CC1 "cc1" /* in no folder of PATH: gcc knows where it is */

struct leak_program {
	const char *name;
	const char *argv[MAX_PROGRAM_WORDS];
	/*
	 * The reason why what is possibly lost and what is reachable are not compared; NULL: they
	 * are. What is lost for certain is compared always.
	 */
	const char *lost_alone;
	bool overwritten; /* OVERWRITTEN_BLOCKS */
};

/*
 * A program that is linked to fixed addresses has its heap at addresses of 32 bits. There the link
 * that glibc leaves in a block that it uses anew, obscured by 20 bits, is an address near the old
 * one, and points into a block in some runs. Valgrind knows that the program never wrote it. So
 * glibc overwrites such blocks here, which it does for all that its caches of threads don't keep.
 */
#define OVERWRITTEN_BLOCKS ":glibc.malloc.tcache_count=0:glibc.malloc.perturb=165"

static const struct leak_program programs[] = {
	{ .name = "ls", .argv = { "/bin/ls", "-l", "tree" } },
	{ .name = "sort", .argv = { "/usr/bin/sort", "--parallel=1", "-S", "1M", "text" } },
	{ .name = "diff", .argv = { "/usr/bin/diff", "-u", "text", "numbers" } },
	{ .name = "readelf", .argv = { "/usr/bin/readelf", "-a", "/bin/true" } },
	{ .name = "gawk",
	  .overwritten = true,
	  .argv = { "/usr/bin/gawk", "{ n[$2] += $3 } END { for (k in n) s += n[k]; print s }",
		    "text" } },
	{ .name = "mawk",
	  .lost_alone =
		  "old words on the stack, which Valgrind knows to be undefined, point to blocks",
	  .argv = { "/usr/bin/mawk", "{ n[$2] += $3 } END { for (k in n) s += n[k]; print s }",
		    "text" } },
	{ .name = "python3",
	  .argv = { "/usr/bin/python3", "-S", "-c",
		    "d = {w: [w] * (len(w) % 5) for w in open('text').read().split()};"
		    "print(len(d), sum(len(v) for v in d.values()))" } },
	/* Its heap is not torn down. */
	{ .name = "python3 that exits at once",
	  .lost_alone =
		  "old words on the stack, which Valgrind knows to be undefined, point to blocks",
	  .argv = { "/usr/bin/python3", "-S", "-c",
		    "import os; d = {str(i): [i] for i in range(2000)}; os._exit(0)" } },
	{ .name = "perl",
	  .argv = { "/usr/bin/perl", "-ne",
		    "$h{$1}++ if /line (\\d+)/; END { print scalar keys %h }", "text" } },
	{ .name = "bash",
	  .argv = { "/bin/bash", "--norc", "-c",
		    "a=(); for i in {1..200}; do a+=(\"x$i\"); done; echo ${#a[@]} ${a[*]}" } },
	{ .name = "git log",
	  .argv = { "/usr/bin/git", "--no-pager", "-C", "repository", "log", "--stat" } },
	{ .name = "git status",
	  .argv = { "/usr/bin/git", "--no-optional-locks", "-C", "repository", "status",
		    "--short" } },
	{ .name = "cc1",
	  .lost_alone = "it holds one block of 32 KiB more in some traced runs than in others",
	  .argv = { CC1, "-quiet", "-O1", "small.c", "-o", "/dev/null" } },
	{ .name = "od", .argv = { "/usr/bin/od", "-x", "text" } },
	{ .name = "grep", .argv = { "/bin/grep", "-rn", "line [0-9]*7", "tree" } },
	{ .name = "sed", .argv = { "/bin/sed", "-n", "s/line \\([0-9]*\\)/<\\1>/p", "text" } },
	{ .name = "find", .argv = { "/usr/bin/find", "tree", "-name", "*3*", "-size", "-9k" } },
	{ .name = "make", .argv = { "/usr/bin/make", "-n", "-f", "makefile", "all" } },
	{ .name = "xz", .argv = { "/usr/bin/xz", "-T1", "-2", "-c", "text" } },
	{ .name = "tar", .argv = { "/bin/tar", "-cf", "/dev/null", "--sort=name", "tree" } },
	{ .name = "jq", .argv = { "/usr/bin/jq", ".values | map(. * 2) | add", "data.json" } },
	{ .name = "sqlite3",
	  .argv = { "/usr/bin/sqlite3", ":memory:",
		    "create table t(a); insert into t values(1),(2); select sum(a) from t;" } },
};

static const size_t nr_programs = sizeof(programs) / sizeof(programs[0]);

static char folder[4096], cc1_path[4096];
static struct oracle_environment environment;
static bool have_valgrind;
static unsigned int nr_compared;

static void complain(const struct leak_program *program, const struct leak_oracle *oracle,
		     const struct leak_counts *counts)
{
	leak_counts__print(&oracle->counts, "Valgrind");
	leak_counts__print(counts, "traced");
	print_whole(strstr(oracle->log, "HEAP SUMMARY"));
	fail_msg("%s: the leak kinds differ", program->name);
}

static void copy_words(const char **words, const struct leak_program *program)
{
	for (size_t i = 0; program->argv[i]; i++)
		words[i] = program->argv[i];
	if (!strcmp(words[0], CC1))
		words[0] = cc1_path;
}

/* Copies an environment, with OVERWRITTEN_BLOCKS added to glibc's tunables. */
static void overwrite_blocks(char **copy, char *const *variables)
{
	static const char name[] = "GLIBC_TUNABLES=";

	for (; *variables; variables++, copy++)
		if (asprintf(copy, "%s%s", *variables,
			     strncmp(*variables, name, strlen(name)) ? "" : OVERWRITTEN_BLOCKS) < 0)
			fail_msg("out of memory");
}

static void free_variables(char **variables)
{
	for (; *variables; variables++)
		free(*variables);
}

static void test_program(void **state)
{
	const struct leak_program *program = *state;
	const char *argv[MAX_PROGRAM_WORDS] = { NULL };
	char *base[ORACLE_MAX_VARIABLES] = { NULL }, *full[ORACLE_MAX_VARIABLES] = { NULL };
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = environment.base,
					 .stdout_path = scratch("stdout") };
	struct leak_oracle oracle;
	struct leak_counts counts;
	struct run *run;

	copy_words(argv, program);
	if (!have_valgrind)
		SKIP("there is no Valgrind here");
	if (access(argv[0], X_OK) != 0)
		SKIP("%s is not installed here", program->name);
	if (program->overwritten) {
		overwrite_blocks(base, environment.base);
		overwrite_blocks(full, environment.full);
		options.environment = base;
	}
	keep_length_of_pids();
	leak_oracle__ask(&oracle, &options);
	options.environment = program->overwritten ? full : environment.full;
	run = trace_leaks(&options);
	assert_int_equal(run->exit_status, oracle.exit_status);
	assert_nothing_lost(final_exit_record(run));
	counts = leak_counts__of(final_exit_record(run));
	if (!leak_oracle__agrees_on_lost(&oracle, &counts))
		complain(program, &oracle, &counts);
	if (program->lost_alone)
		print_message("only what is lost was compared: %s\n", program->lost_alone);
	else if (!leak_oracle__agrees(&oracle, &counts))
		complain(program, &oracle, &counts);
	leak_counts__print(&counts, program->name);
	leak_oracle__free(&oracle);
	run__free(run);
	free_variables(base);
	free_variables(full);
	nr_compared++;
}

static void test_enough_programs_were_compared(void **state)
{
	(void)state;
	if (!have_valgrind)
		SKIP("there is no Valgrind here");
	print_message("%u programs were compared\n", nr_compared);
	assert_in_range(nr_compared, WANTED_PROGRAMS, nr_programs);
}

static int make_source(void)
{
	char path[4200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/small.c", folder);
	file = fopen(path, "w");
	if (!file)
		return -1;
	fputs("struct pair { int first; char name[9]; };\n"
	      "static int square(int x) { return x * x; }\n"
	      "int sum(struct pair *pairs, int nr)\n"
	      "{\n"
	      "	int total = 0;\n"
	      "	for (int i = 0; i < nr; i++)\n"
	      "		total += square(pairs[i].first) + pairs[i].name[i % 9];\n"
	      "	return total;\n"
	      "}\n",
	      file);
	return fclose(file);
}

static void find_cc1(void)
{
	FILE *answer = popen("gcc -print-prog-name=cc1", "r");

	if (!answer)
		return;
	if (fgets(cc1_path, sizeof(cc1_path), answer))
		cc1_path[strcspn(cc1_path, "\n")] = '\0';
	pclose(answer);
}

static int begin(void **state)
{
	if (harness__begin(state) != 0)
		return -1;
	snprintf(folder, sizeof(folder), "%s", scratch("programs"));
	if (mkdir(folder, 0755) != 0 || make_source() != 0)
		return -1;
	oracle_environment__make(&environment, folder);
	have_valgrind = !getenv("EMULATED") && access("/usr/bin/valgrind", X_OK) == 0 &&
			oracle_environment__learn(&environment, folder);
	if (!have_valgrind)
		return 0;
	find_cc1();
	fixture_files__make_tree(folder, "tree");
	fixture_files__make(folder);
	fixture_files__make_repository(folder, environment.base);
	return 0;
}

static int end(void **state)
{
	oracle_environment__free(&environment);
	return harness__end(state);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(programs) / sizeof(programs[0]) + 1];

	for (size_t i = 0; i < nr_programs; i++)
		tests[i] = (struct CMUnitTest){ .name = programs[i].name,
						.test_func = test_program,
						.setup_func = harness__test_begin,
						.teardown_func = harness__test_end,
						.initial_state = (void *)&programs[i] };
	tests[nr_programs] = (struct CMUnitTest)SYSTEM_TEST(test_enough_programs_were_compared);
	return cmocka_run_group_tests_name("leak_programs", tests, begin, end);
}
