// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates on stacks that are hard to walk without frame pointers: frames whose size is known only
 * when they run, or that are aligned beyond what the caller guarantees, signal handlers on this and
 * on another stack, callbacks from a library, new threads, what longjmp left, and recursion deeper
 * than a tracer keeps. Frees nothing.
 */
#include <alloca.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define DEEPEST 300

static char *volatile kept;

/* The work after the call keeps it from becoming a jump. */
static NOINLINE void keep(size_t size)
{
	kept = malloc(size);
	*kept = 1;
}

/* Makes the compiler believe that the bytes matter. */
static void use(void *bytes)
{
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

/* ---- frames ---- */

static NOINLINE void in_sized_frame(size_t size)
{
	char *bytes = alloca(size);

	use(bytes);
	keep(size);
	use(bytes);
}

static NOINLINE void in_aligned_frame(int a, int b, int c, int d, int e, int f, int g)
{
	alignas(64) char bytes[128];

	memset(bytes, a + b + c + d + e + f + g, sizeof(bytes));
	use(bytes);
	keep(17);
	use(bytes);
}

static NOINLINE void in_aligned_sized_frame(size_t size)
{
	alignas(128) char bytes[256];
	char *more = alloca(size);

	use(bytes);
	use(more);
	in_sized_frame(size / 2);
	in_aligned_frame(1, 2, 3, 4, 5, 6, 7);
	use(more);
	use(bytes);
}

/* The data here is above any window of the stack that a walk may have read. */
static NOINLINE void in_large_frame(int depth)
{
	char bytes[5000];

	use(bytes);
	if (depth)
		in_large_frame(depth - 1);
	else
		keep(18);
	use(bytes);
}

/* All callee-saved registers are in use, rbp for a number. */
static NOINLINE long in_full_registers(long a, long b, long c, long d, long e, long f)
{
	for (long i = 0; i < 3; i++) {
		keep((size_t)i + 19);
		a += b ^ i;
		b += c ^ a;
		c += d ^ b;
		d += e ^ c;
		e += f ^ d;
		f += a ^ e;
	}
	return a + b + c + d + e + f;
}

static NOINLINE int descend(int depth)
{
	int below = depth < DEEPEST ? descend(depth + 1) : 0;

	keep((size_t)depth);
	return below + depth;
}

/* ---- callbacks ---- */

static int compare(const void *a, const void *b)
{
	keep(20);
	return *(const int *)a - *(const int *)b;
}

static NOINLINE void in_callback(void)
{
	int numbers[] = { 5, 3, 8, 1, 9, 2, 7 }, key = 7;

	qsort(numbers, 7, sizeof(int), compare);
	kept = bsearch(&key, numbers, 7, sizeof(int), compare);
}

static void at_exit(void)
{
	keep(21);
}

static __attribute__((constructor)) void before_main(void)
{
	keep(22);
}

/* ---- signals ---- */

static void on_signal(int number)
{
	keep((size_t)number);
	if (number == SIGUSR2)
		raise(SIGUSR1);
}

static NOINLINE void fault(volatile int *nowhere)
{
	*nowhere = 1;
}

static sigjmp_buf escape;

static void on_fault(int number)
{
	keep((size_t)number);
	siglongjmp(escape, 1);
}

static NOINLINE void in_handlers(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = 0;
	sigaction(SIGUSR2, &action, NULL);
	action.sa_handler = on_fault;
	action.sa_flags = flags;
	sigaction(SIGSEGV, &action, NULL);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR2);
	if (!sigsetjmp(escape, 1))
		fault(NULL);
	keep(23);
}

static NOINLINE void on_both_stacks(void)
{
	static char bytes[65536];
	stack_t other = { .ss_sp = bytes, .ss_size = sizeof(bytes) };

	in_handlers(0);
	sigaltstack(&other, NULL);
	in_handlers(SA_ONSTACK);
}

/* ---- jumps and threads ---- */

static jmp_buf back;

static NOINLINE void jump(int depth)
{
	keep(24);
	if (depth)
		jump(depth - 1);
	else if (kept)
		longjmp(back, 1);
	keep(25);
}

static NOINLINE void after_jumps(void)
{
	volatile int depth = 0;

	setjmp(back);
	if (depth++ < 5)
		jump(depth);
	keep(26);
}

static void *in_thread(void *argument)
{
	keep(27);
	in_aligned_sized_frame(300);
	return argument;
}

static NOINLINE void in_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, in_thread, NULL);
		pthread_join(thread, NULL);
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	atexit(at_exit);
	keep(28);
	in_sized_frame(1000);
	in_aligned_frame(argc, 2, 3, 4, 5, 6, 7);
	in_aligned_sized_frame(5000);
	in_large_frame(3);
	in_full_registers(argc, 2, 3, 4, 5, 6);
	in_callback();
	on_both_stacks();
	after_jumps();
	in_threads();
	descend(1);
	return 0;
}
