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
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture_files.h"
#include "harness.h"
#include "recorded.h"

#define MAX_VARIABLES 64
#define MAX_WORDS 14
#define MAX_COPIES 64
/*
 * The tracer is the parent of the traced program, so a shell is the parent of the program in
 * Valgrind: bash keeps its parent's PID as text, and the PID of this program may have a digit less.
 */
#define BELOW_SHELL "/bin/sh", "-c", "\"$@\"; exit $?", "sh"
#define WANTED_PROGRAMS 15
#define MAX_MEETINGS 3

struct program {
	const char *name;
	const char *argv[MAX_WORDS];
	/*
	 * The program makes numbers of addresses, whose length depends on where the process's
	 * memory lies. So the bytes that it allocates and frees again differ: they are left out,
	 * and it does not count as compared.
	 */
	bool measures_addresses;
	/*
	 * The program asks for access control lists, which an emulator's file system does not have.
	 */
	bool asks_for_acl;
	/*
	 * The program keeps the folders that it is in, in a hash table by inode number (gnulib's
	 * fts): where two meet in a slot, 16 bytes are allocated and freed. Inode numbers differ
	 * between machines.
	 */
	bool hashes_inodes;
	/*
	 * The program forks: the held blocks of each copy that runs on are compared, inherited ones
	 * included.
	 */
	bool forks;
};

/* The programs run in a folder with tree/, text, numbers, data.json and repository/. */
static const struct program programs[] = {
	{ .name = "ls", .argv = { "/bin/ls", "-l", "tree" }, .asks_for_acl = true },
	{ .name = "ls of many",
	  .argv = { "/bin/ls", "-laRt", "--color=always", "tree" },
	  .asks_for_acl = true },
	{ .name = "sort", .argv = { "/usr/bin/sort", "--parallel=1", "-S", "1M", "text" } },
	{ .name = "find",
	  .argv = { "/usr/bin/find", "tree", "-name", "*3*", "-size", "-9k" },
	  .hashes_inodes = true },
	{ .name = "grep",
	  .argv = { "/bin/grep", "-rn", "--include=*", "line [0-9]*7", "tree" },
	  .hashes_inodes = true },
	{ .name = "mawk",
	  .argv = { "/usr/bin/mawk", "{ n[$2] += $3 } END { for (k in n) s += n[k]; print s }",
		    "text" } },
	{ .name = "gawk",
	  .argv = { "/usr/bin/gawk", "{ n[$2] += $3 } END { for (k in n) s += n[k]; print s }",
		    "text" } },
	{ .name = "sed", .argv = { "/bin/sed", "-n", "s/line \\([0-9]*\\)/<\\1>/p", "text" } },
	{ .name = "cat", .argv = { "/bin/cat", "-n", "text" } },
	{ .name = "python3",
	  .argv = { "/usr/bin/python3", "-S", "-c",
		    "d = {w: [w] * (len(w) % 5) for w in open('text').read().split()};"
		    "print(len(d), sum(len(v) for v in d.values()), '-'.join(sorted(d)[:50]))" },
	  .measures_addresses = true },
	{ .name = "perl",
	  .argv = { "/usr/bin/perl", "-ne",
		    "$h{$1}++ if /line (\\d+)/; END { print scalar keys %h }", "text" } },
	{ .name = "bash",
	  .argv = { "/bin/bash", "--norc", "-c",
		    "a=(); for i in {1..200}; do a+=(\"x$i\"); done; echo ${#a[@]} ${a[*]}" } },
	{ .name = "sh",
	  .argv = { "/bin/sh", "-c",
		    "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); v$i=$i 2>/dev/null; done; echo $i" } },
	{ .name = "git log",
	  .argv = { "/usr/bin/git", "--no-pager", "-C", "repository", "log", "--stat" } },
	{ .name = "git status",
	  .argv = { "/usr/bin/git", "--no-optional-locks", "-C", "repository", "status",
		    "--short" } },
	{ .name = "git ls-tree",
	  .argv = { "/usr/bin/git", "-C", "repository", "ls-tree", "-r", "HEAD" } },
	{ .name = "tar", .argv = { "/bin/tar", "-cf", "/dev/null", "--sort=name", "tree" } },
	{ .name = "gzip", .argv = { "/bin/gzip", "-9", "-c", "-n", "text" } },
	{ .name = "xz", .argv = { "/usr/bin/xz", "-T1", "-2", "-c", "text" } },
	{ .name = "diff", .argv = { "/usr/bin/diff", "-u", "text", "numbers" } },
	{ .name = "date", .argv = { "/bin/date", "-u", "-d", "2026-01-31 12:34:56", "+%A %c" } },
	{ .name = "id", .argv = { "/usr/bin/id" } },
	{ .name = "stat",
	  .argv = { "/usr/bin/stat", "-c", "%n %s %A", "text", "numbers", "tree" } },
	{ .name = "make", .argv = { "/usr/bin/make", "--version" } },
	{ .name = "make of a file", .argv = { "/usr/bin/make", "-n", "-f", "makefile", "all" } },
	{ .name = "bc", .argv = { "/usr/bin/bc", "-q", "sums.bc" } },
	{ .name = "jq", .argv = { "/usr/bin/jq", ".values | map(. * 2) | add", "data.json" } },
	{ .name = "openssl", .argv = { "/usr/bin/openssl", "dgst", "-sha256", "text" } },
	{ .name = "readelf", .argv = { "/usr/bin/readelf", "-hlS", "/bin/ls" } },
	{ .name = "nm", .argv = { "/usr/bin/nm", "-D", "/bin/ls" } },
	{ .name = "objdump", .argv = { "/usr/bin/objdump", "-T", "/bin/ls" } },
	{ .name = "uniq", .argv = { "/usr/bin/uniq", "-c", "numbers" } },
	{ .name = "join", .argv = { "/usr/bin/join", "numbers", "numbers" } },
	{ .name = "sha256sum", .argv = { "/usr/bin/sha256sum", "text", "numbers" } },
	{ .name = "expr", .argv = { "/usr/bin/expr", "1234567", "*", "7654321" } },
	{ .name = "factor", .argv = { "/usr/bin/factor", "1234567890123456789" } },
	{ .name = "du", .argv = { "/usr/bin/du", "-ab", "tree" }, .hashes_inodes = true },
	{ .name = "sqlite3",
	  .argv = { "/usr/bin/sqlite3", ":memory:",
		    "create table t(a); insert into t values(1),(2); select sum(a) from t;" } },
	{ .name = "dpkg-query", .argv = { "/usr/bin/dpkg-query", "--version" } },
	{ .name = "file", .argv = { "/usr/bin/file", "-b", "text" } },
	{ .name = "subshells of dash",
	  .argv = { "/bin/sh", "-c",
		    "a=1; (b=22; (c=333; a=4444); b=5) ; (x=6; unset a) | (read y; z=$y); v=7" },
	  .forks = true },
	{ .name = "subshells of bash",
	  .argv = { "/bin/bash", "--norc", "-c",
		    "a=({1..50}); (unset a; b=$(echo x | cat); c=({1..30})); (a+=(y); exit 3);"
		    "echo ${#a[@]}" },
	  .forks = true },
	{ .name = "forks of perl",
	  .argv = { "/usr/bin/perl", "-e",
		    "@a = map { 'x' x $_ } 1..300; for (1..3) { unless (fork) { splice(@a, $_ * 10);"
		    " @b = (1) x 500; exit 0 if fork; undef @b; exit 0 } wait } push @a, 'y' x 999" },
	  .forks = true },
};

