// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: the words that are accepted and how they land in the struct, and each refusal's
 * words.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_line.h"
#include "failing_alloc.h"
#include "option_table.h"
#include "options.h"
#include "base/parse_number.h"

static void test_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(command_line__parse(&options, (const char *const[]){ NULL }), 0);
	assert_string_equal(command_line__error, "");
	assert_int_equal(options.mode, MODE_SYSTEM);
	assert_int_equal(options.top, 0);
	assert_int_equal(options.order, ORDER_GROWTH);
	assert_true(options.tree_percent == 0);
	assert_true(options.max_size_bytes == UINT64_MAX);
	assert_int_equal(options.min_size_bytes, 0);
	assert_int_equal(options.nr_pids, 0);
	assert_null(options.command);
	assert_null(options.shell_command);
	assert_true(options.interval_s == 0);
	assert_int_equal(options.count, 0);
	assert_false(options.json || options.verbose || options.trace || options.help);
	options__free(&options);
	options__free(NULL);
	assert_int_equal(options__parse(&options, 0, (char *[]){ NULL }, NULL, 0), 0);
}

static void test_command(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "-v", "--", "ls", "-l", "--json"), 0);
	assert_int_equal(options.mode, MODE_COMMAND);
	assert_string_equal(options.command[0], "ls");
	assert_string_equal(options.command[2], "--json");
	assert_null(options.command[3]);
	assert_true(options.verbose);
	assert_false(options.json);
	options__free(&options);
	options__free(&options);

	assert_int_equal(PARSE(&options, "5", "3", "--", "cmd", "--"), 0);
	assert_int_equal(options.mode, MODE_COMMAND);
	assert_true(options.interval_s == 5);
	assert_int_equal(options.count, 3);
	assert_string_equal(options.command[0], "cmd");
	assert_string_equal(options.command[1], "--");
	options__free(&options);

	/* "--" as the value of an option ends nothing. */
	assert_int_equal(PARSE(&options, "-w", "--", "5"), 0);
	assert_string_equal(options.output_paths[0], "--");
	assert_true(options.interval_s == 5);
	assert_null(options.command);
	options__free(&options);

	assert_int_equal(PARSE(&options, "-u", "nobody", "-w", "--", "--", "--"), 0);
	assert_string_equal(options.command[0], "--");
	assert_string_equal(options.user, "nobody");
	options__free(&options);
}

static void test_shell_command(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "-c", "ls -l | cat", "0.5"), 0);
	assert_int_equal(options.mode, MODE_COMMAND);
	assert_string_equal(options.command[0], "sh");
	assert_string_equal(options.command[1], "-c");
	assert_string_equal(options.command[2], "ls -l | cat");
	assert_null(options.command[3]);
	assert_string_equal(options.shell_command, "ls -l | cat");
	assert_true(options.interval_s == 0.5);
	options__free(&options);
	assert_null(options.command);
}

static void test_pids(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "-p", "7,8,7", "-p9", "--pid=8", "2", "1"), 0);
	assert_int_equal(options.mode, MODE_PID);
	assert_int_equal(options.nr_pids, 3);
	assert_int_equal(options.pids[0], 7);
	assert_int_equal(options.pids[1], 8);
	assert_int_equal(options.pids[2], 9);
	assert_true(options.interval_s == 2);
	assert_int_equal(options.count, 1);
	options__free(&options);
}

static void test_too_many_pids(void **state)
{
	char list[OPTIONS_MAX_PIDS * 8] = "1";
	struct options options;

	(void)state;
	for (int pid = 2; pid <= OPTIONS_MAX_PIDS; pid++)
		sprintf(list + strlen(list), ",%d", pid);
	assert_int_equal(PARSE(&options, "-p", list), 0);
	assert_int_equal(options.nr_pids, OPTIONS_MAX_PIDS);
	assert_int_equal(PARSE(&options, "-p", list, "-p", "1"), 0);
	assert_int_equal(PARSE(&options, "-p", list, "-p", "257"), -EINVAL);
	assert_string_equal(command_line__error, "-p takes at most 256 PIDs");
	options__free(&options);
}

