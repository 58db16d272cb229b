// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates under a strict filter, which kills it at any system call that it does not make itself,
 * such as the system call of a return probe from 6.11 on where the kernel lets the filter see it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "truth.h"

#define ALLOW(number)                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void lock_down(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_read),
		ALLOW(SYS_write),
		ALLOW(SYS_exit),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_brk),
		ALLOW(SYS_mmap),
		ALLOW(SYS_munmap),
		ALLOW(SYS_mremap),
		ALLOW(SYS_rt_sigreturn),
		ALLOW(SYS_getrandom),
		ALLOW(SYS_futex),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp");
}

static NOINLINE void keep(void)
{
	for (int i = 0; i < 100; i++) {
		void *kept = malloc(200), *passing = malloc(300);

		truth_allocated(kept, 200);
		truth_allocated(passing, 300);
		truth_freed(300);
		free(passing);
	}
	/* Larger than the mmap threshold. */
	truth_allocated(malloc(1 << 20), 1 << 20);
}

int main(void)
{
	lock_down();
	keep();
	truth_print();
	say("ok\n");
	return 0;
}