#define NR_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

struct heap {
	long long held_bytes, held_blocks, allocations, frees, allocated_bytes;
};

static char folder[4096];
static char *base_environment[MAX_VARIABLES]; /* given to Valgrind */
static char *full_environment[MAX_VARIABLES]; /* the variables that a program sees in Valgrind */
static bool have_valgrind;
/* Valgrind's counts: of this run where there is Valgrind, else recorded ones. */
static struct recorded *recorded;
static unsigned int nr_compared;

static struct run *run_here(const char *const *argv)
{
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = base_environment };

	return child__finish(child__start(&options), 60);
}

static void make_repository(void)
{
	static const char *const steps[][8] = {
		{ "git", "init", "-q", "-b", "main", "repository" },
		{ "git", "-C", "repository", "add", "-A" },
		{ "git", "-C", "repository", "commit", "-q", "-m", "First" },
		{ "git", "-C", "repository", "mv", "folder1", "folder9" },
		{ "git", "-C", "repository", "commit", "-q", "-m", "Second" },
		{ "git", "-C", "repository", "pack-refs", "--all" },
		{ "git", "-C", "repository", "gc", "-q" },
		{ "git", "-C", "repository", "status" },
	};

	fixture_files__make_tree(folder, "repository");
	if (!have_program("git"))
		return;
	/* git reads an index that is as young as its files again and again: wait a second. */
	sleep(1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		run__free(run_here(steps[i]));
}

/* ---- environment ---- */

static void make_environment(void)
{
	static char home[4200];
	size_t n = 0;

	snprintf(home, sizeof(home), "HOME=%s", folder);
	base_environment[n++] = (char *)"PATH=/usr/bin:/bin";
	base_environment[n++] = home;
	base_environment[n++] = (char *)"LC_ALL=C";
	base_environment[n++] = (char *)"TZ=UTC";
	base_environment[n++] = (char *)"GIT_CONFIG_NOSYSTEM=1";
	base_environment[n++] = (char *)"GIT_AUTHOR_NAME=A";
	base_environment[n++] = (char *)"GIT_AUTHOR_EMAIL=a@example.org";
	base_environment[n++] = (char *)"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z";
	base_environment[n++] = (char *)"GIT_COMMITTER_NAME=A";
	base_environment[n++] = (char *)"GIT_COMMITTER_EMAIL=a@example.org";
	base_environment[n++] = (char *)"GIT_COMMITTER_DATE=2026-01-01T00:00:00Z";
	base_environment[n++] = (char *)"PYTHONHASHSEED=0";
	base_environment[n++] = (char *)"PYTHONMALLOC=malloc";
	base_environment[n++] = (char *)"PYTHONDONTWRITEBYTECODE=1";
	base_environment[n++] = (char *)"PERL_HASH_SEED=0";
	/* Valgrind's CPU has no AVX-512, and the loader's search path grows with the CPU. */
	base_environment[n++] = (char *)"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512BW,"
					"-AVX512CD,-AVX512DQ,-AVX512VL";
	base_environment[n] = NULL;
}

/* Learns the environment that Valgrind makes of ours, in its order. */
static bool learn_environment(void)
{
	struct run *run = run_here(ARGS(BELOW_SHELL, "/usr/bin/valgrind", "-q", "/usr/bin/env"));
	size_t n = 0;
	char *line;

	if (run->exit_status != 0) {
		run__free(run);
		return false;
	}
	for (line = strtok(run->out, "\n"); line && n + 1 < MAX_VARIABLES;
	     line = strtok(NULL, "\n"))
		full_environment[n++] = strdup(line);
	run__free(run);
	return n > 0;
}

/* ---- the two runs ---- */

static void drop_commas(char *content)
{
	char *to = content;

	for (; *content; content++)
		if (*content != ',' || !isdigit((unsigned char)content[1]))
			*to++ = *content;
	*to = '\0';
}

static char *read_text(const char *path)
{
	static char content[1 << 16];
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(content, 1, sizeof(content) - 1, file);
	content[n] = '\0';
	fclose(file);
	return content;
}

/*
 * A breakpoint that another tracer on the machine puts into libc kills programs in Valgrind, which
 * reads it as the program's own code.
 */
static struct run *run_undisturbed(const struct child_options *options)
{
	struct run *run = run_with(options, 300);

	for (int i = 0; i < 20 && (run->signal == SIGTRAP || run->exit_status == 128 + SIGTRAP);
	     i++) {
		run__free(run);
		sleep(1);
		run = run_with(options, 300);
	}
	return run;
}

static struct run *run_valgrind(const struct program *program, struct heap *heap)
{
	const char *argv[MAX_WORDS + 12] = { BELOW_SHELL,
					     "/usr/bin/valgrind",
					     "--run-libc-freeres=no",
					     "--run-cxx-freeres=no",
					     "--trace-children=no",
					     "--child-silent-after-fork=yes" };
	char option[4200];
	const char *path;
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = base_environment,
					 .stdout_path = scratch("stdout-valgrind") };
	const char *in_use, *total;
	struct run *run;
	size_t n = 9;
	char *log;

	/*
	 * The log is not in the program's folder: make reads that, and allocates for each file in
	 * it.
	 */
	snprintf(option, sizeof(option), "--log-file=%s", scratch("valgrind.log"));
	argv[n++] = option;
	for (size_t i = 0; program->argv[i]; i++)
		argv[n++] = program->argv[i];
	run = run_undisturbed(&options);
	path = scratch("valgrind.log");
	log = read_text(path);
	unlink(path);
	drop_commas(log);
	in_use = strstr(log, "in use at exit: ");
	total = strstr(log, "total heap usage: ");
	if (!in_use || !total ||
	    sscanf(in_use, "in use at exit: %lld bytes in %lld", &heap->held_bytes,
		   &heap->held_blocks) != 2 ||
	    sscanf(total, "total heap usage: %lld allocs, %lld frees, %lld", &heap->allocations,
		   &heap->frees, &heap->allocated_bytes) != 3)
		fail_msg("Valgrind's log says no sums:\n%s", log);
	return run;
}

