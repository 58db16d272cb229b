// SPDX-License-Identifier: GPL-2.0
/* See shield.h. tracer.c attaches and detaches under it. */
#include "probes/shield.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define STACK_BYTES (1 << 20)

struct shielded {
	int (*work)(void *context);
	void *context;
	int result;
};

static int enter(void *argument)
{
	struct shielded *shielded = argument;

	/*
	 * A SIGKILL to the tracer's process group (timeout -k sends one) must not reach this
	 * process.
	 */
	setsid();
	shielded->result = shielded->work(shielded->context);
	return 0;
}

int shield__run(int (*work)(void *context), void *context)
{
	struct shielded shielded = { .work = work, .context = context, .result = -EINTR };
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid = -1;

	/* As with vfork: the caller is suspended while the child runs, so they can share memory. */
	if (stack != MAP_FAILED)
		pid = clone(enter, stack + STACK_BYTES,
			    CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &shielded);
	if (pid < 0) {
		log__detail(
			"attaching without a shield from SIGKILL: no process could be created for it");
		shielded.result = work(context);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (stack != MAP_FAILED)
		munmap(stack, STACK_BYTES);
	return shielded.result;
}
