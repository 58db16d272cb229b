// SPDX-License-Identifier: GPL-2.0
/* See privileges.h. The table was measured: with fewer capabilities, some system test fails. */
#include "processes/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NONE (-1)

static const struct {
	int number;
	const char *name;
	int instead; /* a wider capability that includes it; or NONE */
	unsigned int uses;
} needs[] = {
	{ CAP_BPF, "CAP_BPF", CAP_SYS_ADMIN, PRIVILEGE_TRACE },
	{ CAP_PERFMON, "CAP_PERFMON", CAP_SYS_ADMIN, PRIVILEGE_TRACE },
	/*
	 * For maps and files of processes with more privileges than ours: in practice, of any
	 * other.
	 */
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", NONE, PRIVILEGE_TRACE },
	/* For /proc/PID/map_files. */
	{ CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE", CAP_SYS_ADMIN,
	  PRIVILEGE_FOREIGN_FILES },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", CAP_DAC_OVERRIDE, PRIVILEGE_FOREIGN_FILES },
	/* For writing to /proc/PID/mem of other users: CAP_SYS_PTRACE is not enough for that. */
	{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", NONE, PRIVILEGE_GUARD },
	/*
	 * For all perf events if kernel.perf_event_paranoid is above 2, as on Debian; for uprobes
	 * by perf events since the fix of CVE-2025-38466 (6.16, 6.12.39, 6.1.146).
	 */
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", NONE, PRIVILEGE_GUARDED_PERF },
	{ CAP_SETUID, "CAP_SETUID", NONE, PRIVILEGE_BECOME_USER },
	{ CAP_SETGID, "CAP_SETGID", NONE, PRIVILEGE_BECOME_USER },
	{ CAP_KILL, "CAP_KILL", NONE, PRIVILEGE_BECOME_USER | PRIVILEGE_HOLD },
};

/* Uses a system call: /proc may be missing, and so may a free descriptor to read it with. */
uint64_t privileges__effective(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets))
		return 0;
	return sets[0].effective | (uint64_t)sets[1].effective << 32;
}

static bool has(uint64_t capabilities, int number)
{
	return number != NONE && capabilities & (1ULL << number);
}

unsigned int privileges__missing(uint64_t capabilities, unsigned int uses, char *missing,
				 size_t size)
{
	unsigned int nr = 0;
	size_t length = 0;

	if (size)
		*missing = '\0';
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (!(needs[i].uses & uses) || has(capabilities, needs[i].number) ||
		    has(capabilities, needs[i].instead))
			continue;
		if (length < size)
			length += (size_t)snprintf(missing + length, size - length, "%s%s",
						   nr ? ", " : "", needs[i].name);
		nr++;
	}
	return nr;
}

int privileges__check(uint64_t capabilities, unsigned int uses, bool root, char *error,
		      size_t error_size)
{
	char missing[192];

	if (!privileges__missing(capabilities, uses, missing, sizeof(missing)))
		return 0;
	snprintf(error, error_size, "missing privileges: %s; %s", missing,
		 root ? "root was left without them (as in a container or a service)" :
			"run as root (sudo memleak-bpf …)");
	return -EPERM;
}

/* The initial user namespace has a fixed inode number (PROC_USER_INIT_INO in linux/proc_ns.h). */
int privileges__check_namespace(char *error, size_t error_size)
{
	struct stat status;

	if (stat("/proc/self/ns/user", &status) || status.st_ino == 0xEFFFFFFD)
		return 0;
	snprintf(
		error, error_size,
		"this is a user namespace (a rootless container, or unshare -U): its root may not trace; run it as root of the host");
	return -EPERM;
}

/*
 * Clears the capability's bit in the sets where clear has it, then sets it in the effective set if
 * set has it there.
 */
static int change_sets(int capability, struct __user_cap_data_struct clear,
		       struct __user_cap_data_struct set)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_data_struct *half = &sets[CAP_TO_INDEX(capability)];

	if (syscall(SYS_capget, &header, sets))
		return -errno;
	half->effective = (half->effective & ~clear.effective) | set.effective;
	half->permitted &= ~clear.permitted;
	half->inheritable &= ~clear.inheritable;
	return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

static const struct __user_cap_data_struct nothing;

bool privileges__set_aside(int capability)
{
	const struct __user_cap_data_struct bit = { .effective = CAP_TO_MASK(capability) };

	return has(privileges__effective(), capability) && !change_sets(capability, bit, nothing);
}

int privileges__take_back(int capability)
{
	const struct __user_cap_data_struct bit = { .effective = CAP_TO_MASK(capability) };

	return change_sets(capability, nothing, bit);
}

int privileges__drop(int capability)
{
	uint32_t bit = CAP_TO_MASK(capability);
	const struct __user_cap_data_struct bits = { bit, bit, bit };

	/*
	 * Programs that root executes get the bounding set. Without CAP_SETPCAP, it can't be
	 * changed.
	 */
	prctl(PR_CAPBSET_DROP, capability);
	return change_sets(capability, bits, nothing);
}