static struct run *run_traced(const struct program *program, struct heap *heap)
{
	const char *report = scratch("oracle.json");
	const char *const reporting[] = { "--json", "-T", "100000", "-w", report, "--", NULL };
	const char *argv[MAX_WORDS + 16] = { NULL };
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = full_environment,
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

struct held {
	long long bytes, blocks;
};

struct held_list {
	struct held held[MAX_COPIES];
	size_t nr;
};

static int by_held(const void *a, const void *b)
{
	const struct held *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? -1 : 1;
	return left->blocks < right->blocks ? -1 : left->blocks > right->blocks;
}

static void add_held(struct held_list *list, long long bytes, long long blocks)
{
	assert_in_range(list->nr, 0, MAX_COPIES - 1);
	list->held[list->nr++] = (struct held){ bytes, blocks };
}

/* Valgrind writes one log for each process; the log of a copy that went on by exec has no sums. */
static void read_logs(struct held_list *list)
{
	glob_t logs;

	assert_int_equal(glob(scratch("family.*"), 0, NULL, &logs), 0);
	for (size_t i = 0; i < logs.gl_pathc; i++) {
		char *log = read_text(logs.gl_pathv[i]);
		const char *in_use;
		long long bytes, blocks;

		drop_commas(log);
		in_use = strstr(log, "in use at exit: ");
		if (in_use &&
		    sscanf(in_use, "in use at exit: %lld bytes in %lld", &bytes, &blocks) == 2)
			add_held(list, bytes, blocks);
		unlink(logs.gl_pathv[i]);
	}
	globfree(&logs);
}

static pid_t run_family_in_valgrind(const struct program *program, struct held_list *list)
{
	const char *argv[MAX_WORDS + 12] = { BELOW_SHELL, "/usr/bin/valgrind",
					     "--run-libc-freeres=no", "--run-cxx-freeres=no",
					     "--trace-children=no" };
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = base_environment };
	char option[4200];
	size_t n = 8;
	struct run *run;
	pid_t pid;