static void test_every_option(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "-atv", "-o", "1500", "-T3", "-z", "4K", "-Z1m", "-w",
			       "out", "--append", "--json", "--btf=b"),
			 0);
	assert_true(options.append);
	assert_true(options.show_allocations && options.trace && options.verbose && options.json);
	assert_true(options.min_age_s == 1.5);
	assert_int_equal(options.top, 3);
	assert_int_equal(options.min_size_bytes, 4096);
	assert_int_equal(options.max_size_bytes, 1048576);
	assert_string_equal(options.output_paths[0], "out");
	assert_string_equal(options.btf_path, "b");
	options__free(&options);

	assert_int_equal(PARSE(&options, "--show-allocs", "--trace", "--older", "0", "--top",
			       "1048576", "--max-blocks", "134217728", "--max-stacks", "1",
			       "--frames", "128"),
			 0);
	assert_true(options.show_allocations && options.trace);
	assert_true(options.min_age_s == 0);
	assert_int_equal(options.top, 1 << 20);
	assert_int_equal(options.max_blocks, 1 << 27);
	assert_int_equal(options.max_stacks, 1);
	assert_int_equal(options.max_frames, 128);
	options__free(&options);

	assert_int_equal(PARSE(&options, "--frames=1"), 0);
	assert_int_equal(options.max_frames, 1);
	options__free(&options);
	assert_int_equal(PARSE(&options, "-v"), 0);
	assert_int_equal(options.max_frames, 128);
	options__free(&options);

	assert_int_equal(PARSE(&options, "--exit-hook", "fentry", "--exit-after=kretprobe",
			       "--attach", "perf", "--features", "--json"),
			 0);
	assert_int_equal(options.paths.exit_before, EXIT_BEFORE_FENTRY);
	assert_int_equal(options.paths.exit_after, EXIT_AFTER_KRETPROBE);
	assert_int_equal(options.paths.call_probes, CALL_PROBES_PERF);
	assert_true(options.features);
	options__free(&options);

	assert_int_equal(PARSE(&options, "-z", "16G", "--max-size=16G"), 0);
	assert_true(options.min_size_bytes == 16ULL << 30);
	assert_true(options.max_size_bytes == 16ULL << 30);
	options__free(&options);
}

static void test_help_and_version(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(PARSE(&options, "-h", "--nonsense"), 0);
	assert_true(options.help);
	assert_int_equal(PARSE(&options, "-p", "1", "--help", "--", ""), 0);
	assert_true(options.help);
	assert_int_equal(PARSE(&options, "--version", "ls"), 0);
	assert_true(options.version);
	assert_int_equal(PARSE(&options, "--nonsense", "-h"), -EINVAL);
}

#define HINT "; a command goes after --: -- COMMAND [ARG...]"
#define TOP_TAKES "-T takes a whole number from 1 to 1048576, not "
#define SIZE_TAKES " takes a size in bytes such as 4096 or 64K, not "
#define PREFIX_TAKES                                                                     \
	" takes what a function's name begins with, such as my_ for my_malloc, at most " \
	"16 characters, not "
#define PID_TAKES "-p takes PIDs such as 1234 or 1234,1235, not "
#define TREE_TAKES "--tree takes a share in percent from 0.01 to 100 such as 1, not "
#define TREE_REFUSED "--tree is text without blocks or leaks: no --json, -a or --leak-check"
#define HOLD_NEW_REFUSED "--hold-new is for the whole system, or for children (-f)"
#define INTERVAL_REFUSED "INTERVAL takes seconds from 0.001 to 31536000 such as 5, 0.5 or 2m, not "
#define COUNT_TAKES "COUNT takes a whole number from 1 to 4294967295, not "

