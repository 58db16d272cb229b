// SPDX-License-Identifier: GPL-2.0
/*
 * A child that is killed on its way back from malloc, in the middle of the kernel's trampoline for
 * probed returns, where its parent has stepped it to. Newer trampolines save registers over the
 * return address first. A trampoline of a single instruction (before 6.11) can't be stopped in; the
 * child is then killed after it. x86-64 only; exit code 2 elsewhere.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "truth.h"

#define MAX_STEPS 20000

#if defined(__x86_64__)
static void *volatile kept;

static void allocate_for_ever(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	kept = malloc(100); /* the trampoline is made by the first probed return */
	raise(SIGSTOP);
	for (;;)
		kept = malloc(100);
}

static uintptr_t trampoline_page(pid_t pid)
{
	char path[64], line[512];
	unsigned long start = 0, found = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	if (!maps)
		die(path);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[uprobes]") && sscanf(line, "%lx", &start) == 1)
			found = start;
	fclose(maps);
	return found;
}

/* Leaves the child stopped in the trampoline after its first instruction, or after all of it. */
static void step_into(pid_t child, uintptr_t trampoline)
{
	struct user_regs_struct registers;
	int status;

	for (int i = 0; i < MAX_STEPS; i++) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
		    ptrace(PTRACE_GETREGS, child, NULL, &registers))
			die("step");
		if (registers.rip > trampoline && registers.rip < trampoline + 4096)
			return;
	}
}

int main(void)
{
	pid_t child = fork();
	uintptr_t trampoline;
	int status;

	if (!child)
		allocate_for_ever();
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		die("fork");
	trampoline = trampoline_page(child);
	if (!trampoline)
		die("the return from malloc is not probed");
	step_into(child, trampoline);
	printf("%d\n", (int)child);
	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	return 0;
}
#else
int main(void)
{
	return 2;
}
#endif