	snprintf(option, sizeof(option), "--log-file=%s", scratch("family.%p"));
	argv[n++] = option;
	for (size_t i = 0; program->argv[i]; i++)
		argv[n++] = program->argv[i];
	run = run_undisturbed(&options);
	pid = run->pid;
	run__free(run);
	read_logs(list);
	return pid;
}

/* Valgrind counts the blocks that a copy got from its parent as the copy's own. */
static void run_family_traced(const struct program *program, struct held_list *list)
{
	const char *report = scratch("family.json");
	const char *const reporting[] = { "--json", "-f", "-w", report, "--", NULL };
	const char *argv[MAX_WORDS + 16] = { NULL };
	struct child_options options = { .argv = argv,
					 .directory = folder,
					 .environment = full_environment,
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
		add_held(list,
			 number(record, "held.bytes") + number(record, "inherited.bytes") -
				 number(record, "inherited.freed_bytes"),
			 number(record, "held.blocks") + number(record, "inherited.blocks") -
				 number(record, "inherited.freed_blocks"));
	}
	run__free(run);
}

static void print_heap(const char *who, const struct heap *heap)
{
	print_message("%-9s %lld bytes in %lld blocks held; %lld allocations, %lld frees, %lld "
		      "bytes allocated\n",
		      who, heap->held_bytes, heap->held_blocks, heap->allocations, heap->frees,
		      heap->allocated_bytes);
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

static json_t *recorded_counts(const struct program *program)
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

/* bash keeps PIDs as text, so PIDs need as many digits as in the recorded run. */
static void use_pids_like(long long pid)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "w");

	if (!file)
		SKIP("the kernel has no /proc/sys/kernel/ns_last_pid");
	fprintf(file, "%lld\n", pid);
	fclose(file);
}

static void read_heap(const json_t *counts, struct heap *heap)
{
	heap->held_bytes = number(counts, "held_bytes");
	heap->held_blocks = number(counts, "held_blocks");
	heap->allocations = number(counts, "allocations");
	heap->frees = number(counts, "frees");
	heap->allocated_bytes = number(counts, "allocated_bytes");
}

static json_t *write_heap(const struct heap *heap)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "held_bytes", heap->held_bytes, "held_blocks",
			 heap->held_blocks, "allocations", heap->allocations, "frees", heap->frees,
			 "allocated_bytes", heap->allocated_bytes);
}

static void read_family(const json_t *counts, struct held_list *list)
{
	json_t *copy;
	size_t i;

	json_array_foreach(field(counts, "copies"), i, copy)
		add_held(list, number(copy, "bytes"), number(copy, "blocks"));
}

