/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs the tracer and the victims as child processes, and gives tests the results: status, stdout,
 * stderr and the JSON Lines of the report file. Every child is waited for, with a time limit;
 * processes that a test leaves running are killed by their PIDs when the test ends.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <jansson.h>

#define ARGS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define NO_ARGS ((const char *const[]){ NULL })

#define MIB (1ULL << 20)

/* The limit for runs that take a second or two: a machine may be loaded or emulated. */
#define RUN_TIMEOUT_S 120.0

/* A test that needs root; the children that it forgets are killed after it. */
#define SYSTEM_TEST(function) \
	cmocka_unit_test_setup_teardown(function, harness__test_begin, harness__test_end)

int harness__begin(void **state); /* group setup */
int harness__end(void **state); /* group teardown */
int harness__test_begin(void **state);
int harness__test_end(void **state);

/* Prints why and skips the running test. */
#define SKIP(...)                                       \
	do {                                            \
		print_message("skipped: " __VA_ARGS__); \
		print_message("\n");                    \
		skip();                                 \
	} while (0)

/* Paths below the build folder; good until the 16th call after this one. */
const char *tracer_path(void);
/*
 * Begins argv (with room for 8) with the tracer and the words of TRACER_OPTIONS: options for this
 * whole run of the tests, such as a path to try. Returns the number of words.
 */
size_t tracer_words(const char **argv);
const char *victim(const char *name);
/* A path in a folder of this test program that is removed at its end. */
const char *scratch(const char *name);
/* The victim; skips the test when the machine that built had no tool for it. */
const char *optional_victim(const char *name);
bool have_program(const char *name); /* in PATH */
/* Whether --features says that the kernel has that, such as "write_text". */
bool kernel_has(const char *feature);
/* Formats like printf; the text is good until the fourth call after this one. */
const char *words(const char *format, ...) __attribute__((format(printf, 1, 2)));
double now_s(void);
void pause_ms(long ms);
unsigned int nr_cpus(void);
/* n, or a tenth of it (at least 1) where the processor is emulated: EMULATED is set there. */
unsigned int scaled(unsigned int n);
/* Threads that are always busy: 8; on an emulated processor 3, since 8 leave a tracer no time. */
unsigned int nr_busy_threads(void);

/* The result of a child. */
struct run {
	pid_t pid;
	bool timed_out;
	int wait_status; /* of waitpid */
	int exit_status; /* -1 when a signal ended it */
	int signal; /* 0 when none ended it */
	double wall_s;
	char *out, *err;
	size_t out_size, err_size;
	json_t *events; /* array; NULL when no report file was asked for */
};

void run__free(struct run *run);
/* Prints everything about a run, for the message of a failing test. */
void run__print(const struct run *run);
/* Prints up to 8,000 bytes and a newline; print_message would cut the text after 1,023. */
void print_whole(const char *text);
void print_json(const json_t *value);

struct child_options {
	const char *const *argv;
	char *const *environment; /* NULL: this one's */
	const char *directory; /* NULL: this one's */
	const char *stdin_text; /* NULL: /dev/null, unless stdin_pipe */
	bool stdin_pipe; /* child__send writes to it */
	bool own_group; /* in a process group of its own */
	const char *stdout_path; /* NULL: kept in memory as run->out */
	const char *report_path; /* this file is read at the end as run->events */
	int (*prepare)(void *context); /* in the child, before exec; non-zero: it exits 96 */
	void *prepare_context;
};

struct child;

struct child *child__start(const struct child_options *options);
pid_t child__pid(const struct child *child);
void child__send(struct child *child, const char *text);
void child__close_stdin(struct child *child);
/* Kills with SIGKILL at the time limit, and says so. Consumes child. */
struct run *child__finish(struct child *child, double timeout_s);
bool child__is_running(struct child *child);
/* Waits until its stdout has text at least count times; fails the test after timeout_s. */
void child__wait_output(struct child *child, const char *text, unsigned int count,
			double timeout_s);
/* Its stdout so far; to be freed. */
char *child__output(const struct child *child);
/* Waits until the report file has count lines with that "event"; fails the test after timeout_s. */
void child__wait_event(struct child *child, const char *event, unsigned int count,
		       double timeout_s);

/* Waits, with a limit, for a child that was re-parented to this program. */
struct run *harness__wait_orphan(pid_t pid, double timeout_s);

/*
 * Skips the test when the tracer was refused because it lacked CAP_DAC_OVERRIDE, on a kernel where
 * probes can't be put into one process alone. Where they can, the refusal is a failure.
 */
void skip_if_everybody_is_probed(const struct run *run);
/* Runs a program to its end, without the tracer. */
struct run *run_plain(const char *const *argv);
struct run *run_with(const struct child_options *options, double timeout_s);
/* Runs memleak-bpf OPTIONS, and adds nothing but TRACER_OPTIONS. */
struct run *run_tracer(const char *const *options);
/* Runs memleak-bpf --json -w FILE OPTIONS -- COMMAND; it must not time out and must write JSON. */
struct run *trace(const char *const *options, const char *const *command);
/* The same with a stack list that is long enough for all. */
struct run *trace_all(const char *const *command);
/* Starts memleak-bpf --json -w FILE OPTIONS and waits for its start record. */
struct child *start_tracer(const char *const *options);
/* Ends it by SIGINT, as a person does; it must end well, with one total. */
struct run *stop_tracer(struct child *tracer);

