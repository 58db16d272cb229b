// SPDX-License-Identifier: GPL-2.0
/*
 * jump trap|timer|altstack|onstack: leaves malloc by siglongjmp from a signal handler, many times
 * over, then allocates a known number of blocks. A tracer that still believes itself "inside"
 * malloc misses those.
 *
 * trap: seccomp turns the mmap of one size into SIGSYS, so the jump leaves malloc from inside its
 * system call, at a point where glibc has changed nothing yet: exact. altstack: the same with the
 * handler on an alternate stack. onstack: that alternate stack lies above the interrupted frames,
 * inside main's own. timer: from wherever a timer happens to strike; the blocks are all beyond
 * the mmap threshold, where glibc has no lists to leave half-changed.
 * nested: the handler allocates on the alternate stack and lets the interrupted malloc go on.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

#include "truth.h"

#define TRAPPED_SIZE (3 << 20)
/* glibc adds a header and rounds up to a page. */
#define TRAPPED_MAPPING (TRAPPED_SIZE + 4096)
#define JUMPS 200

static sigjmp_buf back;
static volatile sig_atomic_t nr_caught;
static volatile sig_atomic_t jump_out = 1;

static NOINLINE void keep(void)
{
	for (int i = 0; i < 50; i++)
		truth_allocated(malloc(70), 70);
}

static NOINLINE void keep_in_handler(void)
{
	truth_allocated(malloc(170), 170);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *state = context;
	(void)number;
	(void)info;

	nr_caught++;
	if (jump_out)
		siglongjmp(back, 1);
	keep_in_handler();
	/* Make the call that was refused, one page longer so that it is let through. */
#ifdef __x86_64__
	state->uc_mcontext.gregs[REG_RAX] = (long)mmap(NULL, TRAPPED_MAPPING + 4096,
						       PROT_READ | PROT_WRITE,
						       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#else
	state->uc_mcontext.regs[0] = (unsigned long)mmap(NULL, TRAPPED_MAPPING + 4096,
							 PROT_READ | PROT_WRITE,
							 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#endif
}

static void trap_one_mapping(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRAPPED_MAPPING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp");
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | flags;
	if (sigaction(number, &action, NULL))
		die("sigaction");
}

static NOINLINE void jump_out_of_malloc(void)
{
	for (volatile int i = 0; i < JUMPS; i++) {
		if (sigsetjmp(back, 1) == 0) {
			if (malloc(TRAPPED_SIZE))
				die("it was not trapped");
		}
	}
	if (nr_caught != JUMPS)
		die("jumps");
}

static NOINLINE void interrupted_outer(void)
{
	void *block = malloc(TRAPPED_SIZE);

	truth_allocated(block, TRAPPED_SIZE);
}

static NOINLINE void *take_and_return(void)
{
	void *block = malloc(TRAPPED_SIZE / 2);

	free(block);
	return block;
}

static void on_timer(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	nr_caught++;
	siglongjmp(back, 1);
}

static void by_timer(void)
{
	struct itimerval timer = { { 0, 300 }, { 0, 300 } }, stop = { { 0, 0 }, { 0, 0 } };
	void *block;

	/* Fixed: glibc would raise the threshold at the first free. */
	if (!mallopt(M_MMAP_THRESHOLD, 128 << 10))
		die("mallopt");
	/* The first call sets glibc up under a lock, which a jump out of it would leave locked. */
	block = malloc(1);
	truth_allocated(block, 1);
	free(block);
	truth_freed(1);
	handle(SIGALRM, on_timer, 0);
	if (sigsetjmp(back, 1) == 0)
		setitimer(ITIMER_REAL, &timer, NULL);
	while (nr_caught < JUMPS)
		take_and_return();
	/* From here on no jump: the handler's last one has brought us to this line or before it. */
	setitimer(ITIMER_REAL, &stop, NULL);
	signal(SIGALRM, SIG_IGN);
}

static NOINLINE void with_alternate_stack(void *base, size_t size)
{
	stack_t stack = { .ss_sp = base, .ss_size = size };

	if (sigaltstack(&stack, NULL))
		die("sigaltstack");
	handle(SIGSYS, on_trap, SA_ONSTACK);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "trap";
	char alternate[64 << 10] __attribute__((aligned(16)));

	/* Touched, so that the compiler keeps it in this frame, above the callees'. */
	*(volatile char *)alternate = 0;
	if (!strcmp(how, "timer")) {
		by_timer();
		keep();
		truth_print();
		return 0;
	}
	if (!strcmp(how, "altstack") || !strcmp(how, "nested")) {
		void *stack = mmap(NULL, sizeof(alternate), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (stack == MAP_FAILED)
			die("mmap");
		with_alternate_stack(stack, sizeof(alternate));
	} else if (!strcmp(how, "onstack") || !strcmp(how, "nested-onstack")) {
		with_alternate_stack(alternate, sizeof(alternate));
	} else if (!strcmp(how, "trap")) {
		handle(SIGSYS, on_trap, 0);
	} else {
		die(how);
	}
	trap_one_mapping();
	if (!strncmp(how, "nested", 6)) {
		jump_out = 0;
		interrupted_outer();
		if (nr_caught != 1)
			die("it was not trapped");
	} else {
		jump_out_of_malloc();
	}
	keep();
	truth_print();
	return 0;
}