static json_t *write_family(const struct held_list *list)
{
	json_t *copies = json_array();

	for (size_t i = 0; i < list->nr; i++)
		json_array_append_new(copies, json_pack("{s:I,s:I}", "bytes", list->held[i].bytes,
							"blocks", list->held[i].blocks));
	return json_pack("{s:o}", "copies", copies);
}

static void record_counts(const struct program *program, json_t *counts, pid_t pid)
{
	json_object_set_new(counts, "pid", json_integer(pid));
	recorded__add(recorded, program->name, program->argv[0], counts);
}

static void count_family(const struct program *program, struct held_list *family)
{
	pid_t pid = run_family_in_valgrind(program, family);

	record_counts(program, write_family(family), pid);
}

static int count_program(const struct program *program, struct heap *heap)
{
	struct run *run = run_valgrind(program, heap);
	int status = run->exit_status;
	json_t *counts = write_heap(heap);

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
	const struct program *program = *state;
	struct held_list expected = { .nr = 0 }, actual = { .nr = 0 };

	if (access(program->argv[0], X_OK) != 0)
		SKIP("%s is not installed here", program->argv[0]);
	if (have_valgrind) {
		count_family(program, &expected);
	} else {
		const json_t *counts = recorded_counts(program);

		read_family(counts, &expected);
		use_pids_like(number(counts, "pid"));
	}
	run_family_traced(program, &actual);
	qsort(expected.held, expected.nr, sizeof(struct held), by_held);
	qsort(actual.held, actual.nr, sizeof(struct held), by_held);
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

static void print_and_fail(const struct program *program, const struct heap *expected,
			   const struct heap *actual)
{
	struct heap again;

	print_heap("Valgrind", expected);
	if (have_valgrind) {
		run__free(run_valgrind(program, &again));
		print_heap("again", &again);
	}
	print_heap("traced", actual);
	fail_msg("%s: the counts differ", program->name);
}

/*
 * Allows for meetings in hash slots: their blocks are freed again, so the held blocks are the same.
 */
static void allow_meetings(const struct heap *expected, struct heap *actual)
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
	const struct program *program = *state;
	struct heap expected, actual;
	struct run *run;
	int status;

	if (access(program->argv[0], X_OK) != 0)
		SKIP("%s is not installed here", program->argv[0]);
	if (have_valgrind) {
		status = count_program(program, &expected);
	} else {
		const json_t *counts = recorded_counts(program);

		read_heap(counts, &expected);
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

static void test_enough_programs_were_compared(void **state)
{
	(void)state;
	if (!recorded)
		SKIP("there is no Valgrind here, nor what it counted elsewhere");
	print_message("%u programs were compared\n", nr_compared);
	assert_in_range(nr_compared, WANTED_PROGRAMS, NR_PROGRAMS);
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
	while (recorded && n + 1 < MAX_VARIABLES && (variable = recorded__variable(recorded, n))) {
		full_environment[n++] = in_this_folder(variable);
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
	make_environment();
	/*
	 * In an emulator only test_translators uses Valgrind: counting here would take it half an
	 * hour.
	 */
	have_valgrind = !getenv("EMULATED") && access("/usr/bin/valgrind", X_OK) == 0 &&
			learn_environment();
	if (have_valgrind)
		recorded = recorded__new(full_environment);
	else if (!use_recorded())
		return 0;
	fixture_files__make_tree(folder, "tree");
	fixture_files__make(folder);
	make_repository();
	return 0;
}

static int end(void **state)
{
	int error = 0;

	for (size_t i = 0; i < MAX_VARIABLES; i++)
		free(full_environment[i]);
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
	for (size_t i = 0; have_valgrind && i < NR_PROGRAMS; i++) {
		struct held_list family = { .nr = 0 };
		struct heap heap;

		if (access(programs[i].argv[0], X_OK) != 0)
			continue;
		if (programs[i].forks)
			count_family(&programs[i], &family);
		else
			count_program(&programs[i], &heap);
	}
	return end(&state) || !have_valgrind;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[NR_PROGRAMS + 1];

	if (argc == 2 && !strcmp(argv[1], "--record"))
		return record();

	for (size_t i = 0; i < NR_PROGRAMS; i++)
		tests[i] = (struct CMUnitTest){ .name = programs[i].name,
						.test_func = programs[i].forks ? test_family :
										 test_program,
						.setup_func = harness__test_begin,
						.teardown_func = harness__test_end,
						.initial_state = (void *)&programs[i] };
	tests[NR_PROGRAMS] = (struct CMUnitTest)SYSTEM_TEST(test_enough_programs_were_compared);
	return cmocka_run_group_tests_name("oracle", tests, begin, end);
}