/* JSON */
unsigned int count_events(const struct run *run, const char *event);
/* The n-th record of that event; fails the test when there is none. */
json_t *event_record(const struct run *run, const char *event, unsigned int n);
/* The n-th exit record of a process; fails the test when there is none. */
json_t *exit_record_of(const struct run *run, pid_t pid, unsigned int n);
/* The last of them: the record of its memory, if that went after the process. */
json_t *last_exit_record_of(const struct run *run, pid_t pid);
/* The only exit record. */
json_t *exit_record(const struct run *run);
/*
 * The exit record with the verdict of the only process. It is the second one if something else
 * works on the process's memory at its end for longer than the tracer waits: the first then says,
 * rightly, that the memory is not gone yet.
 */
const json_t *final_exit_record(const struct run *run);

/*
 * Values by a path such as "held.bytes". They fail the test when the value is absent or of another
 * type.
 */
json_t *field(const json_t *record, const char *path);
long long number(const json_t *record, const char *path);
double real(const json_t *record, const char *path);
const char *text(const json_t *record, const char *path);
bool truth_value(const json_t *record, const char *path);
/* Whether the value is null, or below a null. */
bool is_null(const json_t *record, const char *path);

struct sum {
	unsigned long long bytes, blocks, stacks;
};

/* The sums of the stacks with (or without) a frame of this function. */
struct sum stacks_with(const json_t *record, const char *function);
struct sum stacks_without(const json_t *record, const char *const *functions);
struct sum all_stacks(const json_t *record);
/* The stack that holds exactly these bytes; fails the test when there is none. */
json_t *stack_of_bytes(const json_t *record, long long bytes);
const char *frame_function(const json_t *stack, size_t index); /* "" when it has none */

/* What a victim tells of itself, in the n-th truth line of its stdout. */
struct truth {
	long long held_bytes, held_blocks, allocated_bytes, allocated_blocks, freed_bytes,
		freed_blocks, failed;
};

struct truth truth_of(const struct run *run, unsigned int n);
/* Asserts that every figure is the truth's, and that nothing was lost. */
void assert_exact(const json_t *record, const struct truth *truth);
/*
 * For calls that probes in one process can miss: the figures are exact, or said to be "at least"
 * and not above the truth.
 */
void assert_exact_or_said(const json_t *record, const struct truth *truth);
void assert_held(const json_t *record, long long bytes, long long blocks);
/* Asserts that held is allocated minus freed, and is the sum of the stacks. */
void assert_consistent(const json_t *record);
/*
 * For a victim with threads, whose libc allocates for itself: the stacks with one of the victim's
 * own functions hold exactly the truth, and the rest is at most max_rest blocks.
 */
void assert_exact_in(const json_t *record, const struct truth *truth, const char *const *functions,
		     long long max_rest);
/*
 * How many frees of unrecorded blocks glibc itself may make when that many threads end: each passes
 * the blocks of its cache, freed long before, to free() once more.
 */
long long cached_frees(long long threads);
void assert_nothing_lost(const json_t *record);
/*
 * Asserts that verified is true, and that all resident and page table figures exist and are
 * plausible.
 */
void assert_reclaimed(const json_t *record);
void assert_contains(const char *haystack, const char *needle);
/* Compares line by line; a failure shows only the lines that differ. */
void assert_same_lines(const char *actual, const char *expected);
void assert_lacks(const char *haystack, const char *needle);
/* Asserts that it is exactly one line, not an empty one. */
void assert_one_line(const char *text);

/* The newest BPF objects in the kernel, to see that a tracer leaves none behind. */
struct bpf_objects {
	uint32_t newest_program, newest_link, newest_map;
};

struct bpf_objects bpf_objects_now(void);
/* The number of BPF programs, maps and links that are younger than these and still exist. */
unsigned int bpf_objects_since(const struct bpf_objects *before);
/* Waits until none is left; other tracers on the machine may hold some for a while. */
void assert_no_bpf_objects_since(const struct bpf_objects *before);
/*
 * Whether anybody traces this machine now that all tracers of the running test have ended. The
 * probes of a tracer of all processes are in the victims too, and it holds their memory for a
 * moment when it puts probes in or takes them out. Tracers of test programs that run at the same
 * time don't count: they trace their own victims alone.
 */
bool another_tracer_runs(void);
/*
 * Asserts that the executable bytes of a file's first mapping equal the file's: no breakpoint is in
 * it.
 */
void assert_text_untouched(pid_t pid, const char *path);
bool text_is_touched(pid_t pid, const char *path);
/* Whether they differ, for a file that the process's mappings know by a path with that end. */
bool mapping_is_touched(pid_t pid, const char *path_end);

#endif