static const struct refusal refusals[] = {
	/* Options as such. */
	{ { "--foo" }, "unknown option '--foo'; see --help" },
	{ { "--foo=3" }, "unknown option '--foo'; see --help" },
	{ { "--max", "3" }, "unknown option '--max'; see --help" },
	{ { "-x" }, "unknown option '-x'; see --help" },
	{ { "--json", "-vx", "-a" }, "unknown option '-x'; see --help" },
	{ { "-5" }, "unknown option '-5'; see --help" },
	{ { "-T" }, "option '-T' needs a value" },
	{ { "-vT" }, "option '-T' needs a value" },
	{ { "--top" }, "option '--top' needs a value" },
	{ { "--max-b" }, "option '--max-blocks' needs a value" },
	{ { "-p" }, "option '-p' needs a value" },
	{ { "--json=yes" }, "option '--json' takes no value" },
	{ { "--help=me" }, "option '--help' takes no value" },
	/* Whole numbers. */
	{ { "-T", "-5" }, TOP_TAKES "'-5'" },
	{ { "-T", "0" }, TOP_TAKES "'0'" },
	{ { "-T", "" }, TOP_TAKES "''" },
	{ { "-T", " 5" }, TOP_TAKES "' 5'" },
	{ { "-T", "5 " }, TOP_TAKES "'5 '" },
	{ { "-T", "+5" }, TOP_TAKES "'+5'" },
	{ { "-T", "0x5" }, TOP_TAKES "'0x5'" },
	{ { "-T", "1048577" }, TOP_TAKES "'1048577'" },
	{ { "-T", "18446744073709551617" }, TOP_TAKES "'18446744073709551617'" },
	{ { "--top=x" }, "--top takes a whole number from 1 to 1048576, not 'x'" },
	{ { "--max-blocks", "134217729" },
	  "--max-blocks takes a whole number from 1 to 134217728, not '134217729'" },
	{ { "--max-stacks", "0" }, "--max-stacks takes a whole number from 1 to 1048576, not '0'" },
	{ { "--frames", "0" }, "--frames takes a whole number from 1 to 128, not '0'" },
	{ { "--frames=129" }, "--frames takes a whole number from 1 to 128, not '129'" },
	{ { "--frames", "-1" }, "--frames takes a whole number from 1 to 128, not '-1'" },
	{ { "--frames=" }, "--frames takes a whole number from 1 to 128, not ''" },
	{ { "-o", "1.5" },
	  "-o takes milliseconds, a whole number from 0 to 31536000000, or a time such as 90s, "
	  "not '1.5'" },
	{ { "-o", "8761h" },
	  "-o takes milliseconds, a whole number from 0 to 31536000000, or a time such as 90s, "
	  "not '8761h'" },
	/* Sizes. */
	{ { "-z", "10x" }, "-z" SIZE_TAKES "'10x'" },
	{ { "-z", "" }, "-z" SIZE_TAKES "''" },
	{ { "-z", "K" }, "-z" SIZE_TAKES "'K'" },
	{ { "-z", "-1" }, "-z" SIZE_TAKES "'-1'" },
	{ { "-z", "1KK" }, "-z" SIZE_TAKES "'1KK'" },
	{ { "-Z", "17179869184G" }, "-Z" SIZE_TAKES "'17179869184G'" },
	{ { "--min-size=1.5K" }, "--min-size" SIZE_TAKES "'1.5K'" },
	{ { "-z", "8K", "-Z", "4K" }, "-z 8192 is more than -Z 4096: no block would be counted" },
	/* Names. */
	{ { "-S", "" }, "-S" PREFIX_TAKES "''" },
	{ { "-S", "my malloc" }, "-S" PREFIX_TAKES "'my malloc'" },
	{ { "--symbols-prefix=a/b" }, "--symbols-prefix" PREFIX_TAKES "'a/b'" },
	{ { "-S", "a23456789012345_7" }, "-S" PREFIX_TAKES "'a23456789012345_7'" },
	{ { "-Sa", "-Sb", "-Sc", "-Sd", "-Se" }, "-S can be given at most 4 times" },
	{ { "-O", "" }, "-O takes the name or the path of a file with an allocator" },
	{ { "-Oa", "-Ob", "-Oc", "-Od", "-Oe" }, "-O can be given at most 4 times" },
	/* PIDs. */
	{ { "-p", "abc" }, PID_TAKES "'abc'" },
	{ { "-p", "" }, PID_TAKES "''" },
	{ { "-p", "1," }, PID_TAKES "'1,'" },
	{ { "-p", ",1" }, PID_TAKES "',1'" },
	{ { "-p", "1,,2" }, PID_TAKES "'1,,2'" },
	{ { "-p", "0" }, PID_TAKES "'0'" },
	{ { "-p", "-1" }, PID_TAKES "'-1'" },
	{ { "-p", "1 2" }, PID_TAKES "'1 2'" },
	{ { "-p", "2147483648" }, PID_TAKES "'2147483648'" },
	/* Texts. */
	{ { "-c", "" }, "-c takes a 'COMMAND LINE', not ''" },
	{ { "-u", "" }, "-u takes a USER, not ''" },
	{ { "-w", "" }, "-w takes a FILE, not ''" },
	{ { "--btf=" }, "--btf takes a FILE, not ''" },
	{ { "--exit-hook", "kretprobe" },
	  "--exit-hook takes kprobe, fentry or tracepoint, not 'kretprobe'" },
	{ { "--exit-after", "" }, "--exit-after takes tracepoint, fexit or kretprobe, not ''" },
	{ { "--attach=Perf" }, "--attach takes session, multi or perf, not 'Perf'" },
	{ { "--stack-walk", "dwarf" },
	  "--stack-walk takes tables, frame-pointers or none, not 'dwarf'" },
	{ { "--sort", "size" }, "--sort takes growth, held, old, blocks or rate, not 'size'" },
	{ { "--sort=" }, "--sort takes growth, held, old, blocks or rate, not ''" },
	{ { "--only", "oom,big" },
	  "--only takes oom, signalled, failed, held>=SIZE, comm=GLOB, "
	  "unit=GLOB or uid=N, not 'oom,big'" },
	{ { "--no-ends" }, "--no-ends without INTERVAL would show nothing: add one, such as 10" },
	{ { "--no-ends", "--only", "oom", "5" }, "--no-ends and --only exclude each other" },
	{ { "--fail-on", "leaks" },
	  "--fail-on takes held[=SIZE], definite, possible, kept, "
	  "unverified or lost, not 'leaks'" },
	{ { "--fail-on", "definite", "--leak-check=no", "--", "ls" },
	  "--fail-on definite or possible needs a leak check: not with --leak-check=no" },
	{ { "--fail-on", "held", "--leak-check=full", "--errors-for-leak-kinds=all", "--", "ls" },
	  "--fail-on and --errors-for-leak-kinds both say what is a failure: give one of them" },
	{ { "-w", "a", "-w", "b", "-w", "a" }, "-w 'a' is given twice" },
	{ { "--format", "xml" },
	  "--format takes text, json, html, folded, pprof, speedscope or heaptrack, not 'xml'" },
	{ { "-w", "a.folded" },
	  "a picture of the whole system is of its newest ranking: add INTERVAL, such as 10" },
	{ { "--format", "pprof" },
	  "a picture of the whole system is of its newest ranking: add INTERVAL, such as 10" },
	{ { "--append", "-w", "a.pb.gz", "-p", "1" },
	  "--append would put two pictures into one file: not with one" },
	{ { "--format", "png" },
	  "--format takes text, json, html, folded, pprof, speedscope or heaptrack, not 'png'" },
	{ { "--completion", "sh" }, "--completion takes bash, zsh or fish, not 'sh'" },
	{ { "--tree", "0" }, TREE_TAKES "'0'" },
	{ { "--tree=101" }, TREE_TAKES "'101'" },
	{ { "--tree", "1%" }, TREE_TAKES "'1%'" },
	{ { "--tree", "5", "--json" }, TREE_REFUSED },
	{ { "--tree", "5", "-a", "-p", "1" }, TREE_REFUSED },
	{ { "--tree", "5", "--leak-check=full" }, TREE_REFUSED },
	{ { "--features", "-p", "1" },
	  "--features traces nothing: no -p, command or INTERVAL with it" },
	{ { "--features", "--", "ls" },
	  "--features traces nothing: no -p, command or INTERVAL with it" },
	{ { "--features", "-c", "ls" },
	  "--features traces nothing: no -p, command or INTERVAL with it" },
	{ { "--features", "5" }, "--features traces nothing: no -p, command or INTERVAL with it" },
	/* INTERVAL and COUNT. */
	{ { "--hold-new", "-p", "1" }, HOLD_NEW_REFUSED },
	{ { "--hold-new", "--", "cmd" }, HOLD_NEW_REFUSED },
	{ { "--hold-new", "-c", "cmd" }, HOLD_NEW_REFUSED },
	{ { "--features", "--hold-new" }, "--hold-new and --features exclude each other" },
	{ { "--hold-new=yes" }, "option '--hold-new' takes no value" },
	{ { "ls" }, INTERVAL_REFUSED "'ls'" HINT },
	{ { "ls", "-l" }, INTERVAL_REFUSED "'ls'" HINT },
	{ { "" }, INTERVAL_REFUSED "''" },
	{ { "7z" }, INTERVAL_REFUSED "'7z'" HINT },
	{ { "-p", "1", "0.0009", "1" }, INTERVAL_REFUSED "'0.0009'" },
	{ { "0.0009" }, INTERVAL_REFUSED "'0.0009'" },
	{ { "31536001" }, INTERVAL_REFUSED "'31536001'" },
	{ { "99999999999999999999" }, INTERVAL_REFUSED "'99999999999999999999'" },
	{ { "5." }, INTERVAL_REFUSED "'5.'" },
	{ { "." }, INTERVAL_REFUSED "'.'" },
	{ { "1e3" }, INTERVAL_REFUSED "'1e3'" HINT },
	{ { "5d" }, INTERVAL_REFUSED "'5d'" HINT },
	{ { "s" }, INTERVAL_REFUSED "'s'" HINT },
	{ { "5ms" }, INTERVAL_REFUSED "'5ms'" HINT },
	{ { "8761h" }, INTERVAL_REFUSED "'8761h'" HINT },
	{ { "-" }, INTERVAL_REFUSED "'-'" HINT },
	{ { "5", "ls" }, COUNT_TAKES "'ls'" HINT },
	{ { "5", "0" }, COUNT_TAKES "'0'" },
	{ { "5", "-3" }, COUNT_TAKES "'-3'" HINT },
	{ { "5", "1.5" }, COUNT_TAKES "'1.5'" },
	{ { "5", "4294967296" }, COUNT_TAKES "'4294967296'" },
	{ { "5", "3", "2" }, "'2' is one word too many after INTERVAL and COUNT" },
	{ { "5", "3", "ls" }, "'ls' is one word too many after INTERVAL and COUNT" HINT },
	{ { "5", "-v", "--", "ls" }, "options such as '-v' go before INTERVAL" },
	{ { "5", "--json" }, "options such as '--json' go before INTERVAL" },
	/* Options that exclude each other. */
	{ { "--" }, "-- needs a COMMAND after it" },
	{ { "5", "--" }, "-- needs a COMMAND after it" },
	{ { "--", "" }, "-- takes a COMMAND, not ''" },
	{ { "-f" }, "-f goes with a command or -p: without them all processes are traced" },
	{ { "--follow", "5" },
	  "-f goes with a command or -p: without them all processes are traced" },
	{ { "-p", "1", "--", "ls" }, "-p and a command exclude each other" },
	{ { "-p", "1", "-c", "ls" }, "-p and a command exclude each other" },
	{ { "-c", "ls", "--", "ls" }, "-c and a command after -- exclude each other" },
	{ { "-u", "root" }, "-u goes with a command only" },
	{ { "-u", "root", "-p", "1" }, "-u goes with a command only" },
	{ { "--append", "-p", "1" }, "--append goes with -w only" },
};

