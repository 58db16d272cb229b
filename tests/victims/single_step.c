// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts itself after each instruction of what it steps through, by the processor's trap flag,
 * and allocates in the handler: so there is a stack from every point of prologues, epilogues, stubs
 * of the procedure linkage table, the vdso and the C library. With an argument also from within
 * the resolver, where functions of libraries are called for the first time. x86-64 only; elsewhere
 * it prints "none". What it steps through must not allocate by itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define MAX_STEPS 20000

static volatile int stepping;
static unsigned int nr_steps;
static char *volatile kept;

#if defined(__x86_64__)
#define TRAP_FLAG 0x100

static void on_trap(int number, siginfo_t *info, void *context)
{
	long long *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)info;
	if (number == SIGUSR1) {
		*flags |= TRAP_FLAG;
		return;
	}
	if (!stepping || nr_steps++ >= MAX_STEPS) {
		*flags &= ~TRAP_FLAG;
		return;
	}
	kept = malloc(1);
	*kept = 1;
}

static NOINLINE void start_stepping(void)
{
	stepping = 1;
	raise(SIGUSR1);
}

static void stop_stepping(void)
{
	stepping = 0;
}

/* ---- the code that is stepped through ---- */

static NOINLINE int add(const char *bytes, int a, int b)
{
	return bytes[0] + bytes[15] + a + b;
}

static NOINLINE int sized(int size)
{
	char *bytes = __builtin_alloca((size_t)size);

	memset(bytes, size, (size_t)size);
	return add(bytes, size, 1);
}

static NOINLINE int aligned(int a, int b)
{
	_Alignas(64) char bytes[64];

	memset(bytes, a, sizeof(bytes));
	return add(bytes, a, b) + sized(a + b + 100);
}

static NOINLINE long recurse(long n, long m)
{
	if (n <= 0)
		return m;
	return recurse(n - 1, m + n) + recurse(n - 2, m - n);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static NOINLINE int through_libc(void)
{
	int numbers[] = { 5, 3, 8, 1, 9, 2, 7 };
	char text[64];

	qsort(numbers, 7, sizeof(int), compare);
	/*
	 * The part of the vdso that reads no clock: a clock's code starts again when the time
	 * changes meanwhile.
	 */
	numbers[3] += time(NULL) > 0;
	snprintf(text, sizeof(text), "%s %d %ld", "text", numbers[3], strtol("123", NULL, 10));
	return text[0] + (getenv("NO_SUCH_VARIABLE") != NULL);
}

int main(int argc, char **argv)
{
	/* A debugger's breakpoint in the handler: the kernel drops handlers of blocked traps. */
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER };
	static char other_stack[65536];
	stack_t other = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
	volatile long sum = 0;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	(void)argv;
	if (argc < 2)
		sum += aligned(1, 2) + through_libc();
	start_stepping();
	sum += aligned(3, 4);
	sum += recurse(4, 1);
	sum += through_libc();
	stop_stepping();

	sigaltstack(&other, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGTRAP, &action, NULL);
	start_stepping();
	sum += aligned(5, 6);
	sum += through_libc();
	stop_stepping();
	printf("%u steps\n", nr_steps);
	return sum == 0;
}
#else
int main(void)
{
	puts("none");
	return 0;
}
#endif