static void test_refusals(void **state)
{
	(void)state;
	command_line__assert_refused(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

static void test_long_words_are_cut(void **state)
{
	char word[1000] = "", tiny[8];
	struct options options;

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	assert_int_equal(PARSE(&options, "-T", word), -EINVAL);
	assert_true(strlen(command_line__error) < 200);
	assert_null(strchr(command_line__error, '\n'));
	assert_int_equal(options__parse(&options, 2, (char *[]){ (char *)"m", word, NULL }, tiny,
					sizeof(tiny)),
			 -EINVAL);
	assert_string_equal(tiny, "INTERVA");
	assert_int_equal(options__parse(&options, 2, (char *[]){ (char *)"m", word, NULL }, NULL,
					0),
			 -EINVAL);
}

static void test_no_memory(void **state)
{
	struct options options;

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(PARSE(&options, "-c", "ls"), -ENOMEM);
	failing_alloc__never();
	assert_string_equal(command_line__error, "out of memory");
	options__free(&options);
}

static void test_formats(void **state)
{
	struct options options;
	(void)state;

	assert_int_equal(PARSE(&options, "-w", "a.jsonl", "-w", "b.pb.gz", "--", "ls"), 0);
	assert_string_equal(options__format_of(&options, "a.jsonl"), "json");
	assert_string_equal(options__format_of(&options, "b.pb.gz"), "pprof");
	assert_string_equal(options__format_of(&options, "c"), "text");
	assert_string_equal(options__format_of(&options, NULL), "text");
	assert_int_equal(PARSE(&options, "--json", "--", "ls"), 0);
	assert_string_equal(options__format_of(&options, "a.txt"), "json");
	assert_string_equal(options__format_of(&options, "a.folded"), "folded");
	assert_int_equal(PARSE(&options, "--xml=yes", "--xml-file=a.txt", "--", "ls"), 0);
	assert_string_equal(options__format_of(&options, "a.txt"), "xml");
	assert_int_equal(PARSE(&options, "--json", "--format", "text", "--", "ls"), 0);
	assert_string_equal(options__format_of(&options, "a.folded"), "text");
	assert_int_equal(PARSE(&options, "-w", "a.folded", "5"), 0);
}

static void test_seconds(void **state)
{
	static const char *const refused[] = { "",    ".",   "5.",  "-1", "+1",	 "1e3",	  "inf",
					       "nan", "0x1", " 1",  "1 ", "1,5", "1.2.3", "s",
					       "1ss", "1ms", "1 s", ".s", "1S" };
	double seconds;

	(void)state;
	assert_true(parse_number__seconds(".25", &seconds) && seconds == 0.25);
	assert_true(parse_number__seconds("10.0", &seconds) && seconds == 10);
	assert_true(parse_number__seconds("90s", &seconds) && seconds == 90);
	assert_true(parse_number__seconds("1.5m", &seconds) && seconds == 90);
	assert_true(parse_number__seconds("2h", &seconds) && seconds == 7200);
	assert_false(parse_number__decimal("2h", &seconds));
	assert_true(parse_number__seconds("0.1", &seconds) && seconds > 0.0999 && seconds < 0.1001);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(parse_number__seconds(refused[i], &seconds));
}

/* The manual has each option that the help has: .Fl -name. */
static void assert_in_manual(const char *manual, const char *help_line)
{
	const char *name = strstr(help_line, "--");
	char macro[64];

	if (help_line[0] != ' ' || help_line[1] != ' ' || !name)
		return;
	snprintf(macro, sizeof(macro), "Fl -%.*s", (int)strcspn(name + 2, " "), name + 2);
	assert_non_null(strstr(manual, macro));
}

static void read_manual(char *manual, size_t size)
{
	FILE *file = fopen("man/memleak-bpf.8", "r");
	size_t length;

	assert_non_null(file);
	length = fread(manual, 1, size - 1, file);
	assert_in_range(length, 1, size - 2);
	manual[length] = '\0';
	fclose(file);
}

static void test_help_names_every_option(void **state)
{
	static const char *const names[] = { "-p, --pid PID",
					     "-c, --command",
					     "-f, --follow",
					     "-u, --user",
					     "-a, --show",
					     "-t, --trace",
					     "-o, --older MS",
					     "-T, --top N",
					     "-z, --min-size",
					     "-Z, --max-size",
					     "-S, --symbols-prefix",
					     "-O, --object",
					     "--alloc FUNCTION",
					     "--free FUNCTION",
					     "--definitions FILE",
					     "-v, --verbose",
					     "-w, --output",
					     "--append",
					     "--json",
					     "--max-blocks",
					     "--max-stacks",
					     "--btf",
					     "--version",
					     "--features",
					     "--exit-hook",
					     "--exit-after",
					     "--stack-walk",
					     "--attach",
					     "-h, --help",
					     "--frames N",
					     "INTERVAL",
					     "COUNT" };
	static char manual[1 << 17];
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	read_manual(manual, sizeof(manual));
	option_table__print_help(out);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(text, names[i]));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(strlen(line) <= 80);
		assert_in_manual(manual, line);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_shell_command),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_too_many_pids),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_long_words_are_cut),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
